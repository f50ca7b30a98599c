import {
  type Box,
  boxArea,
  boxIou,
  type DepthImage,
  intersectBoxes,
  type Mask,
  type Metres,
} from "../../geometry/index.js";
import type { Detection, Grounding, Heatmap } from "../types.js";

/** An object that a phrase may mean. */
export interface Candidate {
  readonly detection: Detection;
  /** Median depth on its mask; undefined without depth. */
  readonly depth?: Metres;
}

/** Overlap from which two detections are one object. */
const sameObject = 0.45;
/** Share of a detection's box inside another's from which it is a part of it. */
const partOfObject = 0.8;

/**
 * Objects of several answers on one image, each once; best first.
 * @param inOrder an object of an earlier answer stands for those of later answers that are the same, whatever their
 * scores
 */
export function enumerate(
  groundings: readonly Grounding[],
  depth?: DepthImage,
  inOrder = false,
): Candidate[] {
  const distinct: Detection[] = [];
  const all = groundings.flatMap(({ detections }) => detections);
  if (!inOrder) all.sort((a, b) => b.score - a.score);
  for (const detection of all) {
    if (distinct.some((other) => isSame(detection.box, other.box))) continue;
    distinct.push(detection);
  }
  return distinct.map((detection) => withDepth(detection, depth));
}

export function withDepth(detection: Detection, depth: DepthImage | undefined): Candidate {
  const median = depth === undefined ? undefined : medianDepth(depth, detection.mask);
  return median === undefined ? { detection } : { detection, depth: median };
}

/** Whether two boxes are of one object, or one is a part of the other. */
export function isSame(a: Box, b: Box): boolean {
  return boxIou(a, b) >= sameObject || inside(a, b) >= partOfObject || inside(b, a) >= partOfObject;
}

/** Share of a box's area that lies in another. */
export function inside(a: Box, b: Box): number {
  const area = boxArea(a);
  return area <= 0 ? 0 : boxArea(intersectBoxes(a, b)) / area;
}

/**
 * Mean object probability of an answer on a mask of the image's size, times the probability that the object is there.
 */
export function heatOn({ heatmap, presence }: Grounding, { mask, box }: Detection): number {
  return presence * meanHeat(heatmap, mask, box);
}

function meanHeat({ width, height, data }: Heatmap, mask: Mask, box: Box): number {
  const sx = mask.width / width;
  const sy = mask.height / height;
  let sum = 0;
  let count = 0;
  for (let v = Math.max(0, Math.floor(box[1] / sy)); v < Math.min(height, Math.ceil(box[3] / sy)); v++) {
    const row = Math.min(mask.height - 1, Math.floor((v + 0.5) * sy)) * mask.width;
    for (let u = Math.max(0, Math.floor(box[0] / sx)); u < Math.min(width, Math.ceil(box[2] / sx)); u++) {
      if (mask.data[row + Math.min(mask.width - 1, Math.floor((u + 0.5) * sx))] === 0) continue;
      sum += data[v * width + u]!;
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}

/** At most this many depth values are read of a mask. */
const maxSamples = 2000;

function medianDepth(depth: DepthImage, mask: Mask): Metres | undefined {
  if (depth.width !== mask.width || depth.height !== mask.height) return undefined;
  const set: number[] = [];
  for (let i = 0; i < mask.data.length; i++) if (mask.data[i] === 1) set.push(i);
  const step = Math.max(1, Math.floor(set.length / maxSamples));
  const values: number[] = [];
  for (let k = 0; k < set.length; k += step) {
    const z = depth.data[set[k]!]!;
    if (z > 0) values.push(z);
  }
  return values.length === 0 ? undefined : values.sort((a, b) => a - b)[values.length >> 1];
}
