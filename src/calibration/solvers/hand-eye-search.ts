import {
  compose,
  invert,
  type Metres,
  median,
  type Pose,
  type Random,
  rotationAngle,
} from "../../geometry/index.js";
import { closedForm, type HandEyePair, meanTarget } from "./hand-eye-closed.js";
import { observability } from "./observability.js";

/** Rotation below which a motion determines nothing. */
export const minRotationDegrees = 3;

/** Most triples of images that are tried. */
const maxTriples = 600;

export interface Hypothesis {
  readonly x: Pose;
  readonly z: Pose;
  readonly errors: readonly number[];
  readonly middle: number;
}

/** Metres for one radian: the camera's distance to the target, so that both errors are lengths at the target. */
export const lever = (pairs: readonly HandEyePair[]): Metres =>
  Math.max(0.05, median(pairs.map(({ target }) => Math.hypot(...target.position))));

function errorsOf(pairs: readonly HandEyePair[], x: Pose, z: Pose, arm: Metres): number[] {
  return pairs.map(({ robot, target }) => {
    const e = compose(invert(z), compose(robot, compose(x, target)));
    return Math.hypot(Math.hypot(...e.position), arm * rotationAngle(e.orientation, [0, 0, 0, 1]));
  });
}

/**
 * Rousseeuw's least median of squares: needs no noise level, and tolerates almost half of the images being
 * wrong.
 */
export function leastMedian(pairs: readonly HandEyePair[], random: Random): Hypothesis | undefined {
  const arm = lever(pairs);
  let best: Hypothesis | undefined;
  for (const triple of triples(pairs.length, random)) {
    const chosen = triple.map((k) => pairs[k]!);
    const turn = observability(chosen.map(({ robot }) => robot));
    if (turn.second < minRotationDegrees) continue;
    const x = closedForm(chosen);
    if (x === undefined) continue;
    const z = meanTarget(chosen, x);
    const errors = errorsOf(pairs, x, z, arm);
    const middle = nearestRank(errors, 0.55);
    if (best === undefined || middle < best.middle) best = { x, z, errors, middle };
  }
  return best;
}

function* triples(n: number, random: Random): Generator<readonly [number, number, number]> {
  if ((n * (n - 1) * (n - 2)) / 6 <= maxTriples) {
    for (let a = 0; a < n; a++)
      for (let b = a + 1; b < n; b++) for (let c = b + 1; c < n; c++) yield [a, b, c];
    return;
  }
  for (let k = 0; k < maxTriples; ) {
    const [a, b, c] = [0, 1, 2].map(() => Math.floor(random() * n)) as [number, number, number];
    if (a === b || b === c || a === c) continue;
    k++;
    yield [a, b, c];
  }
}

/** The images that agree: grows from the best triple's half to all images within its noise. */
export function consensus(pairs: readonly HandEyePair[], { errors, middle }: Hypothesis): number[] {
  const arm = lever(pairs);
  let inliers = within(errors, middle);
  for (let round = 0; round < 6; round++) {
    const chosen = inliers.map((k) => pairs[k]!);
    const x = closedForm(chosen);
    if (x === undefined) break;
    const all = errorsOf(pairs, x, meanTarget(chosen, x), arm);
    const next = within(
      all,
      nearestRank(
        inliers.map((k) => all[k]!),
        0.5,
      ),
    );
    if (next.length === inliers.length && next.every((k, i) => k === inliers[i])) break;
    inliers = next;
  }
  return inliers;
}

/** Errors are lengths of six-vectors: all but one in some thousands are below 3 medians. */
const within = (errors: readonly number[], middle: number): number[] =>
  errors.flatMap((error, k) => (error <= Math.max(3 * middle, 2e-5) ? [k] : []));

/** A value of the list itself, unlike geometry's quantile: a pair of views has this error. */
function nearestRank(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
