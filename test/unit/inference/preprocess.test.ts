import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resizeImage, toTensor } from "../../../src/grounding/index.js";
import { runPython } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "resize-"));
const side = 352;
const sizes = [
  "640x480",
  "1280x720",
  "480x640",
  "384x512",
  "300x200",
  "97x53",
  "352x900",
  "353x351",
  "8x2000",
  "352x352",
];
const input = {
  width: side,
  height: side,
  resize: "stretch" as const,
  scale: 1 / 255,
  mean: [0, 0, 0] as [number, number, number],
  std: [1, 1, 1] as [number, number, number],
};

beforeAll(() => runPython("test/reference/pillow_resize.py", [folder, String(side), ...sizes]));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("preprocessing against torchvision's Resize and ToTensor on a PIL image", () => {
  it.each(sizes)("%s", async (size) => {
    const [width = 0, height = 0] = size.split("x").map(Number);
    const data = new Uint8Array(readFileSync(join(folder, `${size}.src`)));
    const wanted = readFileSync(join(folder, `${size}.out`));
    const tensor = toTensor(await resizeImage({ width, height, data }, input), input);
    expect(tensor.dims).toEqual([1, 3, side, side]);
    let largest = 0;
    let sum = 0;
    const plane = side * side;
    for (let c = 0; c < 3; c++) {
      for (let i = 0; i < plane; i++) {
        // ToTensor: channels first, divided by 255.
        const d = Math.abs(Number(tensor.data[c * plane + i]) - (wanted[i * 3 + c] ?? 0) / 255);
        largest = Math.max(largest, d);
        sum += d;
      }
    }
    expect(largest).toBeLessThanOrEqual(2 / 255);
    expect(sum / (3 * plane)).toBeLessThanOrEqual(0.5 / 255);
  });
});
