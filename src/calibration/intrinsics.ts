import { GraspGroundingError } from "../errors/index.js";
import { type CameraModel, type Pixels, type Pose, pixelRay, rotate, type Vec3 } from "../geometry/index.js";
import { solveBlocks } from "./least-squares.js";
import { packPose, planarPose, refinePose, reprojection, rms, unpackPose } from "./planar-pose.js";
import { median } from "./statistics.js";
import type { Sighting, ViewError } from "./types.js";

export type DistortionModel = "plumb_bob" | "rational_polynomial" | "equidistant";

/** Coefficients of each model, in ROS's order. */
const coefficientCount: Readonly<Record<DistortionModel, number>> = {
  plumb_bob: 5,
  rational_polynomial: 8,
  equidistant: 4,
};

export interface IntrinsicsOptions {
  /** Default plumb_bob. */
  readonly model?: DistortionModel;
  /** Keep k3 of plumb_bob at zero: few or narrow pictures do not determine it. */
  readonly fixK3?: boolean;
}

export interface IntrinsicsResult {
  readonly camera: CameraModel;
  /** Root mean square distance of all corners of the pictures that were used, in pixels. */
  readonly rms: Pixels;
  /** Standard deviations of fx, fy, cx, cy in pixels, from the residuals. */
  readonly deviations: readonly [Pixels, Pixels, Pixels, Pixels];
  readonly views: readonly ViewError[];
  /** Pose of the target in the camera, by view; undefined where the picture was rejected. */
  readonly poses: readonly (Pose | undefined)[];
  /** Seen minus expected, u, v, …, by view. */
  readonly residuals: readonly Float64Array[];
  /** Share of the picture, in a grid of 8 × 6 cells, that holds a corner. */
  readonly coverage: number;
  /** What would make the result better, in words. */
  readonly warnings: readonly string[];
}

const fewestViews = 4;
/** Boards whose normals differ by less than this (degrees) all count as parallel. */
const LEAST_TILT = 8;

const refuse = (detail: string, remedy: string) =>
  new GraspGroundingError("CALIBRATION_REFUSED", { detail, remedy });

/**
 * Camera matrix and distortion from pictures of a flat target: start by a scan over focal lengths, then all unknowns at
 * once by robust least squares on the reprojection error; pictures far worse than the others are left out.
 * @throws GraspGroundingError CALIBRATION_REFUSED for sets that do not determine a camera
 */
export function calibrateIntrinsics(
  sightings: readonly Sighting[],
  options: IntrinsicsOptions = {},
): IntrinsicsResult {
  const model = options.model ?? "plumb_bob";
  const first = sightings[0];
  if (first === undefined || sightings.length < fewestViews)
    throw refuse(
      `the target was found in ${sightings.length} ${sightings.length === 1 ? "picture" : "pictures"}, and ${fewestViews} are the least`,
      "take 15 or more pictures with the target at different tilts, distances and places",
    );
  const { width, height } = first;
  const odd = sightings.find((each) => each.width !== width || each.height !== height);
  if (odd !== undefined)
    throw refuse(
      `${odd.name} is ${odd.width}×${odd.height} and ${first.name} ${width}×${height}`,
      "use pictures of one camera at one resolution",
    );
  const start = scanFocalLengths(sightings, model);
  const fixed = fixedUnknowns(model, options);
  let kept = sightings.map((_, index) => index).filter((index) => start.poses[index] !== undefined);
  let solution = solve(sightings, kept, start.camera, start.poses, model, fixed);
  const rejected = new Map<number, string>();
  for (const [index, pose] of start.poses.entries())
    if (pose === undefined) rejected.set(index, "its corners fit no pose");
  for (let round = 0; round < 3; round++) {
    const errors = kept.map((index) => rms(solution.residuals.get(index)!));
    const limit = Math.max(0.3, 3 * median(errors));
    const bad = kept.filter((_, k) => errors[k]! > limit);
    if (bad.length === 0 || kept.length - bad.length < fewestViews) break;
    for (const index of bad) rejected.set(index, "its corners are far off those of the other pictures");
    kept = kept.filter((index) => !bad.includes(index));
    solution = solve(sightings, kept, solution.camera, solution.poses, model, fixed);
  }
  return report(sightings, kept, rejected, solution);
}

interface Start {
  readonly camera: CameraModel;
  readonly poses: readonly (Pose | undefined)[];
}

