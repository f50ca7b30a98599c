import type { Vec3 } from "../../geometry/index.js";
import type { IkSolver } from "../model/ik.js";
import { type JointValues, Kinematics } from "../model/kinematics.js";
import type { MotionSummary } from "../safety/supervisor-types.js";
import type { JointPath } from "./path.js";
import type { Stage } from "./sequence-types.js";

/** Joint configurations along a path, close enough together for collision checks. */
export function* along(path: JointPath, step = 0.04): Generator<Float64Array> {
  const count = Math.max(1, Math.ceil(path.length / step));
  for (let k = 0; k <= count; k++) {
    const q = new Float64Array(path.joints);
    path.evaluate((path.length * k) / count, q);
    yield q;
  }
}

/**
 * The rate along a path at which the tool moves at `speed`: computed at points along the path, and taken from the
 * slower neighbour between them.
 */
export function toolRate(
  path: JointPath,
  kinematics: Kinematics,
  speed: number,
  further: ((s: number) => number) | undefined,
): (s: number) => number {
  const count = Math.max(20, Math.ceil(path.length / 0.02));
  const q = new Float64Array(path.joints);
  const d1 = new Float64Array(path.joints);
  const rates = Float64Array.from({ length: count + 1 }, (_, k) => {
    path.evaluate((path.length * k) / count, q, d1);
    return speed / Math.max(1e-9, Math.hypot(...kinematics.toolVelocity(q, d1)));
  });
  return (s) => {
    const at = (s / path.length) * count;
    const k = Math.min(Math.max(Math.floor(at), 0), count - 1);
    return Math.min(rates[k]!, rates[k + 1]!, further?.(s) ?? Infinity);
  };
}

/** The extremes of all stages, for the supervisor. */
export function summarise(stages: readonly Stage[], solver: IkSolver, start: JointValues): MotionSummary {
  const kinematics = new Kinematics(solver.chain);
  const low = Array.from(start);
  const high = Array.from(start);
  const fast = low.map(() => 0);
  const toolLow = [Infinity, Infinity, Infinity];
  const toolHigh = [-Infinity, -Infinity, -Infinity];
  for (const stage of stages) {
    if (!("trajectory" in stage)) continue;
    for (const { positions, velocities } of stage.trajectory.points(0.005)) {
      for (const [i, q] of positions.entries()) {
        low[i] = Math.min(low[i]!, q);
        high[i] = Math.max(high[i]!, q);
        fast[i] = Math.max(fast[i]!, Math.abs(velocities[i]!));
      }
      for (const [k, p] of kinematics.forward(positions).position.entries()) {
        toolLow[k] = Math.min(toolLow[k]!, p);
        toolHigh[k] = Math.max(toolHigh[k]!, p);
      }
    }
  }
  return {
    start: Array.from(start),
    minPosition: low,
    maxPosition: high,
    maxVelocity: fast,
    toolMin: toolLow as unknown as Vec3,
    toolMax: toolHigh as unknown as Vec3,
    collisionFree: true,
  };
}
