import type { Pose } from "../../geometry/index.js";
import { type CollisionChecker, describeCollision } from "../collision/checker.js";
import type { ConfigurationPreferences, IkSolver } from "../model/ik.js";
import type { JointValues } from "../model/kinematics.js";
import type { GraspMotion, MoveOptions, RefusedMotion } from "./sequence-types.js";

/** Starts of the inverse kinematics for one pose: there are many, and one that is hard to reach is passed over. */
const restarts = 8;
/** Joint configurations of one group to which a path is planned. */
const perGroup = 2;

export interface PoseSearch {
  readonly solver: IkSolver;
  readonly checker: CollisionChecker;
  readonly start: JointValues;
  readonly preferences?: ConfigurationPreferences | undefined;
  /** Awaited between groups, so that the process goes on handling events. */
  readonly pause: () => Promise<void>;
  /** Plans a motion to joint positions. */
  readonly plan: (joints: JointValues) => Promise<GraspMotion | RefusedMotion>;
}

/**
 * A motion to the first of `groups` with a pose that can be reached on a free path: of one group to the joint
 * configuration that costs least. Refused with the reason of the last pose that was tried.
 * @param groups poses of the tool in the base, those of a group of equal worth
 */
export async function planToPose(
  groups: readonly (readonly Pose[])[],
  { opening }: MoveOptions,
  { solver, checker, start, preferences = {}, pause, plan }: PoseSearch,
): Promise<GraspMotion | RefusedMotion> {
  let why: RefusedMotion = { refusal: "unreachable", reason: "no joint configuration reaches the pose" };
  for (const group of groups) {
    await pause();
    const reached = group
      .flatMap((pose) => solver.solve(pose, { seed: start, restarts }) ?? [])
      .map(({ joints }) => ({ joints, cost: solver.cost(joints, start, preferences) }))
      .sort((a, b) => a.cost - b.cost);
    for (const { joints } of reached.slice(0, perGroup)) {
      const hit = checker.check(joints, { opening });
      const motion =
        hit === undefined
          ? await plan(joints)
          : ({ refusal: "collision", reason: describeCollision(hit) } as const);
      if (!("refusal" in motion)) return motion;
      why = motion;
    }
  }
  return why;
}
