import { type CameraModel, compose, invert, type Metres, median, type Pose } from "../geometry/index.js";
import type { HandEyeType } from "./solvers/hand-eye.js";
import { meanTarget } from "./solvers/hand-eye-closed.js";
import { planarPose, refinePose, reprojection, rms } from "./solvers/planar-pose.js";
import type { Sighting, ViewError } from "./types.js";

export interface CameraCheck {
  readonly views: readonly ViewError[];
  readonly rms: number;
}

/** Reprojection error of new images with a given camera: only the target's pose is solved for, image by image. */
export function checkCamera(sightings: readonly Sighting[], camera: CameraModel): CameraCheck {
  const views = sightings.map((sighting): ViewError => {
    const pose = targetPose(sighting, camera);
    const base = { name: sighting.name, corners: sighting.pixels.length / 2 };
    if (pose === undefined) return { ...base, rms: 0, max: 0, rejected: "its corners fit no pose" };
    const error = reprojection(sighting, camera, pose);
    return { ...base, rms: rms(error), max: largest(error) };
  });
  return { views, rms: total(views) };
}

export interface HandEyeCheck extends CameraCheck {
  /** Root mean square of the apparent motion of the target, which stands still, in metres. */
  readonly position: Metres;
  /** The same for each view. */
  readonly positions: readonly Metres[];
}

/**
 * Reprojection error through the whole chain robot - camera - target. The target's pose is estimated once, from all
 * images, by the median view; each image then gives the error of the chain.
 */
export function checkHandEye(
  views: readonly { readonly sighting: Sighting; readonly robot: Pose }[],
  camera: CameraModel,
  type: HandEyeType,
  transform: Pose,
): HandEyeCheck {
  const pairs = views.flatMap(({ sighting, robot }) => {
    const target = targetPose(sighting, camera);
    return target === undefined
      ? []
      : [{ sighting, robot: type === "eye_in_hand" ? robot : invert(robot), target }];
  });
  const places = pairs.map(({ robot, target }) => compose(robot, compose(transform, target)).position);
  const middle = [0, 1, 2].map((k) => median(places.map((p) => p[k]!)));
  const apart = places.map((p) => Math.hypot(p[0] - middle[0]!, p[1] - middle[1]!, p[2] - middle[2]!));
  // An image with a wrong robot pose must not move the target's pose for the others.
  const near = pairs.filter((_, k) => apart[k]! <= 3 * median(apart) + 1e-6);
  const target = meanTarget(near.length > 0 ? near : pairs, transform);
  const errors = pairs.map(({ sighting, robot, target: seen }) => {
    const expected = compose(invert(transform), compose(invert(robot), target));
    const error = reprojection(sighting, camera, expected);
    const at = compose(robot, compose(transform, seen)).position;
    const position = Math.hypot(...at.map((value, k) => value - target.position[k]!));
    const view: ViewError = {
      name: sighting.name,
      corners: sighting.pixels.length / 2,
      rms: Number.isFinite(rms(error)) ? rms(error) : 0,
      max: Number.isFinite(rms(error)) ? largest(error) : 0,
      ...(!Number.isFinite(rms(error)) && { rejected: "the chain puts the target behind the camera" }),
    };
    return { view, position };
  });
  const square = errors.reduce((sum, { position }) => sum + position ** 2, 0);
  const found = errors.map(({ view }) => view);
  return {
    views: found,
    rms: total(found),
    position: Math.sqrt(square / Math.max(1, errors.length)),
    positions: errors.map(({ position }) => position),
  };
}

/** The target in the camera, refined; undefined where the corners fit no pose. */
export function targetPose(sighting: Sighting, camera: CameraModel): Pose | undefined {
  const start = planarPose(sighting, camera);
  if (start === undefined || !Number.isFinite(rms(reprojection(sighting, camera, start)))) return undefined;
  const pose = refinePose(sighting, camera, start, 1);
  return Number.isFinite(rms(reprojection(sighting, camera, pose))) ? pose : undefined;
}

function largest(residuals: Float64Array): number {
  let maximum = 0;
  for (let i = 0; i < residuals.length; i += 2)
    maximum = Math.max(maximum, Math.hypot(residuals[i]!, residuals[i + 1]!));
  return maximum;
}

/** Over the corners of all views. */
function total(views: readonly ViewError[]): number {
  const used = views.filter((view) => view.rejected === undefined);
  const corners = used.reduce((sum, view) => sum + view.corners, 0);
  return Math.sqrt(used.reduce((sum, view) => sum + view.corners * view.rms ** 2, 0) / Math.max(1, corners));
}
