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

/** `sigmoid` around n / 64, for n from -2048 to 2048: its value and the next three terms of its series. */
const series = Float64Array.from({ length: 4 * 4097 }, (_, i) => {
  const p = sigmoid((Math.floor(i / 4) - 2048) / 64);
  const slope = p * (1 - p);
  return [p, slope, (slope * (1 - 2 * p)) / 2, (slope * (1 - 6 * p + 6 * p * p)) / 6][i % 4] as number;
});

/**
 * Probabilities of `sign` × logits, as `sigmoid` gives them (to 1e-9 of each) and several times faster: from a table
 * and four terms of its series. `best` is the highest probability, 0 where there is none.
 */
export function probabilities(logits: Float32Array, sign: 1 | -1): { data: Float32Array; best: number } {
  const data = new Float32Array(logits.length);
  return { data, best: sigmoid(writeProbabilities(logits, sign, data)) };
}

/**
 * Writes the probabilities of `sign` × logits to `data`, which is as long.
 * @returns the highest of `sign` × logits, -Infinity where there is none
 */
export function writeProbabilities(logits: Float32Array, sign: 1 | -1, data: Float32Array): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    const x = sign * (logits[i] as number);
    if (x > highest) highest = x;
    if (x > -31 && x < 31) {
      const n = (64 * x + 2048.5) | 0;
      const r = x - (n - 2048) * 0.015625;
      const k = n << 2;
      const tail = (series[k + 2] as number) + r * (series[k + 3] as number);
      data[i] = (series[k] as number) + r * ((series[k + 1] as number) + r * tail);
    } else data[i] = sigmoid(x);
  }
  return highest;
}

/** Logit of a probability, which is taken to lie between `bound` and 1 - `bound`. */
export function logit(p: number, bound: number): number {
  const bounded = Math.min(1 - bound, Math.max(bound, p));
  return Math.log(bounded / (1 - bounded));
}
