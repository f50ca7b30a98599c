import { GraspGroundingError } from "../../errors/index.js";
import type { Vec3 } from "../../geometry/index.js";
import {
  type ArmReading,
  type MotionRequest,
  type MotionSummary,
  maxTeleopSpeed,
  type SafetyReason,
  type SupervisorLimits,
} from "./supervisor-types.js";

/** @throws GraspGroundingError ARM_CONFIG for limits that contradict themselves or exceed what may be set */
export function checkLimits(limits: SupervisorLimits): SupervisorLimits {
  const { lower, upper, velocity, workspace, teleopSpeed } = limits;
  const bad = (detail: string) => new GraspGroundingError("ARM_CONFIG", { detail });
  if (lower.length === 0 || upper.length !== lower.length || velocity.length !== lower.length) {
    throw bad("joint limits must be given for every joint");
  }
  if (!lower.every((low, i) => low < upper[i]!))
    throw bad("a joint's lower limit is not below its upper limit");
  if (!velocity.every((v) => v > 0 && v < Infinity)) throw bad("joint speed limits must be positive");
  if (!workspace.min.every((low, i) => low < workspace.max[i]!)) throw bad("the workspace box is empty");
  if (!(teleopSpeed > 0 && teleopSpeed <= maxTeleopSpeed)) {
    throw bad(`the teleop tool speed must be above 0 and at most ${maxTeleopSpeed} m/s`);
  }
  const times = ["frameAge", "feedbackAge", "lease", "commandAge", "stopWithin"] as const;
  for (const name of times)
    if (!(limits[name] > 0 && limits[name] <= 60)) throw bad(`${name} must be above 0 and at most 60 s`);
  const others = ["stillBelow", "startTolerance", "speedSlack", "positionSlack", "workspaceSlack"] as const;
  for (const name of others)
    if (!(limits[name] >= 0 && limits[name] <= 0.5)) throw bad(`${name} must be 0 to 0.5`);
  return limits;
}

/** A joint state with a number for every joint. */
export const wellFormed = (
  { positions, velocities, tool, toolSpeed }: ArmReading,
  limits: SupervisorLimits,
): boolean =>
  positions.length === limits.lower.length &&
  velocities.length === limits.lower.length &&
  [...positions, ...velocities, ...tool, toolSpeed].every(Number.isFinite);

/** Why a planned motion is refused; undefined when it may run. */
export function planned(
  m: MotionSummary,
  at: ArmReading,
  limits: SupervisorLimits,
): SafetyReason | undefined {
  const n = limits.lower.length;
  if ([m.start, m.minPosition, m.maxPosition, m.maxVelocity].some((each) => each.length !== n)) {
    return "joint-limit";
  }
  if (!m.start.every((q, i) => Math.abs(q - at.positions[i]!) <= limits.startTolerance)) {
    return "start-elsewhere";
  }
  if (!m.maxVelocity.every((v, i) => v >= 0 && v <= limits.velocity[i]! * (1 + 1e-6))) {
    return "velocity-limit";
  }
  if (!m.collisionFree) return "collision";
  return outside(m.minPosition, m.maxPosition, m.toolMin, m.toolMax, limits);
}

/** Rounding beyond a joint's limit that a planned motion may have, in radians. */
export const plannedSlack = 1e-6;

/** Positions or tool places beyond the limits. Written so that NaN counts as beyond. */
export function outside(
  min: readonly number[],
  max: readonly number[],
  toolMin: Vec3,
  toolMax: Vec3,
  limits: SupervisorLimits,
  jointSlack = plannedSlack,
  toolSlack = 0,
): SafetyReason | undefined {
  const { lower, upper, workspace } = limits;
  if (!min.every((q, i) => q >= lower[i]! - jointSlack)) return "joint-limit";
  if (!max.every((q, i) => q <= upper[i]! + jointSlack)) return "joint-limit";
  if (!toolMin.every((p, i) => p >= workspace.min[i]! - toolSlack)) return "workspace";
  if (!toolMax.every((p, i) => p <= workspace.max[i]! + toolSlack)) return "workspace";
  return undefined;
}

/** Why a measured state ends a motion; a small overshoot of a limit is allowed. */
export function brokenLimit(
  { positions, velocities, tool, toolSpeed }: ArmReading,
  motion: MotionRequest["kind"] | undefined,
  limits: SupervisorLimits,
): SafetyReason | undefined {
  const fast = 1 + limits.speedSlack;
  if (!velocities.every((v, i) => Math.abs(v) <= limits.velocity[i]! * fast)) return "velocity-limit";
  if (motion === "teleop" && toolSpeed > limits.teleopSpeed * fast) return "tool-speed";
  return outside(positions, positions, tool, tool, limits, limits.positionSlack, limits.workspaceSlack);
}

/** The limit that a step would cross; a step back from beyond a limit is allowed. */
export function leaving(
  here: readonly number[],
  there: readonly number[],
  toolHere: Vec3,
  toolThere: Vec3,
  { lower, upper, workspace }: SupervisorLimits,
): SafetyReason | undefined {
  const crosses = (from: number, to: number, min: number, max: number) =>
    (to < min && to < from) || (to > max && to > from);
  if (there.some((q, i) => crosses(here[i]!, q, lower[i]!, upper[i]!))) return "joint-limit";
  if (toolThere.some((p, i) => crosses(toolHere[i]!, p, workspace.min[i]!, workspace.max[i]!)))
    return "workspace";
  return undefined;
}
