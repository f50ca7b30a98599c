import type { Metres } from "../../geometry/index.js";
import type { GripperModel } from "../types.js";
import type { Shape } from "./complete.js";
import type { Fit } from "./fit.js";
import type { Candidate } from "./search.js";

/** Weights of the score's terms: each term (0..1) counts to the power of its weight. */
export interface ScoreWeights {
  readonly antipodality: number;
  readonly centring: number;
  readonly clearance: number;
  readonly approach: number;
  readonly overlap: number;
  readonly room: number;
  readonly edge: number;
  readonly seen: number;
  readonly body: number;
}

/** Tuned in physics on the half of the objects that docs/grasping.md names. */
export const defaultWeights: ScoreWeights = {
  antipodality: 0.75,
  centring: 0.75,
  clearance: 0.45,
  approach: 0.7,
  overlap: 1.2,
  room: 0.6,
  edge: 0.22,
  seen: 0.45,
  body: 0.75,
};

/** Share of the target's surface between the fingers that counts as its body: less is a tab or a tip. */
const BODY = 0.05;
/** Overlap of fingers and target above which more does not help, where the target is high enough. */
const DEEP: Metres = 0.045;

/** The same on the rim of an open container: its wall is a small share of the object, and thin. */
const DEEP_ON_RIM: Metres = 0.02;

/** Distance of the palm from the object above which more does not help. */
const PALM_FREE: Metres = 0.012;

const clamp = (value: number): number => Math.min(1, Math.max(0, value));

/**
 * The score's terms, each 0..1. `edge`: depth of the grasp inside the mask; `least`: worst opposition that still
 * holds; `onRim`: the fingers take the wall of an open container.
 */
export function scoreTerms(
  shape: Shape,
  candidate: Candidate,
  fit: Fit,
  gripper: GripperModel,
  edge: number,
  least: number,
  onRim = false,
): Record<keyof ScoreWeights, number> {
  const { axes, at } = candidate;
  const { closing: c, side: b, approach: a } = axes;
  const [x, y, z] = shape.centre;
  const dx: Metres = x * c[0] + y * c[1] + z * c[2] - at[0] - fit.shift;
  const dy: Metres = x * b[0] + y * b[1] + z * b[2] - at[1];
  const wanted = Math.min(onRim ? DEEP_ON_RIM : DEEP, Math.max(0.004, shape.top - 0.004));
  // Of a tilted finger one edge stands higher than the other; leaning with a wall is as good as straight down.
  const rise = gripper.fingerWidth * Math.abs(b[2]);
  const overlap = candidate.overlap - (onRim ? rise : rise / 2);
  const upright = onRim ? Math.sqrt(1 - b[2] * b[2]) : -a[2];
  return {
    antipodality: clamp((fit.opposition - least) / (0.97 - least)),
    centring: Math.exp(-((dy / 0.05) ** 2) - (dx / 0.11) ** 2),
    clearance:
      clamp(0.25 + (0.75 * Math.min(fit.margin, fit.clearance + 0.006)) / 0.012) *
      clamp(0.5 + (0.5 * fit.palmGap) / PALM_FREE),
    approach: Math.max(0.25, clamp(upright)),
    overlap: clamp(overlap / wanted),
    room: clamp(1.02 - (fit.width / gripper.stroke) ** 5),
    edge: 0.3 + 0.7 * edge,
    seen: (1 - 0.6 * fit.unseen) * (1 - 0.15 * fit.shadow),
    body: onRim ? 1 : clamp(fit.held / BODY),
  };
}

/** Product of the terms to the power of their weights: one bad term spoils a grasp. */
export function combine(terms: Readonly<Record<keyof ScoreWeights, number>>, weights: ScoreWeights): number {
  let score = 1;
  for (const key of Object.keys(weights) as (keyof ScoreWeights)[])
    score *= Math.max(0.02, terms[key]) ** weights[key];
  return score;
}

/** Normals within the friction cone hold; some degrees more are allowed for noise of the sensor. */
const NOISE_ANGLE = (9 * Math.PI) / 180;

/** Least cosine between the closing direction and the contacts' normals. */
export const leastOpposition = (friction: number): number => Math.cos(Math.atan(friction) + NOISE_ANGLE);

const GRAVITY = 9.81;
/** Between plastic packaging (about 0.2, mostly air) and full bottles and tins. */
const DENSITY = 600;

/** Closing force in newtons that holds the guessed mass with a safety factor of 3; at least 10. */
export function forceHint(shape: Shape, gripper: GripperModel, friction: number): number {
  const mass = Math.min(2, shape.volume * DENSITY);
  const force = (3 * mass * GRAVITY) / (2 * friction);
  return Math.round(Math.min(gripper.maxForce ?? 70, Math.max(10, force)));
}
