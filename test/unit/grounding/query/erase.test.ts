import { expect, it } from "vitest";
import type { Box, ColourImage } from "../../../../src/geometry/index.js";
import { eraseObject } from "../../../../src/grounding/query/erase.js";
import { detectionOf, height, width } from "./drawn.js";

/** A table whose colour changes evenly from left to right and from top to bottom, with a red box on it. */
const box: Box = [100, 80, 140, 130];
const table = (x: number, y: number): readonly number[] => [60 + x / 4, 50 + y / 3, 90];
function scene(): ColourImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const on = x >= box[0] && x < box[2] && y >= box[1] && y < box[3];
      data.set(on ? [220, 20, 20] : table(x, y).map(Math.round), (y * width + x) * 3);
    }
  return { width, height, data };
}
const at = ({ data }: ColourImage, x: number, y: number) =>
  [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)] as const;

it("an erased object leaves the colours around it", () => {
  const image = scene();
  const erased = eraseObject(image, detectionOf(box).mask);
  for (let y = box[1]; y < box[3]; y += 3)
    for (let x = box[0]; x < box[2]; x += 3)
      at(erased, x, y).forEach((value, c) => {
        expect(Math.abs(value - table(x, y)[c]!)).toBeLessThan(14);
      });
  // What is not near it stays as it is, and the image that was given too.
  expect(at(erased, 60, 100)).toEqual(at(image, 60, 100));
  expect(Buffer.compare(image.data, scene().data)).toBe(0);
});

it("an object at the border of the image is erased, and no object changes nothing", () => {
  const corner: Box = [0, 0, 30, 20];
  const data = scene().data;
  for (let y = 0; y < 20; y++) data.fill(255, y * width * 3, (y * width + 30) * 3);
  const erased = eraseObject({ width, height, data }, detectionOf(corner).mask);
  expect(Math.max(...at(erased, 3, 3))).toBeLessThan(130);
  const image = scene();
  expect(eraseObject(image, { width, height, data: new Uint8Array(width * height) })).toBe(image);
});
