import { type Mat3, matrixFromQuaternion, type Pose, type Vec3 } from "../../geometry/index.js";
import type { Placement } from "./description.js";

export const identityPlacement: Placement = {
  rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  translation: [0, 0, 0],
};

export const multiplyMatrices = (a: Mat3, b: Mat3): Mat3 => [
  a[0] * b[0] + a[1] * b[3] + a[2] * b[6],
  a[0] * b[1] + a[1] * b[4] + a[2] * b[7],
  a[0] * b[2] + a[1] * b[5] + a[2] * b[8],
  a[3] * b[0] + a[4] * b[3] + a[5] * b[6],
  a[3] * b[1] + a[4] * b[4] + a[5] * b[7],
  a[3] * b[2] + a[4] * b[5] + a[5] * b[8],
  a[6] * b[0] + a[7] * b[3] + a[8] * b[6],
  a[6] * b[1] + a[7] * b[4] + a[8] * b[7],
  a[6] * b[2] + a[7] * b[5] + a[8] * b[8],
];

export const transposed = (m: Mat3): Mat3 => [m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]];

export const rotateBy = (m: Mat3, v: Vec3): Vec3 => [
  m[0] * v[0] + m[1] * v[1] + m[2] * v[2],
  m[3] * v[0] + m[4] * v[1] + m[5] * v[2],
  m[6] * v[0] + m[7] * v[1] + m[8] * v[2],
];

export function place({ rotation, translation: [x, y, z] }: Placement, point: Vec3): Vec3 {
  const [px, py, pz] = rotateBy(rotation, point);
  return [px + x, py + y, pz + z];
}

/** a from b, then b from c: a from c. */
export const concatenate = (a: Placement, b: Placement): Placement => ({
  rotation: multiplyMatrices(a.rotation, b.rotation),
  translation: place(a, b.translation),
});

export const placementOf = ({ position, orientation }: Pose): Placement => ({
  rotation: matrixFromQuaternion(orientation),
  translation: position,
});

/** Rotation of URDF's fixed-axis roll, pitch, yaw: Rz(yaw) Ry(pitch) Rx(roll). */
export function matrixFromRpy(roll: number, pitch: number, yaw: number): Mat3 {
  const [sr, cr] = [Math.sin(roll), Math.cos(roll)];
  const [sp, cp] = [Math.sin(pitch), Math.cos(pitch)];
  const [sy, cy] = [Math.sin(yaw), Math.cos(yaw)];
  return [
    cy * cp,
    cy * sp * sr - sy * cr,
    cy * sp * cr + sy * sr,
    sy * cp,
    sy * sp * sr + cy * cr,
    sy * sp * cr - cy * sr,
    -sp,
    cp * sr,
    cp * cr,
  ];
}

/** Some rotation whose third column is the given unit vector; the identity for z. */
export function matrixWithZ(axis: Vec3): Mat3 {
  const [x, y, z] = axis;
  if (x === 0 && y === 0) return z > 0 ? [1, 0, 0, 0, 1, 0, 0, 0, 1] : [1, 0, 0, 0, -1, 0, 0, 0, -1];
  const r = Math.hypot(x, y);
  const u: Vec3 = [-y / r, x / r, 0];
  const v: Vec3 = [-z * u[1], z * u[0], x * u[1] - y * u[0]];
  return [u[0], v[0], x, u[1], v[1], y, u[2], v[2], z];
}
