import type { Pixels } from "./units.js";

/**
 * Axis-aligned box x1, y1, x2, y2 in pixels of the original image. Continuous coordinates: the left edge of
 * the first pixel is 0 and the right edge of the last is the width, so x2 - x1 is the box's width.
 */
export type Box = readonly [Pixels, Pixels, Pixels, Pixels];

export const boxWidth = (b: Box): Pixels => Math.max(0, b[2] - b[0]);
export const boxHeight = (b: Box): Pixels => Math.max(0, b[3] - b[1]);
export const boxArea = (b: Box): number => boxWidth(b) * boxHeight(b);
export const boxCentre = (b: Box): readonly [Pixels, Pixels] => [(b[0] + b[2]) / 2, (b[1] + b[3]) / 2];

export const intersectBoxes = (a: Box, b: Box): Box => [
  Math.max(a[0], b[0]),
  Math.max(a[1], b[1]),
  Math.min(a[2], b[2]),
  Math.min(a[3], b[3]),
];

/** Smallest box around both. */
export const uniteBoxes = (a: Box, b: Box): Box => [
  Math.min(a[0], b[0]),
  Math.min(a[1], b[1]),
  Math.max(a[2], b[2]),
  Math.max(a[3], b[3]),
];

/** Intersection over union, 0..1; 0 when both are empty. */
export function boxIou(a: Box, b: Box): number {
  const inside = boxArea(intersectBoxes(a, b));
  const union = boxArea(a) + boxArea(b) - inside;
  return union > 0 ? inside / union : 0;
}

/** The part of `b` inside an image of width × height. */
export const clipBox = (b: Box, width: Pixels, height: Pixels): Box => [
  Math.min(Math.max(b[0], 0), width),
  Math.min(Math.max(b[1], 0), height),
  Math.min(Math.max(b[2], 0), width),
  Math.min(Math.max(b[3], 0), height),
];

export const boxContains = (b: Box, x: Pixels, y: Pixels): boolean =>
  x >= b[0] && x < b[2] && y >= b[1] && y < b[3];
