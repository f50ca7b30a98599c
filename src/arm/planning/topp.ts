import type { JointPath } from "./path.js";

export interface RateLimits {
  /** Joint by joint, per second. */
  readonly velocity: readonly number[];
  /** Joint by joint, per second squared. */
  readonly acceleration: readonly number[];
  /** Largest ds/dt at s, for limits on what the joints move (the tool's speed). */
  readonly rate?: (s: number) => number;
}

/** How s grows with time: from grid point to grid point with a constant second derivative. */
export interface RateProfile {
  readonly s: Float64Array;
  /** ds/dt at the grid points. */
  readonly rate: Float64Array;
  /** Time at the grid points. */
  readonly t: Float64Array;
}

/**
 * The fastest timing of a path, from rest to rest, under velocity and acceleration limits: reachability analysis by
 * Pham and Pham (TOPP-RA, arXiv 1707.07239) on x = (ds/dt)² and u = d²s/dt². Limits hold at both ends of each step.
 * The linear programs have two unknowns and start from the feasible point (0, 0): their optimum is found by comparing
 * each lower bound of u with each upper one.
 */
export function fastestProfile(path: JointPath, limits: RateLimits, steps = 400): RateProfile {
  const n = path.joints;
  const s = gridOf(path, steps);
  const count = s.length;
  const q = new Float64Array(n);
  const d1 = Array.from({ length: count }, () => new Float64Array(n));
  const d2 = Array.from({ length: count }, () => new Float64Array(n));
  const cap = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    path.evaluate(s[k]!, q, d1[k], d2[k]);
    cap[k] = rateCap(d1[k]!, d2[k]!, limits, s[k]!);
  }
  const bounds = new Bounds(4 * n + 4);
  const stepBounds = (k: number, next: number) => {
    const delta = s[k + 1]! - s[k]!;
    bounds.clear();
    for (let i = 0; i < n; i++) {
      const a = limits.acceleration[i]!;
      bounds.add(d1[k]![i]!, d2[k]![i]!, a);
      const after = d2[k + 1]![i]!;
      bounds.add(d1[k + 1]![i]! + 2 * delta * after, after, a);
    }
    bounds.addNext(delta, next);
  };
  // Backwards: the largest x from which the end can still be reached at rest.
  const reach = new Float64Array(count);
  for (let k = count - 2; k >= 0; k--) {
    stepBounds(k, reach[k + 1]!);
    reach[k] = Math.min(cap[k]!, bounds.largestX());
  }
  // Forwards: as fast as that allows.
  const rate = new Float64Array(count);
  const t = new Float64Array(count);
  let x = 0;
  for (let k = 0; k + 1 < count; k++) {
    stepBounds(k, reach[k + 1]!);
    const delta = s[k + 1]! - s[k]!;
    x = Math.min(Math.max(x + 2 * delta * bounds.largestU(x), 0), reach[k + 1]!);
    rate[k + 1] = Math.sqrt(x);
    // A rate of zero within the path would take for ever; a small one stays finite.
    if (k + 2 < count) rate[k + 1] = Math.max(rate[k + 1]!, 1e-6);
    t[k + 1] = t[k]! + (2 * delta) / (rate[k]! + rate[k + 1]!);
  }
  return { s, rate, t };
}

/** Evenly spaced points and the knots, denser towards both ends, where the rate changes most with s. */
function gridOf(path: JointPath, steps: number): Float64Array {
  const length = path.length;
  const points = new Set<number>([0, length]);
  for (let i = 1; i < steps; i++) points.add((length * i) / steps);
  const end = length / steps;
  for (let i = 1; i < 8; i++) {
    points.add(end * (i / 8) ** 2);
    points.add(length - end * (i / 8) ** 2);
  }
  const sorted = [...points].sort((a, b) => a - b);
  return Float64Array.from(sorted.filter((v, i) => i === 0 || v - sorted[i - 1]! > length * 1e-9));
}

/** Largest x that the velocities, and accelerations where a joint turns back, allow. */
function rateCap(d1: Float64Array, d2: Float64Array, limits: RateLimits, s: number): number {
  let cap = (limits.rate?.(s) ?? Infinity) ** 2;
  for (let i = 0; i < d1.length; i++) {
    const speed = Math.abs(d1[i]!);
    if (speed > 1e-9) cap = Math.min(cap, (limits.velocity[i]! / speed) ** 2);
    else if (Math.abs(d2[i]!) > 1e-9) cap = Math.min(cap, limits.acceleration[i]! / Math.abs(d2[i]!));
  }
  return cap;
}

/** Bounds of u that are lines in x: low + slope x <= u <= high + slope x. */
class Bounds {
  readonly #low: Float64Array;
  readonly #lowSlope: Float64Array;
  readonly #high: Float64Array;
  readonly #highSlope: Float64Array;
  #lows = 0;
  #highs = 0;
  #cap = Infinity;

  constructor(size: number) {
    this.#low = new Float64Array(size);
    this.#lowSlope = new Float64Array(size);
    this.#high = new Float64Array(size);
    this.#highSlope = new Float64Array(size);
  }

  clear(): void {
    this.#lows = 0;
    this.#highs = 0;
    this.#cap = Infinity;
  }

  /** |a u + b x| <= limit */
  add(a: number, b: number, limit: number): void {
    if (Math.abs(a) < 1e-9) {
      if (Math.abs(b) > 1e-9) this.#cap = Math.min(this.#cap, limit / Math.abs(b));
      return;
    }
    const reach = limit / Math.abs(a);
    this.#low[this.#lows] = -reach;
    this.#lowSlope[this.#lows++] = -b / a;
    this.#high[this.#highs] = reach;
    this.#highSlope[this.#highs++] = -b / a;
  }

  /** 0 <= x + 2 delta u <= next */
  addNext(delta: number, next: number): void {
    this.#low[this.#lows] = 0;
    this.#lowSlope[this.#lows++] = -1 / (2 * delta);
    this.#high[this.#highs] = next / (2 * delta);
    this.#highSlope[this.#highs++] = -1 / (2 * delta);
  }

  largestX(): number {
    let largest = this.#cap;
    for (let i = 0; i < this.#lows; i++) {
      for (let j = 0; j < this.#highs; j++) {
        const slope = this.#lowSlope[i]! - this.#highSlope[j]!;
        if (slope > 1e-12) largest = Math.min(largest, (this.#high[j]! - this.#low[i]!) / slope);
      }
    }
    return Math.max(0, largest);
  }

  largestU(x: number): number {
    let u = Infinity;
    for (let j = 0; j < this.#highs; j++) u = Math.min(u, this.#high[j]! + this.#highSlope[j]! * x);
    return u;
  }
}
