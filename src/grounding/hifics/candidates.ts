import type { Pixels } from "../../geometry/index.js";
import type { Detection, Heatmap } from "../types.js";
import { instanceOfParts } from "./instances.js";
import { marksOfEight } from "./runs.js";
import { writeProbabilities } from "./score.js";

/** Instances that the decoder drew for one query, at the model's resolution. */
export interface Candidates {
  readonly width: Pixels;
  readonly height: Pixels;
  /** Mask logits, one plane of height × width a candidate. */
  readonly logits: Float32Array;
  /** Share of the query's place map that lies in each candidate's mask, 0..1. */
  readonly mass: Float32Array;
  /** Predicted overlap of each mask with its object, 0..1. */
  readonly quality: Float32Array;
}

export interface CandidateOptions {
  /** Probability from which a pixel belongs to an instance. Default 0.5. */
  readonly threshold?: number;
  /** Smallest mask, as a share of the image. Default 0.0002. */
  readonly minArea?: number;
  /** Candidates below this share of the best one's mass are dropped. Default 0.6. */
  readonly relativeMass?: number;
  /** Of two candidates whose masks overlap by more than this (IoU), the one with less mass is dropped. Default 0.5. */
  readonly maxOverlap?: number;
  /** Instances returned at most. Default 20. */
  readonly limit?: number;
}

/** Candidates below this share of the best one's mass are no further objects of the query. */
export const minRelativeMass = 0.6;

/** Parts of an instance below this share of its largest part's area are specks. */
const minPartShare = 0.2;

/**
 * Candidates -> instances, those with most mass first; `score` is the mass. An instance may have several parts, where
 * something stands in front of it. Boxes and masks are those of the image (width × height) that the model saw.
 */
export function instancesFromCandidates(
  candidates: Candidates,
  image: { readonly width: Pixels; readonly height: Pixels },
  options: CandidateOptions = {},
): readonly Detection[] {
  const threshold = options.threshold ?? 0.5;
  const plane = candidates.width * candidates.height;
  const minArea = Math.max(1, (options.minArea ?? 0.0002) * plane);
  const order = Array.from(candidates.mass.keys()).sort((a, b) => candidates.mass[b]! - candidates.mass[a]!);
  const taken: Shape[] = [];
  const detections: Detection[] = [];
  for (const k of order) {
    const least = (detections[0]?.score ?? 0) * (options.relativeMass ?? minRelativeMass);
    if (detections.length >= (options.limit ?? 20) || candidates.mass[k]! < least) break;
    const shape = shapeOf(candidates, k, threshold);
    if (shape.area < minArea || taken.some((other) => overlapOf(shape, other) > (options.maxOverlap ?? 0.5)))
      continue;
    const score = Math.min(1, candidates.mass[k]!);
    const instance = instanceOfParts(heatmapOf(shape), image, { threshold, share: minPartShare, score });
    if (instance === undefined) continue;
    taken.push(shape);
    detections.push(instance);
  }
  return detections;
}

/** A candidate at the model's resolution: its logits from `cut` on. */
interface Shape {
  readonly width: Pixels;
  readonly height: Pixels;
  readonly logits: Float32Array;
  readonly cut: number;
  readonly area: number;
  /** First and last column and row, inclusive, of pixels that may belong to it at the threshold, by rounding too. */
  readonly bounds: readonly [number, number, number, number];
}

/** Relative error of a probability that is rounded to 32 bits, and more. */
const rounding = 1e-6;

const logitOf = (p: number): number => Math.log(p / (1 - p));

function shapeOf({ width, height, logits: all }: Candidates, k: number, threshold: number): Shape {
  const logits = all.subarray(k * width * height, (k + 1) * width * height);
  const cut = logitOf(threshold);
  const lowest = logitOf(threshold * (1 - rounding));
  let area = 0;
  let [x1, y1, x2, y2] = [width, height, -1, -1];
  const add = (i: number) => {
    const logit = logits[i] as number;
    if (!(logit >= lowest)) return;
    if (logit >= cut) area++;
    const y = Math.floor(i / width);
    const x = i - y * width;
    if (x < x1) x1 = x;
    if (x > x2) x2 = x;
    if (y < y1) y1 = y;
    y2 = y;
  };
  let i = 0;
  for (; i + 8 <= logits.length; i += 8)
    if (marksOfEight(logits, i, lowest) !== 0) for (let k = i; k < i + 8; k++) add(k);
  for (; i < logits.length; i++) add(i);
  return { width, height, logits, cut, area, bounds: [x1, y1, x2, y2] };
}

/** Intersection over union of two candidates' pixels. */
function overlapOf(a: Shape, b: Shape): number {
  const x1 = Math.max(a.bounds[0], b.bounds[0]);
  const x2 = Math.min(a.bounds[2], b.bounds[2]);
  const y2 = Math.min(a.bounds[3], b.bounds[3]);
  let both = 0;
  for (let y = Math.max(a.bounds[1], b.bounds[1]); y <= y2; y++)
    for (let i = y * a.width + x1; i <= y * a.width + x2; i++)
      if ((a.logits[i] as number) >= a.cut && (b.logits[i] as number) >= b.cut) both++;
  return both / (a.area + b.area - both);
}

/** The candidate's probabilities; 0 where neither one of its pixels is nor a neighbour of one. */
function heatmapOf({ width, height, logits, bounds: [x1, y1, x2, y2] }: Shape): Heatmap {
  const data = new Float32Array(width * height);
  const last = Math.min(y2 + 1, height - 1);
  for (let y = Math.max(y1 - 1, 0); y <= last; y++) {
    const [from, to] = [y * width + Math.max(x1 - 1, 0), y * width + Math.min(x2 + 2, width)];
    writeProbabilities(logits.subarray(from, to), 1, data.subarray(from, to));
  }
  return { width, height, data };
}
