import {
  type Metres,
  multiplyQuaternions,
  type Points,
  type Radians,
  rotationAngle,
  type Vec3,
} from "../../geometry/index.js";
import type { GraspGoal } from "../planning/sequence-types.js";

/** A grasp in the robot's base, with its score, 0..1. */
export interface RankedGrasp extends GraspGoal {
  readonly score: number;
}

/** A grasp that was carried out and did not hold. */
export interface FailedGrasp {
  readonly grasp: GraspGoal;
  /** Centre of the object's seen points at that time, in the base; undefined where none were seen. */
  readonly centre: Vec3 | undefined;
}

/** Distance and turn from a failed grasp at which a score is marked down by half as much as at the same pose. */
const alike = { distance: 0.035 as Metres, turn: 0.6 as Radians };
/** What a score is multiplied by at the pose of a failed grasp. */
const markdown = 0.1;
/** Seen points this far from where the object was belong to something else, in metres. */
const samePlace: Metres = 0.012;

/**
 * Grasps in the order to try them. Those near a failed one are marked down; a failed one moves with the object's
 * centre.
 * @param centre of the object's seen points now, in the base
 */
export function rankGrasps(
  grasps: readonly RankedGrasp[],
  failed: readonly FailedGrasp[],
  centre: Vec3 | undefined,
): readonly RankedGrasp[] {
  if (failed.length === 0) return grasps;
  return grasps
    .map((grasp) => {
      const nearest = Math.max(...failed.map((each) => closeness(grasp, each, centre)));
      return { ...grasp, score: grasp.score * (1 - (1 - markdown) * nearest) };
    })
    .sort((a, b) => b.score - a.score);
}

/** 1 at the pose of a failed grasp or half a turn about its approach, falling to 0 away from it. */
function closeness(grasp: GraspGoal, failed: FailedGrasp, centre: Vec3 | undefined): number {
  const moved: Vec3 =
    centre === undefined || failed.centre === undefined
      ? [0, 0, 0]
      : [centre[0] - failed.centre[0], centre[1] - failed.centre[1], centre[2] - failed.centre[2]];
  const [a, b] = [grasp.pose, failed.grasp.pose];
  const distance = Math.hypot(...a.position.map((v, i) => v - b.position[i]! - moved[i]!));
  const flipped = multiplyQuaternions(b.orientation, [0, 0, 1, 0]);
  const turn = Math.min(rotationAngle(a.orientation, b.orientation), rotationAngle(a.orientation, flipped));
  return 2 ** -((distance / alike.distance) ** 2 + (turn / alike.turn) ** 2);
}

/** The mean of points; undefined of none. */
export function centreOf(points: Points | undefined): Vec3 | undefined {
  const count = (points?.length ?? 0) / 3;
  if (points === undefined || count === 0) return undefined;
  const sum = [0, 0, 0];
  for (let i = 0; i < points.length; i++) sum[i % 3]! += points[i]!;
  return [sum[0]! / count, sum[1]! / count, sum[2]! / count];
}

/**
 * The share of an object's earlier points that the object's present points still cover, 0..1: near 1 for an object that
 * still lies where it was, near 0 for one that is gone or elsewhere. Metres, one frame.
 */
export function stillInPlace(before: Points, now: Points): number {
  const cells = new Set<string>();
  const cell = (v: number, shift: number): number => Math.floor(v / samePlace) + shift;
  for (let i = 0; i + 2 < now.length; i += 3)
    for (let n = 0; n < 27; n++)
      cells.add(
        `${cell(now[i]!, (n % 3) - 1)} ${cell(now[i + 1]!, (Math.trunc(n / 3) % 3) - 1)} ${cell(now[i + 2]!, Math.trunc(n / 9) - 1)}`,
      );
  let covered = 0;
  for (let i = 0; i + 2 < before.length; i += 3)
    if (cells.has(`${cell(before[i]!, 0)} ${cell(before[i + 1]!, 0)} ${cell(before[i + 2]!, 0)}`)) covered++;
  return before.length < 3 ? 0 : covered / Math.trunc(before.length / 3);
}
