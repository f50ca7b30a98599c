import { GraspGroundingError } from "../../errors/index.js";
import type { Seconds } from "../../geometry/index.js";
import type { JointValues } from "../model/kinematics.js";
import { type JointPath, splinePath } from "./path.js";
import { SmoothedProfile, type Usage } from "./smoothed-profile.js";
import { fastestProfile, type RateLimits } from "./topp.js";

/** Limits of a motion, joint by joint, per second, second squared and second cubed. */
export interface MotionLimits extends RateLimits {
  /** Undefined: accelerations may jump. */
  readonly jerk?: readonly number[];
}

export interface TrajectoryPoint {
  readonly t: Seconds;
  readonly positions: number[];
  readonly velocities: number[];
  readonly accelerations: number[];
}

/** A motion from rest to rest. */
export interface Trajectory {
  readonly duration: Seconds;
  readonly path: JointPath;
  /** State at time t; before the start and after the end it rests. */
  at(t: Seconds): TrajectoryPoint;
  /** States every `interval` seconds, start and end included: what a FollowJointTrajectory goal takes. */
  points(interval: Seconds): TrajectoryPoint[];
}

/** Share of each limit that stays unused: limits are checked at samples, and values between them may be larger. */
const limitReserve = 1e-3;

/**
 * Times a path: first the fastest profile under velocity and acceleration limits, then, for the jerk, that profile
 * averaged over a sliding window of time. Averaging s(t) leaves the path as it is and bounds the jerk by the jump of
 * the acceleration over the window: on a straight path it gives exactly the seven-phase profile. Where the result
 * still exceeds a limit (in bends, or where full braking follows full acceleration), the rate is capped just there
 * and the profile computed again. Several windows are tried; where a limit is still exceeded, the time is stretched.
 * @throws GraspGroundingError ARM_CONFIG for limits that are not positive
 */
export function timeParametrise(path: JointPath, limits: MotionLimits): Trajectory {
  for (const list of [limits.velocity, limits.acceleration, limits.jerk ?? []]) {
    if (!list.every((v) => v > 0)) {
      throw new GraspGroundingError("ARM_CONFIG", { detail: "motion limits must be positive" });
    }
  }
  if (path.length === 0) return rest(path);
  const profile =
    limits.jerk === undefined ? new SmoothedProfile(fastestProfile(path, limits), 0) : shortest(path, limits);
  // The last check is at 1 kHz or finer, as a controller would see it.
  const samples = Math.max(1500, Math.ceil((profile.duration * 1.3) / 0.0007));
  const stretch = usageOf(profile, path, limits, profile.times(samples)).worst * (1 + limitReserve);
  return new StretchedTrajectory(path, profile, stretch);
}

/** A straight line in joint space (or a spline through several waypoints), timed. */
export const moveThrough = (waypoints: readonly JointValues[], limits: MotionLimits): Trajectory =>
  timeParametrise(splinePath(waypoints), limits);

/**
 * Lengths of the averaging window, as multiples of the longest time that a joint needs from rest to its largest
 * acceleration.
 */
const windowFactors = [0.6, 0.85, 1.05, 1.4, 2];
/** Rounds of capping the rate in which one window may still improve. */
const maxCapRounds = 10;

/** The best of several windows, each with its caps: the shortest after stretching. */
function shortest(
  path: JointPath,
  limits: MotionLimits & { readonly jerk?: readonly number[] },
): SmoothedProfile {
  const ramp = Math.max(...limits.acceleration.map((a, i) => a / limits.jerk![i]!));
  const grid = fastestProfile(path, limits).s;
  let best: { profile: SmoothedProfile; duration: number } | undefined;
  for (const factor of windowFactors) {
    const window = ramp * factor;
    const caps = new Float64Array(grid.length).fill(Infinity);
    for (let round = 0; round < maxCapRounds; round++) {
      const rate = (s: number) => Math.min(limits.rate?.(s) ?? Infinity, interpolated(grid, caps, s));
      const profile = new SmoothedProfile(fastestProfile(path, { ...limits, rate }), window);
      const usage = usageOf(profile, path, limits, profile.times(100));
      const duration = profile.duration * usage.worst;
      if (best === undefined || duration < best.duration) best = { profile, duration };
      if (usage.worst <= 1.01) break;
      profile.cap(usage, caps);
    }
  }
  return best!.profile;
}

