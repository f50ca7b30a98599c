import {
  conjugate,
  type Metres,
  multiplyQuaternions,
  type Pose,
  type Quaternion,
  type Radians,
} from "../../geometry/index.js";
import type { IkSolver } from "../model/ik.js";
import type { JointValues } from "../model/kinematics.js";
import type { RefusedMotion } from "./sequence-types.js";

export interface LineOptions {
  /** Distance between the joint configurations found along the line. Default 5 mm. */
  readonly step?: Metres;
  readonly turnStep?: Radians;
  /** Largest change of a joint from one joint configuration to the next. Default 0.12 rad. */
  readonly jump?: Radians;
  /** Largest distance from the line, measured midway between joint configurations. Default 1 mm. */
  readonly deviation?: Metres;
}

export type LineResult =
  | { readonly configurations: number[][] }
  | { readonly reason: "unreachable" | "joint-jump" | "deviation"; readonly at: number };

/**
 * Joint configurations that move the tool in a straight line (turning evenly) from its pose at `start` to `target`. A
 * line along which a joint would have to jump, near singular configurations or limits, is refused with the share of
 * the line reached.
 */
export function straightLine(
  solver: IkSolver,
  start: JointValues,
  target: Pose,
  options: LineOptions = {},
): LineResult {
  const { step = 0.005, turnStep = 0.035, jump = 0.12, deviation = 0.001 } = options;
  const from = solver.kinematics.forward(start);
  const length = Math.hypot(...from.position.map((v, i) => target.position[i]! - v));
  const turn = angleBetween(from.orientation, target.orientation);
  const count = Math.max(1, Math.ceil(length / step), Math.ceil(turn / turnStep));
  const configurations = [Array.from(start)];
  for (let k = 1; k <= count; k++) {
    const before = configurations[k - 1]!;
    const solution = solver.track(between(from, target, k / count), before);
    if (solution === undefined) return { reason: "unreachable", at: k / count };
    const { joints } = solution;
    if (joints.some((v, i) => Math.abs(v - before[i]!) > jump))
      return { reason: "joint-jump", at: k / count };
    const middle = solver.kinematics.forward(joints.map((v, i) => (v + before[i]!) / 2)).position;
    const wanted = between(from, target, (k - 0.5) / count).position;
    if (Math.hypot(...middle.map((v, i) => v - wanted[i]!)) > deviation)
      return { reason: "deviation", at: k / count };
    configurations.push(joints);
  }
  return { configurations };
}

/** Why a grasp or place with a straight segment that failed is refused. */
export function lineRefusal(
  name: "approach" | "lift",
  line: Extract<LineResult, { reason: unknown }>,
): RefusedMotion {
  const why = {
    unreachable: "leaves the arm's reach",
    "joint-jump": "would make a joint jump",
    deviation: "cannot be followed straight",
  }[line.reason];
  return { refusal: name, reason: `the straight ${name} ${why} after ${Math.round(line.at * 100)} % of it` };
}

/** Angle of the rotation that takes one orientation to the other, 0..π. */
export function angleBetween(a: Quaternion, b: Quaternion): Radians {
  const q = multiplyQuaternions(b, conjugate(a));
  return 2 * Math.atan2(Math.hypot(q[0], q[1], q[2]), Math.abs(q[3]));
}

/** The pose at share t of the line: positions evenly, orientations along the shortest arc. */
export function between(from: Pose, to: Pose, t: number): Pose {
  const a = from.orientation;
  const cosine = a.reduce((sum, v, i) => sum + v * to.orientation[i]!, 0);
  const b = cosine < 0 ? to.orientation.map((v) => -v) : to.orientation;
  const angle = Math.acos(Math.min(1, Math.abs(cosine)));
  const sine = Math.sin(angle);
  const [wa, wb] = sine > 1e-9 ? [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine] : [1 - t, t];
  const mixed = a.map((v, i) => wa * v + wb * b[i]!);
  const norm = Math.hypot(...mixed);
  return {
    position: from.position.map((v, i) => v + (to.position[i]! - v) * t) as unknown as Pose["position"],
    orientation: mixed.map((v) => v / norm) as unknown as Quaternion,
  };
}
