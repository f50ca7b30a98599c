import { symmetricEigen3 } from "./eigen.js";
import { dot, type Vec3 } from "./pose.js";
import type { Random } from "./random.js";
import type { Metres } from "./units.js";

/** The points p with normal · p + offset = 0; `normal` is a unit vector. */
export interface Plane {
  readonly normal: Vec3;
  readonly offset: Metres;
}

export interface PlaneFit extends Plane {
  /** Number of points within the tolerance. */
  readonly inliers: number;
  /** Root mean square distance of those points, in metres. */
  readonly rms: Metres;
}

/** Signed distance in metres, positive on the side the normal points to. */
export const planeDistance = (plane: Plane, point: Vec3): Metres => dot(plane.normal, point) + plane.offset;

/** The same plane with its normal reversed. */
export const flipPlane = <P extends Plane>(plane: P): P => ({
  ...plane,
  normal: [-plane.normal[0], -plane.normal[1], -plane.normal[2]],
  offset: -plane.offset,
});

/**
 * Least-squares plane (orthogonal distances) through those of `points` (x, y, z, x, y, z, …) that lie within
 * `tolerance` of `near`, or through all of them without it. Undefined for fewer than three points or points on one
 * line.
 */
export function fitPlane(points: Float32Array, near?: Plane, tolerance = Infinity): PlaneFit | undefined {
  let n = 0;
  let sx = 0;
  let sy = 0;
  let sz = 0;
  let xx = 0;
  let xy = 0;
  let xz = 0;
  let yy = 0;
  let yz = 0;
  let zz = 0;
  const [nx, ny, nz] = near?.normal ?? [0, 0, 0];
  const d = near?.offset ?? 0;
  // Sums about the first point: about the origin, points a metre away would cost the small eigenvalue its digits.
  const ox = points[0] ?? 0;
  const oy = points[1] ?? 0;
  const oz = points[2] ?? 0;
  for (let i = 0; i + 2 < points.length; i += 3) {
    const px = points[i]!;
    const py = points[i + 1]!;
    const pz = points[i + 2]!;
    if (!(Math.abs(nx * px + ny * py + nz * pz + d) <= tolerance)) continue;
    const x = px - ox;
    const y = py - oy;
    const z = pz - oz;
    n++;
    sx += x;
    sy += y;
    sz += z;
    xx += x * x;
    xy += x * y;
    xz += x * z;
    yy += y * y;
    yz += y * z;
    zz += z * z;
  }
  if (n < 3) return undefined;
  const mx = sx / n;
  const my = sy / n;
  const mz = sz / n;
  const eigen = symmetricEigen3(
    xx / n - mx * mx,
    xy / n - mx * my,
    xz / n - mx * mz,
    yy / n - my * my,
    yz / n - my * mz,
    zz / n - mz * mz,
  );
  if (!(eigen.values[1] > 1e-12)) return undefined;
  const normal = eigen.vectors[0];
  const offset = -dot(normal, [mx + ox, my + oy, mz + oz]);
  return { normal, offset, inliers: n, rms: Math.sqrt(Math.max(0, eigen.values[0])) };
}

export interface RansacPlaneOptions {
  /** Largest distance of an inlier, in metres. */
  readonly tolerance: Metres;
  readonly iterations?: number;
  readonly random: Random;
  /** Hypotheses for which this is false are not considered. The normal's sign is arbitrary. */
  readonly accept?: (plane: Plane) => boolean;
  /** Fewest inliers, as a share of the points; 0..1. */
  readonly minShare?: number;
  /**
   * Points behind the plane as seen from the origin, down to this many metres, count against it: a table hides what is
   * under it, the face of a box does not hide the table. 0 counts none.
   */
  readonly behind?: Metres;
}

/**
 * The plane most of `points` (x, y, z, …) lie on: RANSAC (Fischler and Bolles 1981), then least squares over its
 * inliers until they no longer change. Undefined when no plane holds enough points.
 */
export function ransacPlane(points: Float32Array, options: RansacPlaneOptions): PlaneFit | undefined {
  const { tolerance, random, accept, iterations = 200, minShare = 0.1, behind = 0 } = options;
  const count = Math.trunc(points.length / 3);
  if (count < 3) return undefined;
  let best: Plane | undefined;
  let bestInliers = 0;
  for (let k = 0; k < iterations; k++) {
    const plane = planeThrough(points, pick(random, count), pick(random, count), pick(random, count));
    if (plane === undefined || (accept !== undefined && !accept(plane))) continue;
    const inliers = support(points, plane, tolerance, behind);
    if (inliers > bestInliers) {
      bestInliers = inliers;
      best = plane;
    }
  }
  if (best === undefined || bestInliers < Math.max(3, minShare * count)) return undefined;
  let fit: PlaneFit | undefined;
  for (let round = 0; round < 4; round++) {
    const next = fitPlane(points, fit ?? best, tolerance);
    if (next === undefined || (fit !== undefined && next.inliers === fit.inliers)) return next ?? fit;
    fit = next;
  }
  return fit;
}

const pick = (random: Random, count: number): number => Math.trunc(random() * count) * 3;

/** Inliers less the points that lie behind the plane, seen from the origin, but no further than `behind`. */
function support(points: Float32Array, plane: Plane, tolerance: number, behind: number): number {
  const towards = plane.offset >= 0 ? 1 : -1;
  const nx = plane.normal[0] * towards;
  const ny = plane.normal[1] * towards;
  const nz = plane.normal[2] * towards;
  const d = plane.offset * towards;
  const near = -2.5 * tolerance;
  let count = 0;
  for (let i = 0; i + 2 < points.length; i += 3) {
    const distance = nx * points[i]! + ny * points[i + 1]! + nz * points[i + 2]! + d;
    if (distance <= tolerance && distance >= -tolerance) count++;
    else if (distance < near && distance > -behind) count--;
  }
  return count;
}

function planeThrough(p: Float32Array, i: number, j: number, k: number): Plane | undefined {
  const ax = p[j]! - p[i]!;
  const ay = p[j + 1]! - p[i + 1]!;
  const az = p[j + 2]! - p[i + 2]!;
  const bx = p[k]! - p[i]!;
  const by = p[k + 1]! - p[i + 1]!;
  const bz = p[k + 2]! - p[i + 2]!;
  const nx = ay * bz - az * by;
  const ny = az * bx - ax * bz;
  const nz = ax * by - ay * bx;
  const length = Math.hypot(nx, ny, nz);
  if (!(length > 1e-9)) return undefined;
  const normal: Vec3 = [nx / length, ny / length, nz / length];
  return { normal, offset: -(normal[0] * p[i]! + normal[1] * p[i + 1]! + normal[2] * p[i + 2]!) };
}
