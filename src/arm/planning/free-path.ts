import type { Pose, Vec3 } from "../../geometry/index.js";
import { type CheckOptions, type CollisionChecker, describeCollision } from "../collision/checker.js";
import type { IkSolver } from "../model/ik.js";
import type { JointValues } from "../model/kinematics.js";
import { raised } from "./goal-poses.js";
import { along } from "./motion-limits.js";
import { type JointPath, splinePath } from "./path.js";
import type { RefusedMotion } from "./sequence-types.js";

/** A free path that is asked for; joint positions in the chain's order, radians (metres for prismatic joints). */
export interface FreePathRequest {
  readonly from: JointValues;
  readonly to: JointValues;
  /** Its orientation is that of a raised tool above `to`. */
  readonly near: Pose;
  /** Default: z of the base frame. */
  readonly up?: Vec3 | undefined;
  /** Whether a path stays within the joints' limits. */
  readonly within: (path: JointPath) => boolean;
}

/** Straight in joint space, or over a raised joint configuration. */
export function builtInPath(
  solver: IkSolver,
  checker: CollisionChecker,
  { from, to, near, up, within }: FreePathRequest,
  options: CheckOptions,
): JointPath | RefusedMotion {
  const direct = splinePath([from, to]);
  const hit = checker.checkAll(along(direct), options);
  if (hit === undefined) return direct;
  for (const height of [0.15, 0.3]) {
    const raise = raised(height, up);
    const overStart = solver.solve(raise(solver.kinematics.forward(from)), { seed: from })?.joints;
    const overEnd = solver.solve(raise({ ...near, position: solver.kinematics.forward(to).position }), {
      seed: to,
    })?.joints;
    for (const via of [[overEnd], [overStart], [overStart, overEnd]]) {
      if (via.some((configuration) => configuration === undefined)) continue;
      const path = splinePath([from, ...(via as number[][]), to]);
      if (within(path) && checker.checkAll(along(path), options) === undefined) return path;
    }
  }
  return { refusal: "way-blocked", reason: `no free path was found: ${describeCollision(hit)}` };
}
