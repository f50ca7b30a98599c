import type { ColourImage } from "../../geometry/index.js";
import { eraseObject } from "../query/erase.js";
import type { Detection } from "../types.js";
import type { Decoded } from "./outputs.js";
import { logit, sigmoid } from "./score.js";

/**
 * Weights of the presence logit, of the one without the answer, and of the logit of the answer's share of the place
 * map. docs/decisions/0009-lite-weights.md has what was measured.
 */
const weights = { presence: 1, erased: -0.8, mass: 0.64, bias: -1 };
/**
 * Beyond these the presence without the answer says no more: another object that fits as well keeps it high. What it
 * cannot change is not asked.
 */
const erasedLimits = { low: -6, high: 1 };
/** Probabilities count as at least this far from 0 and 1. */
const bounds = { presence: 1e-6, mass: 0.001 };

/** Presence, 0..1, of an object by both looks. @param erased presence logit without the answer */
function weighed(presence: number, mass: number, erased: number): number {
  const { low, high } = erasedLimits;
  return sigmoid(
    weights.bias +
      weights.presence * logit(presence, bounds.presence) +
      weights.erased * Math.min(high, Math.max(low, erased)) +
      weights.mass * logit(mass, bounds.mass),
  );
}

/**
 * The least and the most that the presence may be, 0..1, whatever the image without the answer shows.
 * @param presence of the image as it is, 0..1
 * @param mass share of the place map that lies on the answer, 0..1
 */
export const presenceLimits = (presence: number, mass: number): readonly [least: number, most: number] => [
  weighed(presence, mass, erasedLimits.high),
  weighed(presence, mass, erasedLimits.low),
];

/**
 * Probability that the object is in the image, by asking again with the answer erased. The presence of some words is
 * low, and that of others high, whatever the image shows; its fall without the answer tells both apart.
 * @param presence of the image as it is, 0..1
 * @param best the answer; `score` is its share of the place map, 0..1
 * @param threshold from which an object counts as found, 0..1: an answer that is beyond doubt is not erased
 * @param look what the model says of an image of the same size and the query
 */
export async function presenceByErasing(
  image: ColourImage,
  presence: number,
  best: Detection,
  threshold: number,
  look: (image: ColourImage) => Promise<Decoded>,
): Promise<number> {
  const [least, most] = presenceLimits(presence, best.score);
  if (least >= threshold) return least;
  if (most < threshold) return most;
  const without = await look(eraseObject(image, best.mask));
  return weighed(presence, best.score, logit(without.presence, bounds.presence));
}
