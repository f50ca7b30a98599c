import { type Mask, maskArea, maskIou, type Pixels } from "../../geometry/index.js";
import type { Detection } from "../types.js";
import { instanceOfParts } from "./instances.js";
import { probabilities } from "./score.js";

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
  const cut = Math.log(threshold / (1 - threshold));
  const taken: Mask[] = [];
  const detections: Detection[] = [];
  for (const k of order) {
    const least = (detections[0]?.score ?? 0) * (options.relativeMass ?? minRelativeMass);
    if (detections.length >= (options.limit ?? 20) || candidates.mass[k]! < least) break;
    const logits = candidates.logits.subarray(k * plane, (k + 1) * plane);
    const data = new Uint8Array(plane);
    for (let i = 0; i < plane; i++) data[i] = (logits[i] as number) >= cut ? 1 : 0;
    const small: Mask = { width: candidates.width, height: candidates.height, data };
    if (
      maskArea(small) < minArea ||
      taken.some((other) => maskIou(small, other) > (options.maxOverlap ?? 0.5))
    )
      continue;
    const { width, height } = candidates;
    const heatmap = { width, height, data: probabilities(logits, 1).data };
    const score = Math.min(1, candidates.mass[k]!);
    const instance = instanceOfParts(heatmap, image, { threshold, share: minPartShare, score });
    if (instance === undefined) continue;
    taken.push(small);
    detections.push(instance);
  }
  return detections;
}
