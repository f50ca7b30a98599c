import { normalizeQuaternion, type Quaternion, type Vec3 } from "./pose.js";

/** Unit quaternion of a rotation by |r| radians about r. */
export function quaternionFromRotationVector(r: Vec3): Quaternion {
  const angle = Math.hypot(r[0], r[1], r[2]);
  // sin(a/2)/a by its series near zero, where the quotient would lose its digits.
  const s = angle < 1e-4 ? 0.5 - (angle * angle) / 48 : Math.sin(angle / 2) / angle;
  return normalizeQuaternion([r[0] * s, r[1] * s, r[2] * s, Math.cos(angle / 2)]);
}

/** Rotation vector (axis times angle in radians, 0..π) of a unit quaternion. */
export function rotationVectorFromQuaternion(q: Quaternion): Vec3 {
  const sign = q[3] < 0 ? -1 : 1;
  const sine = Math.hypot(q[0], q[1], q[2]);
  const angle = 2 * Math.atan2(sine, Math.abs(q[3]));
  const s = sine < 1e-9 ? 2 * sign : (sign * angle) / sine;
  return [q[0] * s, q[1] * s, q[2] * s];
}

/** Angle in radians, 0..π, between two orientations. */
export function rotationAngle(a: Quaternion, b: Quaternion): number {
  const cosine = Math.abs(a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]);
  if (cosine < 0.9999) return 2 * Math.acos(Math.min(1, cosine));
  // Near zero the arc cosine is blind to angles under 1e-8: the chord is not.
  const sign = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3] < 0 ? -1 : 1;
  const chord = Math.hypot(...[0, 1, 2, 3].map((i) => a[i]! - sign * b[i]!));
  return 4 * Math.asin(Math.min(1, chord / 2));
}
