import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { boxProblem } from "../../../src/evaluation/datasets/boxes.js";
import { readDataset } from "../../../src/evaluation/datasets/index.js";
import type { Box } from "../../../src/geometry/index.js";

const size = { width: 640, height: 480 };

describe("boxes that cannot be, with the likely cause", () => {
  it.each<[string, Box, RegExp]>([
    [
      "x, y, width, height",
      [120, 321, 140, 109],
      /120, 321, 140, 109 ends before it begins.*COCO's x, y, width, height/,
    ],
    ["y before x", [400, 500, 470, 620], /outside the image of 640×480.*y before x/],
    ["corners swapped", [260, 430, 120, 321], /corners are swapped|x, y, width, height/],
    ["lower left first", [120, 430, 260, 321], /swapped/],
    ["another image size", [400, 100, 1200, 900], /image of another size/],
    ["fractions", [0.1, 0.2, 0.4, 0.6], /fractions/],
    ["no width", [10, 10, 10, 40], /ends before it begins/],
    ["all below zero", [-90, -90, -50, -50], /outside the image/],
  ])("%s", (_, box, says) => {
    expect(boxProblem(box, size, "corners")).toMatch(says);
  });

  it("corners where the layout has x, y, width, height", () => {
    const [x1, y1, x2, y2] = [300, 200, 500, 400];
    expect(boxProblem([x1, y1, x1 + x2, y1 + y2], size, "x, y, width, height")).toMatch(
      /300, 200, 500, 400 is outside.*looks like corners/,
    );
  });

  it.each<Box>([
    [0, 0, 640, 480],
    [-1, -1.5, 641, 481],
    [120, 321, 260, 430],
    [0, 0, 1.5, 1.5],
  ])("%f %f %f %f can be", (...box) => {
    expect(boxProblem(box, size, "corners")).toBeUndefined();
    expect(boxProblem(box, undefined, "corners")).toBeUndefined();
  });
});

describe("a data set", () => {
  const folder = mkdtempSync(join(tmpdir(), "eval-boxes-"));
  const at = (name: string) => join(folder, name);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeAll(async () => {
    const image = sharp({ create: { ...size, channels: 3, background: "grey" } });
    await image.clone().png().toFile(at("a.png"));
    // A phone's image: stored on its side, and turned upright by everybody who shows it.
    await image.clone().jpeg().withMetadata({ orientation: 6 }).toFile(at("turned.jpg"));
  });
  const line = (box: unknown, image = "a.png") => JSON.stringify({ image, query: "the cup", box });

  it("is refused before any image is answered, with its line", async () => {
    writeFileSync(at("bad.jsonl"), `${line([1, 2, 30, 40])}\n\n${line([120, 321, 140, 109])}\n`);
    await expect(readDataset(at("bad.jsonl"), {})).rejects.toThrowError(/bad\.jsonl:3: the box .*COCO/);
    await expect(readDataset(at("bad.jsonl"), {})).rejects.toMatchObject({ code: "DATASET_INVALID" });
    expect(await readDataset(at("bad.jsonl"), { limit: 1 })).toHaveLength(1);
  });

  it("is checked against upright images", async () => {
    writeFileSync(at("turned.jsonl"), line([10, 10, 470, 630], "turned.jpg"));
    expect(await readDataset(at("turned.jsonl"), {})).toHaveLength(1);
    writeFileSync(at("side.jsonl"), line([10, 10, 630, 470], "turned.jpg"));
    await expect(readDataset(at("side.jsonl"), {})).rejects.toThrowError("outside the image of 480×640");
  });

  it.each([
    ["UTF-8 with a byte order mark", (text: string) => Buffer.from(`\ufeff${text}`)],
    ["UTF-16", (text: string) => Buffer.from(`\ufeff${text}`, "utf16le")],
  ])("may be in %s", async (_, encode) => {
    writeFileSync(at("bom.jsonl"), encode(`${line([1, 2, 30, 40])}\r\n`));
    const [only] = await readDataset(at("bom.jsonl"), {});
    expect(only).toMatchObject({ query: "the cup", truth: { boxes: [[1, 2, 30, 40]] } });
  });
});
