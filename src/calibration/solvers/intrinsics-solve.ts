import type { CameraModel, Pose } from "../../geometry/index.js";
import type { Sighting } from "../types.js";
import type { DistortionModel, IntrinsicsOptions } from "./intrinsics-types.js";
import { solveBlocks } from "./least-squares.js";
import { packPose, planarPose, refinePose, reprojection, rms, unpackPose } from "./planar-pose.js";

/** Coefficients of each model, in ROS's order. */
const coefficientCount: Readonly<Record<DistortionModel, number>> = {
  plumb_bob: 5,
  rational_polynomial: 8,
  equidistant: 4,
};

interface Start {
  readonly camera: CameraModel;
  readonly poses: readonly (Pose | undefined)[];
}

/** The undistorted (or ideal fisheye) camera with a centred principal point that fits the images best. */
export function scanFocalLengths(sightings: readonly Sighting[], model: DistortionModel): Start {
  const { width, height } = sightings[0]!;
  const camera = (focal: number): CameraModel => ({
    width,
    height,
    fx: focal,
    fy: focal,
    cx: (width - 1) / 2,
    cy: (height - 1) / 2,
    ...(model === "equidistant" && { distortion: { model, coefficients: [0, 0, 0, 0] } }),
  });
  const few = sightings.filter((_, k) => k % Math.ceil(sightings.length / 12) === 0);
  let best = { focal: width, error: Infinity };
  for (let focal = 0.2 * width; focal < 6 * width; focal *= 1.12) {
    const trial = camera(focal);
    const errors = few.map((each) => {
      const pose = planarPose(each, trial);
      const error = pose === undefined ? Infinity : rms(reprojection(each, trial, pose));
      return Number.isFinite(error) ? Math.min(error, width) : width;
    });
    const error = errors.reduce((sum, e) => sum + e, 0);
    if (error < best.error) best = { focal, error };
  }
  const chosen = camera(best.focal);
  const poses = sightings.map((each) => {
    const pose = planarPose(each, chosen);
    if (pose === undefined) return undefined;
    const refined = refinePose(each, chosen, pose, 2);
    return Number.isFinite(rms(reprojection(each, chosen, refined))) ? refined : undefined;
  });
  return { camera: chosen, poses };
}

/** Indexes of the unknowns of the camera that stay at zero. */
export function fixedUnknowns(model: DistortionModel, { fixK3 }: IntrinsicsOptions): ReadonlySet<number> {
  return new Set(model === "plumb_bob" && fixK3 ? [8] : []);
}

export interface Solution {
  readonly camera: CameraModel;
  readonly poses: readonly (Pose | undefined)[];
  readonly residuals: ReadonlyMap<number, Float64Array>;
  readonly covariance: Float64Array | undefined;
}

/** Camera and poses of the accepted images together, from a start. */
export function solve(
  sightings: readonly Sighting[],
  accepted: readonly number[],
  camera: CameraModel,
  poses: readonly (Pose | undefined)[],
  model: DistortionModel,
  fixed: ReadonlySet<number>,
): Solution {
  const count = coefficientCount[model];
  const old = camera.distortion?.coefficients ?? [];
  let shared: Float64Array = Float64Array.from([
    camera.fx / camera.width,
    camera.fy / camera.width,
    camera.cx / camera.width,
    camera.cy / camera.width,
    ...Array.from({ length: count }, (_, k) => old[k] ?? 0),
  ]);
  const toCamera = (s: Float64Array): CameraModel => ({
    width: camera.width,
    height: camera.height,
    fx: s[0]! * camera.width,
    fy: s[1]! * camera.width,
    cx: s[2]! * camera.width,
    cy: s[3]! * camera.width,
    distortion: { model, coefficients: Array.from(s.slice(4)) },
  });
  let blocks: readonly Float64Array[] = accepted.map((index) => packPose(poses[index]!));
  let covariance: Float64Array | undefined;
  // Distortion coefficients are freed in steps: from zero and all at once, high orders diverge.
  const all = Array.from({ length: count }, (_, k) => 4 + k);
  const stages =
    old.length === count && old.some((v) => Math.abs(v) > 1e-9) ? [all] : [[], all.slice(0, 2), all];
  for (const [stage, free] of stages.entries()) {
    const last = stage === stages.length - 1;
    const solution = solveBlocks({
      shared,
      blocks,
      residuals: (s, pose, k) => reprojection(sightings[accepted[k]!]!, toCamera(s), unpackPose(pose)),
      group: 2,
      scale: last ? 1 : 5,
      fixed: new Set([...fixed, ...all.filter((k) => !free.includes(k))]),
      iterations: last ? 100 : 15,
    });
    shared = solution.shared;
    blocks = solution.blocks;
    covariance = solution.covariance;
  }
  const found = toCamera(shared);
  const next: (Pose | undefined)[] = poses.map(() => undefined);
  const residuals = new Map<number, Float64Array>();
  for (const [k, index] of accepted.entries()) {
    next[index] = unpackPose(blocks[k]!);
    residuals.set(index, reprojection(sightings[index]!, found, next[index]));
  }
  return { camera: found, poses: next, residuals, covariance };
}
