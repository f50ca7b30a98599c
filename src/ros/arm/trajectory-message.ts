import type { ControllerReading, TrajectoryPoint } from "../../arm/index.js";
import type { Seconds } from "../../geometry/index.js";
import { timeOf } from "../../messages/index.js";

/** builtin_interfaces/msg/Duration */
export const durationOf = (seconds: Seconds) => timeOf(BigInt(Math.round(Math.max(0, seconds) * 1e9)));

/** trajectory_msgs/msg/JointTrajectory that starts when it arrives. */
export function trajectoryMessage(joints: readonly string[], points: readonly TrajectoryPoint[]) {
  // The controller starts from where it is: a point at time 0 would make it jump by its lag.
  const sent = points.length > 1 && points[0]!.t <= 0 ? points.slice(1) : points;
  return {
    header: { stamp: { sec: 0, nanosec: 0 }, frame_id: "" },
    joint_names: [...joints],
    points: sent.map(({ t, positions, velocities, accelerations }) => ({
      positions,
      velocities,
      accelerations,
      effort: [],
      time_from_start: durationOf(t),
    })),
  };
}

const rest = (n: number): number[] => new Array<number>(n).fill(0);

/** A stop takes at most this long, at any deceleration. */
const longestBrake: Seconds = 0.08;

/**
 * Brings joints from their present speed to rest, evenly; asks no more than `deceleration` of any where time allows.
 * @param deceleration per second squared, above 0
 */
export function brakingPoints(
  { positions, velocities }: ControllerReading,
  deceleration: number,
): TrajectoryPoint[] {
  const fastest = Math.max(...velocities.map(Math.abs));
  const time = Math.min(Math.max(fastest / deceleration, 0.02), longestBrake);
  return [
    {
      t: time,
      positions: positions.map((q, i) => q + (velocities[i]! * time) / 2),
      velocities: rest(positions.length),
      accelerations: rest(positions.length),
    },
  ];
}

/** Goes on at these joint speeds for `seconds` and then comes to rest. */
export function drivingPoints(
  positions: readonly number[],
  velocities: readonly number[],
  seconds: Seconds,
  deceleration: number,
): TrajectoryPoint[] {
  const fastest = Math.max(...velocities.map(Math.abs));
  const brake = Math.max(fastest / deceleration, 0.02);
  const at = positions.map((q, i) => q + velocities[i]! * seconds);
  return [
    { t: seconds, positions: at, velocities: [...velocities], accelerations: rest(positions.length) },
    {
      t: seconds + brake,
      positions: at.map((q, i) => q + (velocities[i]! * brake) / 2),
      velocities: rest(positions.length),
      accelerations: rest(positions.length),
    },
  ];
}
