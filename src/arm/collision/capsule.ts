import type { Metres, Vec3 } from "../../geometry/index.js";

/** Squared distance from point p to the segment from a to b; coordinates one by one, for tight loops. */
export function squaredToSegment(
  px: number,
  py: number,
  pz: number,
  ax: number,
  ay: number,
  az: number,
  bx: number,
  by: number,
  bz: number,
): number {
  const ux = bx - ax;
  const uy = by - ay;
  const uz = bz - az;
  const square = ux * ux + uy * uy + uz * uz;
  const along = square > 0 ? ((px - ax) * ux + (py - ay) * uy + (pz - az) * uz) / square : 0;
  const t = along < 0 ? 0 : along > 1 ? 1 : along;
  const dx = px - ax - t * ux;
  const dy = py - ay - t * uy;
  const dz = pz - az - t * uz;
  return dx * dx + dy * dy + dz * dz;
}

/**
 * Distance between two segments (Ericson, Real-Time Collision Detection, 5.1.9: clamp one parameter, then the
 * other).
 */
export function segmentDistance(a: Vec3, b: Vec3, c: Vec3, d: Vec3): Metres {
  const u: Vec3 = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  const v: Vec3 = [d[0] - c[0], d[1] - c[1], d[2] - c[2]];
  const w: Vec3 = [a[0] - c[0], a[1] - c[1], a[2] - c[2]];
  const uu = u[0] * u[0] + u[1] * u[1] + u[2] * u[2];
  const vv = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
  const uv = u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
  const uw = u[0] * w[0] + u[1] * w[1] + u[2] * w[2];
  const vw = v[0] * w[0] + v[1] * w[1] + v[2] * w[2];
  const unit = (x: number) => Math.min(1, Math.max(0, x));
  let s = 0;
  let t = 0;
  if (uu === 0) t = vv === 0 ? 0 : unit(vw / vv);
  else if (vv === 0) s = unit(-uw / uu);
  else {
    const det = uu * vv - uv * uv;
    s = det > 1e-12 * uu * vv ? unit((uv * vw - uw * vv) / det) : 0;
    t = (uv * s + vw) / vv;
    if (t < 0 || t > 1) {
      t = unit(t);
      s = unit((uv * t - uw) / uu);
    }
  }
  return Math.hypot(w[0] + s * u[0] - t * v[0], w[1] + s * u[1] - t * v[1], w[2] + s * u[2] - t * v[2]);
}
