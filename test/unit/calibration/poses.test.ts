import { describe, expect, it } from "vitest";
import { parsePoses } from "../../../src/calibration/index.js";
import { GraspGroundingError } from "../../../src/errors/index.js";

const header = "image,x,y,z,qx,qy,qz,qw";
const row = "00.png,0.1,-0.2,3e-1,0,0,0.6,0.8";
const pose = { position: [0.1, -0.2, 0.3], orientation: [0, 0, 0.6, 0.8] };

describe("robot poses are read", () => {
  it.each([
    ["commas", `${header}\n${row}\n`],
    ["no last line break, Windows line ends", `${header}\r\n${row}`],
    ["a byte order mark", `\ufeff${header}\n${row}\n`],
    [
      "quoted headers and cells",
      `"image","x","y","z","qx","qy","qz","qw"\n"00.png",0.1,-0.2,0.3,0,0,0.6,0.8\n`,
    ],
    ["semicolons", `${header}\n${row}\n`.replaceAll(",", ";")],
    ["tabs", `${header}\n${row}\n`.replaceAll(",", "\t")],
    [
      "spaces, comments and empty lines",
      `# of the arm\n\n image, x, y, z, qx, qy, qz, qw\n\n 00.png , 0.1, -0.2, 0.3, 0, 0, 0.6, 0.8\n`,
    ],
    [
      "another order and more columns",
      `note,qw,qz,qy,qx,z,y,x,image\nfirst,0.8,0.6,0,0,0.3,-0.2,0.1,00.png\n`,
    ],
  ])("from CSV with %s", (_, text) => {
    expect(parsePoses(text, "poses.csv").get("00.png")).toEqual(pose);
  });

  it("from YAML and JSON", () => {
    const item = { image: "00.png", x: 0.1, y: -0.2, z: 0.3, qx: 0, qy: 0, qz: 0.6, qw: 0.8 };
    expect(parsePoses(JSON.stringify([item]), "poses.json").get("00.png")).toEqual(pose);
    const yaml = "- {image: 00.png, x: 0.1, y: -0.2, z: '0.3', qx: 0, qy: 0, qz: 0.6, qw: 0.8}\n";
    expect(parsePoses(yaml, "poses.yaml").get("00.png")).toEqual(pose);
  });
});

describe("what is refused, with the place and the cause", () => {
  it.each([
    ["an empty cell", `${header}\n${row}\n01.png,0.1,,0.3,0,0,0.6,0.8\n`, /line 3, y: the cell is empty/],
    ["a cell of spaces", `${header}\n01.png,0.1,  ,0.3,0,0,0.6,0.8\n`, /line 2, y: the cell is empty/],
    ["an empty image", `${header}\n,0.1,0,0.3,0,0,0.6,0.8\n`, /line 2, image: the cell is empty/],
    [
      "a decimal comma behind semicolons",
      `${header}\n${row}\n`.replaceAll(",", ";").replaceAll(".1", ",1"),
      /line 2, x: "0,1" has a decimal comma: write 0\.1/,
    ],
    [
      "a decimal comma between quotes",
      `${header}\n00.png,"0,1",0,0,0,0,0,1\n`,
      /line 2, x: "0,1" has a decimal comma/,
    ],
    [
      "decimal commas that split cells",
      `${header}\n00.png,0,1,-0,2,0,3,0,0,0,6,0,8\n`,
      /line 2: 13 cells.*decimal comma/,
    ],
    ["a hexadecimal cell", `${header}\n00.png,0x1,0,0,0,0,0,1\n`, /line 2, x: "0x1" is not a number/],
    ["a column twice", `${header},x\n00.png,0.1,0,0,0,0,0,1,5\n`, /the header has x twice/],
    ["a missing cell", `${header}\n00.png,0.1,0.2\n`, /line 2: 3 cells, and the header has 8/],
    [
      "a missing column",
      "image,x,y,z,qx,qy,qz\n00.png,1,2,3,0,0,0\n",
      /no qw.*it has image, x, y, z, qx, qy, qz/,
    ],
    ["other separators", `${header}\n${row}\n`.replaceAll(",", " "), /no image, x, y, z.*read with ","/],
    ["a word", `${header}\n00.png,left,0,0,0,0,0,1\n`, /line 2, x: "left" is not a number/],
    ["infinity", `${header}\n00.png,1e999,0,0,0,0,0,1\n`, /line 2, x: .* is not a number/],
    ["no unit quaternion", `${header}\n00.png,0,0,0,0,0,0,0.5\n`, /length 0\.500/],
    ["millimetres", `${header}\n00.png,400,0,0,0,0,0,1\n`, /not in metres/],
    ["an image twice", `${header}\n${row}\n${row}\n`, /line 3, 00\.png is there twice/],
    ["a quote that does not end", `${header}\n"00.png,0,0,0,0,0,0,1\n`, /[Qq]uote/],
    ["nothing", "", /no image/],
  ])("%s", (_, text, says) => {
    expect(() => parsePoses(text, "poses.csv")).toThrowError(says);
    expect(() => parsePoses(text, "poses.csv")).toThrowError(GraspGroundingError);
  });

  it.each([
    [
      "an empty value",
      "- {image: a.png, x: , y: 0, z: 0, qx: 0, qy: 0, qz: 0, qw: 1}",
      /row 1, x: the cell is empty/,
    ],
    ["true", "- {image: a.png, x: true, y: 0, z: 0, qx: 0, qy: 0, qz: 0, qw: 1}", /row 1, x: "true"/],
    ["a list", "- {image: a.png, x: [1], y: 0, z: 0, qx: 0, qy: 0, qz: 0, qw: 1}", /row 1, x: "1" is not/],
    ["no list", "image: a.png", /not a list/],
  ])("in YAML: %s", (_, text, says) => {
    expect(() => parsePoses(text, "poses.yaml")).toThrowError(says);
  });
});
