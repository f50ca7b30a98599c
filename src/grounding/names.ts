import type { Grounding } from "./types.js";

/** Names tried where a place of an image is to be named: objects that stand on tables, the most usual first. */
export const vocabulary: readonly string[] = [
  "mug",
  "bottle",
  "can",
  "bowl",
  "box",
  "plate",
  "banana",
  "apple",
  "scissors",
  "spoon",
  "fork",
  "knife",
  "pen",
  "book",
  "remote control",
  "ball",
];

/** Least probability of a name that is said without being asked for. */
const certainName = 0.4;

/** A name for what is at a place of an image. */
export interface PlaceName {
  readonly name: string;
  /** That it is there, 0..1. */
  readonly probability: number;
}

/**
 * What is at a place, most probable first.
 * @param groundings of `vocabulary`, or of other names, on one image
 * @param x share of the image's width. @param y share of its height
 */
export function namesAt(groundings: readonly Grounding[], x: number, y: number): readonly PlaceName[] {
  return groundings
    .map(({ query, presence, heatmap: { width, height, data } }) => {
      const column = Math.min(width - 1, Math.floor(x * width));
      const index = Math.min(height - 1, Math.floor(y * height)) * width + column;
      return { name: query, probability: presence * (data[index] ?? 0) };
    })
    .sort((a, b) => b.probability - a.probability);
}

/** The most probable name at a place, where it is probable enough to be said. Arguments as for `namesAt`. */
export function nameAt(groundings: readonly Grounding[], x: number, y: number): string | undefined {
  const [best] = namesAt(groundings, x, y);
  return best === undefined || best.probability < certainName ? undefined : best.name;
}
