import type { Box, ColourImage } from "../../src/geometry/index.js";

export type Rgb = readonly [number, number, number];

/** A plain image with filled rectangles. */
export function picture(
  width: number,
  height: number,
  background: Rgb,
  patches: readonly (readonly [Box, Rgb])[],
): ColourImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set(background, i * 3);
  for (const [[x1, y1, x2, y2], colour] of patches) {
    for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) data.set(colour, (y * width + x) * 3);
  }
  return { width, height, data };
}

export const grey: Rgb = [128, 128, 128];
export const red: Rgb = [250, 10, 10];
export const green: Rgb = [10, 250, 10];
export const blue: Rgb = [10, 10, 250];
