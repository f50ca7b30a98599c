import { compose, identityPose, type Pose, type Vec3 } from "../../geometry/index.js";
import type { Chain } from "./chain.js";
import type { IkSolver } from "./ik.js";
import type { JointValues } from "./kinematics.js";

export interface ReachOptions {
  /** The frame of the poses (a camera's), in the base. Default: the base itself. */
  readonly frameInBase?: Pose;
  /** Present joint configuration. */
  readonly seed: JointValues;
  /** Length of the straight approach. Default 0.1 m. */
  readonly approach?: number;
  /** The gripper may grasp half a turn about its approach as well. Default true. */
  readonly symmetric?: boolean;
  /**
   * Starts of the solver for all poses together; a pose after that counts as reachable if any was. Default 300,
   * about 30 ms.
   */
  readonly budget?: number;
}

/** Factor on the score of a pose out of reach: it ranks behind all poses within reach, and is not dropped. */
export const outOfReach = 0.05;

/** Starts for one pose: a reachable one mostly needs one or two. */
const maxStartsPerPose = 5;

/**
 * Whether the arm reaches tool poses and the points before them, by inverse kinematics within the joint limits: 1, or
 * `outOfReach` (0.05). Collisions are not checked. The same poses in the same order give the same answers.
 */
export function reachability(solver: IkSolver, options: ReachOptions): (pose: Pose) => number {
  const { frameInBase = identityPose, approach = 0.1, symmetric = true, budget = 300 } = options;
  const { shoulder, length } = sphere(solver.chain);
  const tolerances = { positionTolerance: 1e-3, rotationTolerance: 1e-2, restarts: maxStartsPerPose };
  let seed: JointValues = options.seed;
  let starts = 0;
  let any = false;
  const reached = (pose: Pose): boolean => {
    const grasp = solver.solve(pose, { seed, ...tolerances });
    starts += grasp?.starts ?? maxStartsPerPose + 1;
    if (grasp === undefined) return false;
    const back = compose(pose, { position: [0, 0, -approach], orientation: [0, 0, 0, 1] });
    const before = solver.solve(back, { seed: grasp.joints, ...tolerances });
    starts += before?.starts ?? maxStartsPerPose + 1;
    if (before === undefined) return false;
    // The next pose is mostly close to this one.
    seed = grasp.joints;
    any = true;
    return true;
  };
  return (pose) => {
    const inBase = compose(frameInBase, pose);
    if (Math.hypot(...inBase.position.map((v, k) => v - shoulder[k]!)) > length) return outOfReach;
    if (starts >= budget) return any ? 1 : outOfReach;
    if (reached(inBase)) return 1;
    return symmetric && reached(compose(inBase, halfTurn)) ? 1 : outOfReach;
  };
}

const halfTurn: Pose = { position: [0, 0, 0], orientation: [0, 0, 1, 0] };

/** A sphere that holds every place of the tool: about the second joint, as long as all that comes after it. */
function sphere({ segments, tool, upper, lower }: Chain): { shoulder: Vec3; length: number } {
  const [first, ...rest] = segments;
  if (first === undefined) return { shoulder: [0, 0, 0], length: Number.POSITIVE_INFINITY };
  let length = Math.hypot(...tool.translation);
  for (const { placement, prismatic, variable, multiplier, offset } of [
    ...rest,
    ...(first.prismatic ? [first] : []),
  ]) {
    length += Math.hypot(...placement.translation);
    if (prismatic)
      length += Math.max(
        ...[lower[variable]!, upper[variable]!].map((v) => Math.abs(multiplier * v + offset)),
      );
  }
  return { shoulder: first.placement.translation, length };
}
