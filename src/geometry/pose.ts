import type { Metres } from "./units.js";

/** x, y, z. */
export type Vec3 = readonly [number, number, number];

/** Unit quaternion in the order x, y, z, w. */
export type Quaternion = readonly [number, number, number, number];

/** Row-major 3×3 rotation matrix; its columns are the axes of the child frame in the parent frame. */
export type Mat3 = readonly [number, number, number, number, number, number, number, number, number];

/** Rigid transform: a point p of the child frame is `orientation * p + position` in the parent frame. */
export interface Pose {
  readonly position: readonly [Metres, Metres, Metres];
  readonly orientation: Quaternion;
}

export const identityPose: Pose = { position: [0, 0, 0], orientation: [0, 0, 0, 1] };

/** Whether a pose moves nothing, within a tenth of a millimetre and of a milliradian. */
export const isIdentity = ({ position, orientation }: Pose): boolean =>
  Math.hypot(...position) < 1e-4 && Math.hypot(orientation[0], orientation[1], orientation[2]) < 5e-5;

export const add = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const subtract = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const scale = (a: Vec3, s: number): Vec3 => [a[0] * s, a[1] * s, a[2] * s];
export const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a: Vec3, b: Vec3): Vec3 => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
export const norm = (a: Vec3): number => Math.hypot(a[0], a[1], a[2]);

/** Unit vector along `a`. @throws RangeError when `a` has no direction (zero or not finite). */
export function normalize(a: Vec3): Vec3 {
  const length = norm(a);
  if (!(length > 0) || !Number.isFinite(length)) throw new RangeError("a zero vector has no direction");
  return scale(a, 1 / length);
}

/** `q` at unit length. @throws RangeError for a zero quaternion. */
export function normalizeQuaternion(q: Quaternion): Quaternion {
  const length = Math.hypot(q[0], q[1], q[2], q[3]);
  if (!(length > 0) || !Number.isFinite(length)) throw new RangeError("a zero quaternion is no rotation");
  return [q[0] / length, q[1] / length, q[2] / length, q[3] / length];
}

/** Hamilton product: the rotation `b` followed by `a`. */
export const multiplyQuaternions = (a: Quaternion, b: Quaternion): Quaternion => [
  a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1],
  a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
  a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3],
  a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2],
];

/** `q v q*` for a unit quaternion. */
export function rotate(q: Quaternion, v: Vec3): Vec3 {
  const axis: Vec3 = [q[0], q[1], q[2]];
  const t = scale(cross(axis, v), 2);
  return add(add(v, scale(t, q[3])), cross(axis, t));
}

export const conjugate = (q: Quaternion): Quaternion => [-q[0], -q[1], -q[2], q[3]];

/** Frame a->b followed by b->c gives a->c: `compose(aFromB, bFromC) = aFromC`. */
export const compose = (a: Pose, b: Pose): Pose => ({
  position: add(rotate(a.orientation, b.position), a.position),
  orientation: normalizeQuaternion(multiplyQuaternions(a.orientation, b.orientation)),
});

export function invert(pose: Pose): Pose {
  const orientation = conjugate(pose.orientation);
  return { position: scale(rotate(orientation, pose.position), -1), orientation };
}

export const transformPoint = (pose: Pose, point: Vec3): Vec3 =>
  add(rotate(pose.orientation, point), pose.position);

export function matrixFromQuaternion(q: Quaternion): Mat3 {
  const x = rotate(q, [1, 0, 0]);
  const y = rotate(q, [0, 1, 0]);
  const z = rotate(q, [0, 0, 1]);
  return [x[0], y[0], z[0], x[1], y[1], z[1], x[2], y[2], z[2]];
}

/** Quaternion of a rotation matrix (Shepperd's method: the largest of the four components leads). */
export function quaternionFromMatrix(m: Mat3): Quaternion {
  const [m00, m01, m02, m10, m11, m12, m20, m21, m22] = m;
  const trace = m00 + m11 + m22;
  if (trace > 0) {
    const s = 2 * Math.sqrt(trace + 1);
    return normalizeQuaternion([(m21 - m12) / s, (m02 - m20) / s, (m10 - m01) / s, s / 4]);
  }
  if (m00 > m11 && m00 > m22) {
    const s = 2 * Math.sqrt(1 + m00 - m11 - m22);
    return normalizeQuaternion([s / 4, (m01 + m10) / s, (m02 + m20) / s, (m21 - m12) / s]);
  }
  if (m11 > m22) {
    const s = 2 * Math.sqrt(1 + m11 - m00 - m22);
    return normalizeQuaternion([(m01 + m10) / s, s / 4, (m12 + m21) / s, (m02 - m20) / s]);
  }
  const s = 2 * Math.sqrt(1 + m22 - m00 - m11);
  return normalizeQuaternion([(m02 + m20) / s, (m12 + m21) / s, s / 4, (m10 - m01) / s]);
}

/** Rotation whose child axes are the given right-handed orthonormal x, y, z (in the parent frame). */
export const quaternionFromAxes = (x: Vec3, y: Vec3, z: Vec3): Quaternion =>
  quaternionFromMatrix([x[0], y[0], z[0], x[1], y[1], z[1], x[2], y[2], z[2]]);
