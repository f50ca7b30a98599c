import type { JointValues } from "../model/kinematics.js";

/** A curve through joint space, without time: q(s) for s from 0 to `length`, twice continuously differentiable. */
export interface JointPath {
  readonly joints: number;
  readonly length: number;
  /** Writes q, q' and q'' at s, and q''' where asked, each into an array of `joints` numbers. */
  evaluate(s: number, q: Float64Array, d1?: Float64Array, d2?: Float64Array, d3?: Float64Array): void;
  /** Where the pieces of the curve meet, 0 and `length` included. */
  readonly knots: Float64Array;
  /**
   * Polynomials between the knots: coefficients[piece][joint] = value and three derivatives / factorial, lowest
   * first.
   */
  readonly coefficients: Float64Array;
}

/**
 * Natural cubic spline through waypoints (two of them: a straight line), spaced by their distance in joint space. The
 * curve leaves the straight connections between waypoints by little where they are dense. Check collisions on the
 * curve.
 * @throws RangeError for fewer than one waypoint or values that are no numbers
 */
export function splinePath(waypoints: readonly JointValues[]): JointPath {
  const points = withoutRepeats(waypoints);
  const n = points[0]!.length;
  const pieces = Math.max(1, points.length - 1);
  const knots = new Float64Array(pieces + 1);
  for (let k = 1; k < points.length; k++) knots[k] = knots[k - 1]! + distance(points[k - 1]!, points[k]!);
  const coefficients = new Float64Array(pieces * n * 4);
  for (let j = 0; j < n; j++) {
    const values = Float64Array.from(points, (point) => point[j]!);
    const second = secondDerivatives(knots, values);
    for (let k = 0; k < points.length - 1; k++) {
      const h = knots[k + 1]! - knots[k]!;
      const o = (k * n + j) * 4;
      coefficients[o] = values[k]!;
      coefficients[o + 1] = (values[k + 1]! - values[k]!) / h - (h * (2 * second[k]! + second[k + 1]!)) / 6;
      coefficients[o + 2] = second[k]! / 2;
      coefficients[o + 3] = (second[k + 1]! - second[k]!) / (6 * h);
    }
    if (points.length === 1) coefficients[j * 4] = values[0]!;
  }
  return {
    joints: n,
    length: knots[pieces]!,
    knots,
    coefficients,
    evaluate: evaluator(knots, coefficients, n),
  };
}

/** The least and the greatest value of each joint on a path, at the waypoints or between them. */
export function pathRange({ joints, knots, coefficients }: JointPath): {
  readonly min: Float64Array;
  readonly max: Float64Array;
} {
  const min = new Float64Array(joints).fill(Infinity);
  const max = new Float64Array(joints).fill(-Infinity);
  for (let piece = 0; piece + 1 < knots.length; piece++) {
    const h = knots[piece + 1]! - knots[piece]!;
    for (let j = 0; j < joints; j++) {
      const o = (piece * joints + j) * 4;
      const [a, b, c, d] = coefficients.subarray(o, o + 4) as unknown as [number, number, number, number];
      for (const x of [0, h, ...realRoots(b, 2 * c, 3 * d)]) {
        if (!(x >= 0 && x <= h)) continue;
        const value = a + x * (b + x * (c + x * d));
        min[j] = Math.min(min[j]!, value);
        max[j] = Math.max(max[j]!, value);
      }
    }
  }
  return { min, max };
}

/** Where a + bx + cx² is zero. The product form keeps the digits of a small root. */
function realRoots(a: number, b: number, c: number): readonly number[] {
  const root = Math.sqrt(b * b - 4 * a * c);
  const q = -(b + Math.sign(b || 1) * root) / 2;
  return [q / c, a / q];
}

function evaluator(knots: Float64Array, c: Float64Array, n: number): JointPath["evaluate"] {
  let piece = 0;
  const last = knots.length - 2;
  return (s, q, d1, d2, d3) => {
    // Calls go along the path: the piece is mostly the one of the last call or its neighbour.
    while (piece < last && s > knots[piece + 1]!) piece++;
    while (piece > 0 && s < knots[piece]!) piece--;
    const x = s - knots[piece]!;
    for (let j = 0; j < n; j++) {
      const o = (piece * n + j) * 4;
      const b = c[o + 1]!;
      const cc = c[o + 2]!;
      const d = c[o + 3]!;
      q[j] = c[o]! + x * (b + x * (cc + x * d));
      if (d1 !== undefined) d1[j] = b + x * (2 * cc + x * 3 * d);
      if (d2 !== undefined) d2[j] = 2 * cc + x * 6 * d;
      if (d3 !== undefined) d3[j] = 6 * d;
    }
  };
}

/** Waypoints closer than this are one: dividing by their distance would turn noise into curvature. */
const minWaypointDistance = 1e-7;

function withoutRepeats(waypoints: readonly JointValues[]): JointValues[] {
  const points: JointValues[] = [];
  for (const point of waypoints) {
    if (!Array.from(point).every(Number.isFinite)) throw new RangeError("a waypoint holds what is no number");
    const before = points.at(-1);
    if (before === undefined || distance(before, point) > minWaypointDistance) points.push(point);
  }
  if (points.length === 0) throw new RangeError("a path needs a waypoint");
  return points;
}

function distance(a: JointValues, b: JointValues): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

/** Second derivatives of the natural spline at its knots (Thomas algorithm on the usual tridiagonal system). */
function secondDerivatives(x: Float64Array, y: Float64Array): Float64Array {
  const n = y.length;
  const m = new Float64Array(n);
  if (n < 3) return m;
  const upper = new Float64Array(n);
  for (let k = 1; k < n - 1; k++) {
    const before = x[k]! - x[k - 1]!;
    const after = x[k + 1]! - x[k]!;
    const right = 6 * ((y[k + 1]! - y[k]!) / after - (y[k]! - y[k - 1]!) / before);
    const pivot = 2 * (before + after) - before * upper[k - 1]!;
    upper[k] = after / pivot;
    m[k] = (right - before * m[k - 1]!) / pivot;
  }
  for (let k = n - 2; k > 0; k--) m[k] = m[k]! - upper[k]! * m[k + 1]!;
  return m;
}