/** Value at s of numbers given on a grid; Infinity next to any Infinity. */
function interpolated(grid: Float64Array, values: Float64Array, s: number): number {
  let low = 0;
  let high = grid.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (grid[middle]! <= s) low = middle;
    else high = middle;
  }
  return s - grid[low]! < grid[high]! - s ? values[low]! : values[high]!;
}

function usageOf(
  profile: SmoothedProfile,
  path: JointPath,
  limits: MotionLimits,
  times: Float64Array,
): Usage {
  const n = path.joints;
  const [q, d1, d2, d3] = Array.from({ length: 4 }, () => new Float64Array(n)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const state = new Float64Array(4);
  const shares = new Float64Array(times.length);
  let worst = 0;
  for (let k = 0; k < times.length; k++) {
    profile.at(times[k]!, state);
    const [s, v, a, j] = state as unknown as [number, number, number, number];
    path.evaluate(s, q, d1, d2, d3);
    let velocity = v / (limits.rate?.(s) ?? Infinity);
    let acceleration = 0;
    let jerk = 0;
    for (let i = 0; i < n; i++) {
      const p1 = d1[i]!;
      const p2 = d2[i]!;
      velocity = Math.max(velocity, Math.abs(p1 * v) / limits.velocity[i]!);
      acceleration = Math.max(acceleration, Math.abs(p1 * a + p2 * v * v) / limits.acceleration[i]!);
      if (limits.jerk !== undefined) {
        jerk = Math.max(jerk, Math.abs(p1 * j + 3 * p2 * v * a + d3[i]! * v * v * v) / limits.jerk[i]!);
      }
    }
    const share = Math.max(velocity, Math.sqrt(acceleration), Math.cbrt(jerk));
    shares[k] = share;
    worst = Math.max(worst, share);
  }
  return { worst, shares, times };
}

class StretchedTrajectory implements Trajectory {
  readonly duration: Seconds;
  readonly path: JointPath;
  readonly #profile: SmoothedProfile;
  readonly #stretch: number;

  constructor(path: JointPath, profile: SmoothedProfile, stretch: number) {
    this.path = path;
    this.#profile = profile;
    this.#stretch = stretch;
    this.duration = profile.duration * stretch;
  }

  at(t: Seconds): TrajectoryPoint {
    const { path } = this;
    const k = this.#stretch;
    const state = new Float64Array(4);
    this.#profile.at(Math.min(Math.max(t, 0), this.duration) / k, state);
    const [s, rate, u] = state as unknown as [number, number, number];
    const [q, d1, d2] = Array.from({ length: 3 }, () => new Float64Array(path.joints));
    path.evaluate(Math.min(Math.max(s, 0), path.length), q!, d1, d2);
    const moving = t > 0 && t < this.duration;
    return {
      t,
      positions: Array.from(q!),
      velocities: Array.from(d1!, (p) => (moving ? (p * rate) / k : 0)),
      accelerations: Array.from(d1!, (p, i) => (moving ? (p * u + d2![i]! * rate * rate) / (k * k) : 0)),
    };
  }

  points(interval: Seconds): TrajectoryPoint[] {
    return pointsOf(this, interval);
  }
}

function pointsOf(trajectory: Trajectory, interval: Seconds): TrajectoryPoint[] {
  const count = Math.max(1, Math.ceil(trajectory.duration / interval - 1e-9));
  return Array.from({ length: count + 1 }, (_, k) => trajectory.at((trajectory.duration * k) / count));
}

/** A trajectory without motion. */
function rest(path: JointPath): Trajectory {
  const q = new Float64Array(path.joints);
  path.evaluate(0, q);
  const zeros = () => Array.from(q, () => 0);
  const at = (t: Seconds) => ({
    t,
    positions: Array.from(q),
    velocities: zeros(),
    accelerations: zeros(),
  });
  return { duration: 0, path, at, points: () => [at(0)] };
}
