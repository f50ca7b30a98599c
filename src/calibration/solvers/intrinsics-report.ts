import { type CameraModel, type Pose, pixelRay, rotate, type Vec3 } from "../../geometry/index.js";
import type { Sighting, ViewError } from "../types.js";
import { coverageOf, emptyPlaces } from "./image-coverage.js";
import type { Solution } from "./intrinsics-solve.js";
import type { IntrinsicsResult } from "./intrinsics-types.js";
import { rms } from "./planar-pose.js";
import { refuse } from "./refuse.js";
import { deviationsOf } from "./statistics.js";

/** Boards whose normals differ by less than this count as parallel. */
const minTiltDegrees = 8;

/**
 * The quality of a solution: deviations, errors by view, coverage, and warnings with remedies.
 * @throws GraspGroundingError CALIBRATION_REFUSED for a solution that leaves the focal length open
 */
export function report(
  sightings: readonly Sighting[],
  accepted: readonly number[],
  rejected: ReadonlyMap<number, string>,
  { camera, poses, residuals, covariance }: Solution,
): IntrinsicsResult {
  if (
    ![camera.fx, camera.fy, camera.cx, camera.cy].every(Number.isFinite) ||
    !(camera.fx > 0 && camera.fy > 0)
  )
    throw refuse("no camera fits these images", "check that the target's file says what was printed");
  const tilt = tiltSpread(accepted.map((index) => poses[index]!));
  if (tilt < minTiltDegrees)
    throw refuse(
      `the target was held at nearly one tilt in all images (${tilt.toFixed(1)} degrees apart at most), which leaves the focal length open`,
      "take images with the target turned by 20 to 45 degrees to the left, right, up and down",
    );
  const flat = accepted.flatMap((index) => Array.from(residuals.get(index)!));
  const unknowns = 9 + 6 * accepted.length;
  const variance = flat.reduce((sum, r) => sum + r * r, 0) / Math.max(1, flat.length - unknowns);
  const size = camera.width;
  const deviation = deviationsOf(covariance, variance);
  const deviations = [0, 1, 2, 3].map((k) => deviation(k) * size) as [number, number, number, number];
  if (!(deviations[0] < 0.1 * camera.fx && deviations[1] < 0.1 * camera.fy))
    throw refuse(
      "these images leave the focal length open",
      "take images with the target turned by 20 to 45 degrees to all sides and at different distances",
    );
  const views = sightings.map((each, index): ViewError => {
    const r = residuals.get(index);
    const why = rejected.get(index);
    const error = r ?? new Float64Array(0);
    return {
      name: each.name,
      corners: each.pixels.length / 2,
      rms: rms(error),
      max: largest(error),
      ...(why !== undefined && { rejected: why }),
    };
  });
  const coverage = coverageOf(accepted.map((index) => sightings[index]!));
  return {
    camera,
    rms: rms(flat),
    deviations,
    views,
    poses,
    residuals: sightings.map((_, index) => residuals.get(index) ?? new Float64Array(0)),
    coverage,
    warnings: warnings(accepted.length, coverage, tilt, deviations, camera, rms(flat), sightings),
  };
}

function warnings(
  count: number,
  coverage: number,
  tilt: number,
  deviations: readonly number[],
  camera: CameraModel,
  error: number,
  sightings: readonly Sighting[],
): string[] {
  const found: string[] = [];
  if (count < 10) found.push(`only ${count} images were used; 15 or more are better`);
  if (coverage < 0.6)
    found.push(
      `corners cover ${(100 * coverage).toFixed(0)} % of the image; bring the target to ${emptyPlaces(sightings)} too`,
    );
  if (tilt < 25)
    found.push(`the target was tilted by ${tilt.toFixed(0)} degrees at most; tilt it by 30 to 45`);
  const relative = Math.max(deviations[0]! / camera.fx, deviations[1]! / camera.fy);
  if (relative > 0.005)
    found.push(`the focal length is known to ${(100 * relative).toFixed(1)} % only; take more tilted images`);
  if (error > 1)
    found.push(
      `the error is ${error.toFixed(2)} px; below 0.5 is usual (is the target flat, and its size as printed?)`,
    );
  if (camera.distortion !== undefined && !fieldIsCovered(camera))
    found.push(
      "the distortion found folds over within the image; bring the target into the corners too, or fix k3",
    );
  return found;
}

/** Whether each corner of the image belongs to a ray. */
const fieldIsCovered = (camera: CameraModel): boolean =>
  [
    [0, 0],
    [camera.width - 1, 0],
    [0, camera.height - 1],
    [camera.width - 1, camera.height - 1],
  ].every(([u, v]) => pixelRay(camera, u!, v!) !== undefined);

/** Largest angle between the target's normals in two images, in degrees. */
function tiltSpread(poses: readonly Pose[]): number {
  const normals = poses.map((pose): Vec3 => rotate(pose.orientation, [0, 0, 1]));
  let least = 1;
  for (const a of normals)
    for (const b of normals) least = Math.min(least, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
  return (Math.acos(Math.max(-1, Math.min(1, least))) * 180) / Math.PI;
}

function largest(residuals: Float64Array): number {
  let maximum = 0;
  for (let i = 0; i < residuals.length; i += 2)
    maximum = Math.max(maximum, Math.hypot(residuals[i]!, residuals[i + 1]!));
  return maximum;
}
