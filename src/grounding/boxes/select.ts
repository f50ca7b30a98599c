import { boxArea, boxIou } from "../../geometry/index.js";
import type { ScoredBox } from "./types.js";

export interface SelectOptions {
  /** Least score of a box. */
  readonly threshold: number;
  /** Boxes below this share of the best one's score are dropped. Default 0. */
  readonly relativeScore?: number;
  /** Overlap (IoU) above which the weaker of two boxes is dropped. Default 0.5. */
  readonly maxOverlap?: number;
  /** Limit of boxes. Default 20. */
  readonly limit?: number;
}

/** The boxes that count, best first, each object once. */
export function selectBoxes<B extends ScoredBox>(boxes: readonly B[], options: SelectOptions): readonly B[] {
  const { threshold, relativeScore = 0, maxOverlap = 0.5, limit = 20 } = options;
  const sorted = boxes
    .filter(({ box, score }) => score >= threshold && boxArea(box) > 0)
    .sort((a, b) => b.score - a.score);
  const least = (sorted[0]?.score ?? 0) * relativeScore;
  const selected: B[] = [];
  for (const candidate of sorted) {
    if (selected.length >= limit || candidate.score < least) break;
    if (selected.every(({ box }) => boxIou(box, candidate.box) <= maxOverlap)) selected.push(candidate);
  }
  return selected;
}
