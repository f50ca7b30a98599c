import type { Manifest } from "./manifest.js";

/** Probabilities count as at least this far from 0 and 1. */
const bound = 0.001;

/**
 * How sure an answer is: the probability that the object is there and that this is it, 0..1. A model whose manifest
 * holds fitted weights gives the calibrated probability sigmoid(bias + mass · logit(share) + presence ·
 * logit(presence)); others the product.
 * @param share what speaks for this instance, given that the object is there, 0..1
 * @param presence probability that the object is in the image, 0..1
 */
export function answerScore(share: number, presence: number, { score }: Manifest): number {
  if (score === undefined) return share * presence;
  const sum = score.bias + score.mass * logit(share, bound) + score.presence * logit(presence, bound);
  return sigmoid(sum);
}

/** Probability of a logit. */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Logit of a probability, which is taken to lie between `bound` and 1 - `bound`. */
export function logit(p: number, bound: number): number {
  const bounded = Math.min(1 - bound, Math.max(bound, p));
  return Math.log(bounded / (1 - bounded));
}