/** The undistorted (or ideal fisheye) camera, of those with a centred principal point, that the pictures fit best. */
function scanFocalLengths(sightings: readonly Sighting[], model: DistortionModel): Start {
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

function fixedUnknowns(model: DistortionModel, { fixK3 }: IntrinsicsOptions): ReadonlySet<number> {
  return new Set(model === "plumb_bob" && fixK3 ? [8] : []);
}

interface Solution {
  readonly camera: CameraModel;
  readonly poses: readonly (Pose | undefined)[];
  readonly residuals: ReadonlyMap<number, Float64Array>;
  readonly covariance: Float64Array | undefined;
}

function solve(
  sightings: readonly Sighting[],
  kept: readonly number[],
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
  let blocks: readonly Float64Array[] = kept.map((index) => packPose(poses[index]!));
  let covariance: Float64Array | undefined;
  // Distortion joins in steps: all at once from nothing, high orders run away.
  const all = Array.from({ length: count }, (_, k) => 4 + k);
  const stages =
    old.length === count && old.some((v) => Math.abs(v) > 1e-9) ? [all] : [[], all.slice(0, 2), all];
  for (const [stage, free] of stages.entries()) {
    const last = stage === stages.length - 1;
    const solution = solveBlocks({
      shared,
      blocks,
      residuals: (s, pose, k) => reprojection(sightings[kept[k]!]!, toCamera(s), unpackPose(pose)),
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
  for (const [k, index] of kept.entries()) {
    next[index] = unpackPose(blocks[k]!);
    residuals.set(index, reprojection(sightings[index]!, found, next[index]));
  }
  return { camera: found, poses: next, residuals, covariance };
}

function report(
  sightings: readonly Sighting[],
  kept: readonly number[],
  rejected: ReadonlyMap<number, string>,
  { camera, poses, residuals, covariance }: Solution,
): IntrinsicsResult {
  if (
    ![camera.fx, camera.fy, camera.cx, camera.cy].every(Number.isFinite) ||
    !(camera.fx > 0 && camera.fy > 0)
  )
    throw refuse("no camera fits these pictures", "check that the target's file says what was printed");
  const tilt = tiltSpread(kept.map((index) => poses[index]!));
  if (tilt < LEAST_TILT)
    throw refuse(
      `the target was held at nearly one tilt in all pictures (${tilt.toFixed(1)} degrees apart at most), which leaves the focal length open`,
      "take pictures with the target turned by 20 to 45 degrees to the left, right, up and down",
    );
  const flat = kept.flatMap((index) => Array.from(residuals.get(index)!));
  const unknowns = 9 + 6 * kept.length;
  const variance = flat.reduce((sum, r) => sum + r * r, 0) / Math.max(1, flat.length - unknowns);
  const size = camera.width;
  const n = covariance === undefined ? 0 : Math.round(Math.sqrt(covariance.length));
  const deviation = (k: number) =>
    covariance === undefined ? Infinity : Math.sqrt(Math.max(0, covariance[k * n + k]!) * variance) * size;
  const deviations = [deviation(0), deviation(1), deviation(2), deviation(3)] as const;
  if (!(deviations[0] < 0.1 * camera.fx && deviations[1] < 0.1 * camera.fy))
    throw refuse(
      "these pictures leave the focal length open",
      "take pictures with the target turned by 20 to 45 degrees to all sides and at different distances",
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
  const coverage = coverageOf(kept.map((index) => sightings[index]!));
  return {
    camera,
    rms: rms(flat),
    deviations,
    views,
    poses,
    residuals: sightings.map((_, index) => residuals.get(index) ?? new Float64Array(0)),
    coverage,
    warnings: warnings(kept.length, coverage, tilt, deviations, camera, rms(flat), sightings),
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
  if (count < 10) found.push(`only ${count} pictures were used; 15 or more are better`);
  if (coverage < 0.6)
    found.push(
      `corners cover ${(100 * coverage).toFixed(0)} % of the picture; bring the target to ${emptyPlaces(sightings)} too`,
    );
  if (tilt < 25)
    found.push(`the target was tilted by ${tilt.toFixed(0)} degrees at most; tilt it by 30 to 45`);
  const relative = Math.max(deviations[0]! / camera.fx, deviations[1]! / camera.fy);
  if (relative > 0.005)
    found.push(
      `the focal length is known to ${(100 * relative).toFixed(1)} % only; take more tilted pictures`,
    );
  if (error > 1)
    found.push(
      `the error is ${error.toFixed(2)} px; below 0.5 is usual (is the target flat, and its size as printed?)`,
    );
  if (camera.distortion !== undefined && !fieldIsCovered(camera))
    found.push(
      "the distortion found folds over within the picture; bring the target into the corners too, or fix k3",
    );
  return found;
}

/** Whether each corner of the picture belongs to a ray. */
const fieldIsCovered = (camera: CameraModel): boolean =>
  [
    [0, 0],
    [camera.width - 1, 0],
    [0, camera.height - 1],
    [camera.width - 1, camera.height - 1],
  ].every(([u, v]) => pixelRay(camera, u!, v!) !== undefined);

const columns = 8;
const rows = 6;

function cells(sightings: readonly Sighting[]): Set<number> {
  const seen = new Set<number>();
  for (const { pixels, width, height } of sightings)
    for (let i = 0; i < pixels.length; i += 2) {
      const c = Math.min(columns - 1, Math.floor((pixels[i]! / width) * columns));
      const r = Math.min(rows - 1, Math.floor((pixels[i + 1]! / height) * rows));
      seen.add(r * columns + c);
    }
  return seen;
}

const coverageOf = (sightings: readonly Sighting[]): number => cells(sightings).size / (columns * rows);

function emptyPlaces(sightings: readonly Sighting[]): string {
  const seen = cells(sightings);
  const share = (test: (c: number, r: number) => boolean) => {
    let [all, empty] = [0, 0];
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++)
        if (test(c, r)) {
          all++;
          if (!seen.has(r * columns + c)) empty++;
        }
    return empty / all;
  };
  const sides = [
    ["the left edge", share((c) => c < 2)],
    ["the right edge", share((c) => c >= columns - 2)],
    ["the top", share((_, r) => r < 2)],
    ["the bottom", share((_, r) => r >= rows - 2)],
  ] as const;
  const missing = sides.filter(([, empty]) => empty > 0.4).map(([name]) => name);
  return missing.length === 0 ? "the empty parts" : missing.join(", ");
}

/** Largest angle between the target's normals in two pictures, in degrees. */
function tiltSpread(poses: readonly Pose[]): number {
  const normals = poses.map((pose): Vec3 => rotate(pose.orientation, [0, 0, 1]));
  let least = 1;
  for (const a of normals)
    for (const b of normals) least = Math.min(least, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
  return (Math.acos(Math.max(-1, Math.min(1, least))) * 180) / Math.PI;
}

function largest(residuals: Float64Array): number {
  let most = 0;
  for (let i = 0; i < residuals.length; i += 2)
    most = Math.max(most, Math.hypot(residuals[i]!, residuals[i + 1]!));
  return most;
}
