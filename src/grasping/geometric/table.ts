import {
  cross,
  dot,
  flipPlane,
  invert,
  type Metres,
  normalize,
  type OrganisedCloud,
  type PlaneFit,
  type Pose,
  planeDistance,
  quaternionFromAxes,
  type Random,
  ransacPlane,
  type Vec3,
} from "../../geometry/index.js";
import { median } from "./pixels.js";

/** The plane the target stands on, its normal up and towards the camera, in the camera's optical frame. */
export interface Table extends PlaneFit {
  /** Share of the surroundings' points that lie on it, 0..1. */
  readonly share: number;
  /** Pose of the table frame whose origin is the foot of `point` on the plane. */
  frameAt(point: Vec3): Pose | undefined;
}

/** Largest tilt of a plane against `up`, when that is known: 25 degrees. */
const TILT = Math.cos((25 * Math.PI) / 180);

/** Finds the table among the surroundings (marks 0) of the target (marks 1). */
export function findTable(
  cloud: OrganisedCloud,
  marks: Uint8Array,
  random: Random,
  up?: Vec3,
): Table | undefined {
  let surroundings = 0;
  for (const mark of marks) if (mark === 0) surroundings++;
  if (surroundings < 30) return undefined;
  const stride = Math.max(1, Math.trunc(surroundings / 1500));
  const points: number[] = [];
  const depths: number[] = [];
  const target: Vec3[] = [];
  let k = 0;
  for (let i = 0; i < marks.length; i++) {
    const mark = marks[i];
    if (mark === 2 || k++ % stride !== 0) continue;
    const p: Vec3 = [cloud.points[i * 3]!, cloud.points[i * 3 + 1]!, cloud.points[i * 3 + 2]!];
    if (mark === 1) {
      target.push(p);
    } else {
      points.push(...p);
      depths.push(p[2]);
    }
  }
  const z = median(depths);
  const tolerance = 0.0035 + 0.004 * z * z;
  const flat = Float32Array.from(points);
  const fit = ransacPlane(flat, {
    tolerance,
    random,
    minShare: 0.12,
    behind: 0.12,
    accept: (plane) => {
      // offset is the origin's distance along the normal: the camera is above the table.
      const towards = plane.offset >= 0 ? 1 : -1;
      if (Math.abs(plane.offset) < 0.05) return false;
      if (up !== undefined && dot(plane.normal, up) * towards < TILT) return false;
      return target.length === 0 || mostlyAbove(target, plane, towards, tolerance);
    },
  });
  if (fit === undefined) return undefined;
  const table = fit.offset >= 0 ? fit : flipPlane(fit);
  return {
    ...table,
    share: fit.inliers / depths.length,
    frameAt: (point) => frameAt(table, point),
  };
}

function mostlyAbove(
  target: readonly Vec3[],
  plane: { readonly normal: Vec3; readonly offset: number },
  towards: number,
  tolerance: Metres,
): boolean {
  let below = 0;
  for (const p of target) if (planeDistance(plane, p) * towards < -2 * tolerance) below++;
  return below < 0.3 * target.length;
}

/** z along the normal, x along the table away from the camera. */
function frameAt(table: PlaneFit, point: Vec3): Pose | undefined {
  const z = table.normal;
  const foot = planeDistance(table, point);
  const origin: Vec3 = [point[0] - z[0] * foot, point[1] - z[1] * foot, point[2] - z[2] * foot];
  let forward: Vec3 = [-z[0] * z[2], -z[1] * z[2], 1 - z[2] * z[2]];
  // A camera that looks straight down has no "away": the image's up replaces it.
  if (Math.hypot(...forward) < 0.05) forward = [-z[0] * -z[1], -1 + z[1] * z[1], z[2] * z[1]];
  const x = normalize(forward);
  const pose: Pose = { position: origin, orientation: quaternionFromAxes(x, cross(z, x), z) };
  return invert(pose).position.every(Number.isFinite) ? pose : undefined;
}
