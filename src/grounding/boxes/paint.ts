import type { Pixels } from "../../geometry/index.js";
import type { Heatmap } from "../types.js";
import type { ScoredBox } from "./types.js";

/** Longest side of a painted map, in its pixels. */
const longestSide = 256;

/**
 * What a detector says of each place, for whoever asks about places: the score of the best box around it. It is no
 * heat map of the model, and `fromBoxes` says so.
 */
export function paintBoxes(
  boxes: readonly ScoredBox[],
  image: { readonly width: Pixels; readonly height: Pixels },
): Heatmap {
  const scale = Math.min(1, longestSide / Math.max(image.width, image.height));
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const data = new Float32Array(width * height);
  for (const { box, score } of boxes) {
    const x1 = Math.floor((box[0] * width) / image.width);
    const x2 = Math.ceil((box[2] * width) / image.width);
    const y2 = Math.ceil((box[3] * height) / image.height);
    for (let y = Math.floor((box[1] * height) / image.height); y < y2; y++)
      for (let x = x1; x < x2; x++) data[y * width + x] = Math.max(data[y * width + x] ?? 0, score);
  }
  return { width, height, data, fromBoxes: true };
}
