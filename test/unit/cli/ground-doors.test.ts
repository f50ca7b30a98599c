import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../support/bags.js";
import { asRosYaml } from "../../support/calibrations.js";
import { cli } from "../../support/cli.js";
import { runPython } from "../../support/python.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string) => join(folder.path, name);
const width = 64;
const height = 48;
const camera = { width, height, fx: 60, fy: 60, cx: 31.5, cy: 23.5 };

beforeAll(async () => {
  runPython("bench/reference/tiny_model.py", [at("tiny")]);
  await sharp({ create: { width, height, channels: 3, background: "#a01010" } })
    .png()
    .toFile(at("colour.png"));
  const depth = (side: number) => ({
    raw: { width: width * side, height: height * side, channels: 1 as const },
  });
  await sharp(new Uint16Array(width * height).fill(800), depth(1))
    .toColourspace("grey16")
    .png()
    .toFile(at("depth.png"));
  await sharp(new Uint16Array(width * height * 4).fill(800), depth(2))
    .toColourspace("grey16")
    .png()
    .toFile(at("large.png"));
  writeFileSync(at("camera.json"), JSON.stringify(camera));
  writeFileSync(
    at("double.json"),
    JSON.stringify({ width: 128, height: 96, fx: 120, fy: 120, cx: 63.5, cy: 47.5 }),
  );
  writeFileSync(at("bent.yaml"), asRosYaml({ ...camera, model: "plumb_bob", d: [-0.1, 0.02, 0, 0, 0] }));
});

const ground = (depth: string, calibration: string, ...more: string[]) =>
  cli([
    "ground",
    ...["--image", at("colour.png"), "--query", "red", "--model", at("tiny"), "--json"],
    ...["--depth", at(depth), "--camera", at(calibration), ...more],
  ]);

describe("ground", () => {
  it("refuses intrinsics of another image size, and scales them when asked", async () => {
    const { code, stderr } = await ground("depth.png", "double.json");
    expect([code, stderr]).toEqual([1, expect.stringMatching(/128×96.*64×48.*--scale-camera/)]);
    expect((await ground("depth.png", "double.json", "--scale-camera")).code).toBe(0);
  });

  it("refuses a colour image as depth", async () => {
    const { code, stderr } = await ground("colour.png", "camera.json");
    expect([code, stderr]).toEqual([1, expect.stringMatching(/colour image of 3 channels/)]);
  });

  it("refuses an image that its EXIF data turns: depth and camera are those before the turn", async () => {
    const turned = at("turned.jpg");
    await sharp(at("colour.png")).withMetadata({ orientation: 3 }).jpeg().toFile(turned);
    const { code, stderr } = await ground("depth.png", "camera.json", "--image", turned);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/turned\.jpg.*orientation 3.*depth and camera/),
    ]);
    const alone = await cli(["ground", "--image", turned, "--query", "red", "--model", at("tiny"), "--json"]);
    expect(alone.code).toBe(0);
  });

  it("says how an image with distortion is read, and nothing when told", async () => {
    expect((await ground("depth.png", "bent.yaml")).stderr).toMatch(
      /note: .*rectified.*distortion is undone/,
    );
    expect((await ground("depth.png", "bent.yaml", "--rectified")).stderr).not.toMatch(/note:/);
  });

  it("registers depth of another camera when that is given", async () => {
    const refused = await ground("large.png", "camera.json");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/depth is 128×96/)]);
    const pose = ["--depth-camera", at("double.json"), "--depth-pose", "0.01,0,0,0,0,0,1"];
    expect((await ground("large.png", "camera.json", ...pose)).code).toBe(0);
    expect((await ground("large.png", "camera.json", ...pose.slice(0, 2))).code).toBe(2);
  });
});
