import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { imageFormat } from "../../../../src/grounding/hub/image-format.js";
import { readNpy } from "../../../../src/grounding/index.js";
import { imageTensor } from "../../../../src/inference/index.js";
import { runPython } from "../../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "processors-"));
const sizes = ["640x480", "1280x720", "480x640", "1500x400", "97x53", "960x960"];
const families = ["clipseg", "clipseg-bicubic", "owlv2", "grounding-dino", "sam"];

beforeAll(() => runPython("test/reference/processors.py", [folder, ...sizes]), 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(families)("%s: an image as the processor of transformers brings it to the model", (name) => {
  const [family = name] = /^[a-z0-9]+(-dino)?/.exec(name) ?? [];
  const preprocessor = () => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));

  it.each(sizes)("%s", async (size) => {
    const [width = 0, height = 0] = size.split("x").map(Number);
    const data = new Uint8Array(readFileSync(join(folder, `${size}.src`)));
    const format = imageFormat(family, preprocessor(), "preprocessor_config.json");
    const found = await imageTensor({ width, height, data }, format);
    const wanted = await readNpy(join(folder, `${name}-${size}.npy`));
    expect(found.dims).toEqual(wanted.dims);
    const plane = found.data.length / 3;
    let largest = 0;
    for (let i = 0; i < found.data.length; i++) {
      const std = format.std[Math.trunc(i / plane)] ?? 1;
      largest = Math.max(largest, Math.abs(Number(found.data[i]) - Number(wanted.data[i])) * std);
    }
    expect(largest).toBeLessThanOrEqual(2 / 255);
  });
});

describe("a preprocessor_config.json that does not fit", () => {
  it.each([
    ["clipseg", { size: { longest_edge: 5 } }, /height and width/],
    ["sam", { size: { height: 8, width: 8 } }, /longest_edge/],
    ["owlv2", { size: 960, resample: 0 }, /resample 0/],
    ["clipseg", { image_mean: [0.5] }, /size/],
  ])("%s %o", (family, config, detail) => {
    expect(() => imageFormat(family, config, "here.json")).toThrow(
      expect.objectContaining({ code: "MODEL_MANIFEST", message: expect.stringMatching(detail) }),
    );
  });

  it("reads sizes as older processors wrote them", () => {
    expect(imageFormat("clipseg", { size: 352, resample: 2 }, "")).toMatchObject({
      ...{ fit: "stretch", width: 352, height: 352, resample: "bilinear" },
    });
    expect(imageFormat("grounding-dino", { size: 800, max_size: 1333 }, "")).toMatchObject({
      ...{ fit: "shortest-edge", width: 1333, height: 800 },
    });
    expect(imageFormat("grounding-dino", { size: { height: 800, width: 800 } }, "")).toMatchObject({
      ...{ fit: "stretch", width: 800, height: 800 },
    });
  });
});
