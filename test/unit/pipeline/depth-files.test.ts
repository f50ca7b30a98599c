import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { depthFromCompressed, depthFromEncoded, headerOf } from "../../../src/messages/index.js";
import { readDepth } from "../../../src/pipeline/index.js";
import { temporaryFolder } from "../../support/bags.js";
import { runPython } from "../../support/python.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string) => join(folder.path, name);
const width = 40;
const height = 30;

/** Depth of a slope from 0.5 to 1.1 m, without a value at one pixel, in every form that OpenCV and Pillow write. */
beforeAll(() => {
  runPython("test/reference/depth_files.py", [folder.path, String(width), String(height)]);
});

const expected = (i: number) => (i === 5 ? Number.NaN : 0.5 + (i % width) * 0.016);
const refused = (name: string, scale?: number) =>
  expect(readDepth(at(name), scale)).rejects.toMatchObject({
    code: "DEPTH_FORMAT",
    message: expect.stringMatching(/--depth-scale/),
  });

describe("a depth image", () => {
  it.each([
    ["u16.png", undefined, 0.0006],
    ["u16.tiff", undefined, 0.0006],
    ["u16_big.tiff", undefined, 0.0006],
    ["f32_big.tiff", undefined, 1e-6],
    ["s16.tiff", undefined, 0.0006],
    ["i32.tiff", undefined, 0.0006],
    ["u32.tiff", undefined, 0.0006],
    ["f32_m.tiff", undefined, 1e-6],
    ["f32_mm.tiff", 0.001, 1e-6],
    ["tenths.png", 0.0001, 0.0001],
    ["u8.png", 0.005, 0.003],
  ])("%s with %s metres a unit has the values that were written", async (name, scale, tolerance) => {
    const depth = await readDepth(at(name), scale);
    expect([depth.width, depth.height]).toEqual([width, height]);
    for (const i of [0, 4, 5, 6, 39, 40, 777, 1199])
      if (Number.isNaN(expected(i))) expect(depth.data[i]).toBeNaN();
      else expect(Math.abs(depth.data[i]! - expected(i))).toBeLessThanOrEqual(tolerance);
  });

  it.each(["u8.png", "jet.png", "palette.png", "alpha.png", "mask.png", "grey.jpg", "grey.webp"])(
    "%s is refused: its values are no distances",
    async (name) => {
      await refused(name);
    },
  );

  it.each([
    ["f16_m.tiff", /floats of 16 bits/],
    ["inverted.tiff", /inverted \(white is zero\)/],
    ["inverted_big.tiff", /inverted \(white is zero\)/],
    ["pages.tiff", /2 pages/],
    ["turned.tiff", /orientation 3/],
  ])("%s is refused with its reason", async (name, why) => {
    await expect(readDepth(at(name))).rejects.toMatchObject({
      code: "DEPTH_FORMAT",
      message: expect.stringMatching(why),
    });
    const bytes = new Uint8Array(readFileSync(at(name)));
    await expect(depthFromEncoded(bytes, { name })).rejects.toThrow(why);
  });

  it.each(["jet.png", "palette.png", "grey.jpg"])("%s is none whatever the unit", async (name) => {
    await refused(name, 0.004);
  });

  it("in a format that is not read is refused by the format's name", async () => {
    for (const [head, name] of [
      ["\x76\x2f\x31\x01", "OpenEXR"],
      ["\x93NUMPY", "NumPy"],
      ["Pf\n40 30\n-1\n", "PFM"],
      ["P5\n40 30\n65535\n", "PGM"],
    ] as const) {
      writeFileSync(at("other"), Buffer.from(head.padEnd(64, "\0"), "latin1"));
      await expect(readDepth(at("other"))).rejects.toThrow(new RegExp(`${name}.*not read`));
    }
  });

  it("of floats that look like millimetres is refused", async () => {
    await expect(readDepth(at("f32_mm.tiff"))).rejects.toMatchObject({
      code: "DEPTH_UNIT",
      message: expect.stringMatching(/about 5\d\d.*millimetres for a file|--depth-scale 0.001/),
    });
  });

  it("is not changed by a colour profile", async () => {
    await sharp(at("u16.png")).toColourspace("grey16").withIccProfile("p3").png().toFile(at("profile.png"));
    const plain = await readDepth(at("u16.png"));
    const { channels } = await sharp(at("profile.png")).metadata();
    if (channels === 1) expect((await readDepth(at("profile.png"))).data).toEqual(plain.data);
    else await refused("profile.png");
  });
});

describe("a compressed depth message", () => {
  const message = async (name: string, format: string) => ({
    header: headerOf(0n, "camera"),
    format,
    data: new Uint8Array(await (await import("node:fs/promises")).readFile(at(name))),
  });

  it.each([
    ["u16.png", "16UC1; png compressed "],
    ["u16.tiff", "16UC1; tiff compressed"],
    ["f32_m.tiff", "32FC1; tiff compressed"],
  ])("of %s in %s is read", async (name, format) => {
    const depth = await depthFromCompressed(await message(name, format));
    expect(depth.data[39]).toBeCloseTo(expected(39), 2);
  });

  it.each([
    ["grey.jpg", "16UC1; jpeg compressed ", "DEPTH_FORMAT"],
    ["grey.jpg", "jpeg", "DEPTH_FORMAT"],
    ["u8.png", "16UC1; png compressed", "DEPTH_FORMAT"],
    ["jet.png", "16UC1; png compressed", "DEPTH_FORMAT"],
    ["f32_mm.tiff", "32FC1; tiff compressed", "DEPTH_UNIT"],
  ])("of %s in %s is refused", async (name, format, code) => {
    await expect(depthFromCompressed(await message(name, format))).rejects.toMatchObject({ code });
  });
});
