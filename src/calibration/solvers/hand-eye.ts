import {
  type CameraModel,
  compose,
  invert,
  type Metres,
  median,
  type Pose,
  rotationAngle,
  rotationVectorFromQuaternion,
  seededRandom,
} from "../../geometry/index.js";
import type { Sighting } from "../types.js";
import { closedForm, type HandEyePair, meanTarget } from "./hand-eye-closed.js";
import { consensus, type Hypothesis, leastMedian, lever, minRotationDegrees } from "./hand-eye-search.js";
import { type BlockSolution, solveBlocks } from "./least-squares.js";
import { type Observability, observability } from "./observability.js";
import { packPose, reprojection, rms, unpackPose } from "./planar-pose.js";
import { refuse } from "./refuse.js";
import { degrees, deviationsOf } from "./statistics.js";

export type HandEyeType = "eye_in_hand" | "eye_to_hand";

/** One image of the set. */
export interface HandEyeView {
  readonly name: string;
  /** The tool in the robot's base. */
  readonly robot: Pose;
  /** The target in the camera. */
  readonly target: Pose;
  /** With the corners (and a camera in the options) the reprojection error is minimised, not that of the poses. */
  readonly sighting?: Sighting;
}

export interface HandEyeOptions {
  readonly type: HandEyeType;
  /** With distortion; needed for `sighting`. */
  readonly camera?: CameraModel;
  /** Seed of the search for outliers. Default 1. */
  readonly seed?: number;
}

export interface HandEyeError {
  readonly name: string;
  /** Distance of the target from the other images' estimate. */
  readonly position: Metres;
  /** In degrees. */
  readonly rotation: number;
  /** Reprojection error in pixels, where corners were given. */
  readonly rms?: number;
  readonly rejected?: string;
}

export interface HandEyeResult {
  readonly type: HandEyeType;
  /** eye_in_hand: the camera's optical frame in the tool; eye_to_hand: in the robot's base. */
  readonly transform: Pose;
  /** eye_in_hand: the target in the base; eye_to_hand: in the tool. */
  readonly target: Pose;
  /** Standard deviations of the position in metres and of the rotation in degrees (largest axis). */
  readonly deviation: { readonly position: Metres; readonly rotation: number };
  /** Root mean square over the images that were used. */
  readonly rms: { readonly position: Metres; readonly rotation: number; readonly pixels?: number };
  readonly views: readonly HandEyeError[];
  readonly observability: Observability;
  readonly warnings: readonly string[];
}

const minViews = 3;
/** Rotation below which the result is poor. */
const minGoodRotationDegrees = 12;
/**
 * The camera's pose on the hand, or in the base: least median over closed-form solutions of triples finds the images
 * that agree, then robust least squares over them.
 * @throws GraspGroundingError CALIBRATION_REFUSED when the motions do not determine it, or the poses do not fit
 * the images
 */
export function calibrateHandEye(views: readonly HandEyeView[], options: HandEyeOptions): HandEyeResult {
  const moving = options.type === "eye_in_hand" ? "tool" : "base";
  if (views.length < minViews)
    throw refuse(
      `${views.length} ${views.length === 1 ? "image has" : "images have"} both a robot pose and the target, and ${minViews} are the least`,
      "take 15 or more images, with the tool turned by 20 to 40 degrees about different axes",
    );
  const pairs = views.map((view) => ({
    robot: options.type === "eye_in_hand" ? view.robot : invert(view.robot),
    target: view.target,
  }));
  refuseDegenerate(observability(pairs.map(({ robot }) => robot)), moving);
  const search = leastMedian(pairs, seededRandom(options.seed ?? 1));
  if (search === undefined)
    throw refuse(
      "no three images determine the transform",
      `turn the tool by 20 to 40 degrees about different axes of the ${moving}`,
    );
  const inliers = consensus(pairs, search);
  const chosen = inliers.map((k) => pairs[k]!);
  const seen = observability(chosen.map(({ robot }) => robot));
  refuseDegenerate(seen, moving);
  refuseMisfit(pairs, inliers, search, options.type);
  const refined = refine(views, pairs, inliers, closedForm(chosen) ?? search.x, options);
  return report(views, pairs, refined, options, moving);
}

function refuseDegenerate(seen: Observability, moving: string): void {
  if (seen.main < minRotationDegrees)
    throw refuse(
      `the tool hardly turned between the images (${seen.main.toFixed(1)} degrees), and translation alone does not show where the camera is`,
      "turn the tool by 20 to 40 degrees about different axes",
    );
  if (seen.second < minRotationDegrees)
    throw refuse(
      `the tool turned about one axis only (near the ${moving}'s ${seen.mainAxis}), which leaves the camera's place along it open`,
      `rotate more about ${seen.weakAxis}, by 20 degrees or more`,
    );
}

/** Refuses poses that fit badly: mostly they are inverted, in other units, or of another frame. */
function refuseMisfit(
  pairs: readonly HandEyePair[],
  inliers: readonly number[],
  { middle }: Hypothesis,
  type: HandEyeType,
): void {
  const limit = 0.1 * lever(pairs);
  if (middle <= limit && inliers.length >= Math.max(minViews, 0.5 * pairs.length)) return;
  const other = pairs.map(({ robot, target }) => ({ robot: invert(robot), target }));
  const turned = leastMedian(other, seededRandom(1));
  const fits = turned !== undefined && turned.middle < limit / 4;
  const opposite = type === "eye_in_hand" ? "eye-to-hand" : "eye-in-hand";
  throw refuse(
    `robot poses and images disagree by ${(1000 * middle).toFixed(0)} mm` +
      (fits ? `, but agree to ${(1000 * turned.middle).toFixed(1)} mm with all poses inverted` : ""),
    fits
      ? `use ${opposite}, or give poses of the tool in the base instead of the base in the tool`
      : "check that poses are of the tool in the base, in metres, with quaternions x y z w, and belong to these images",
  );
}

interface Refined {
  readonly x: Pose;
  readonly z: Pose;
  readonly used: ReadonlySet<number>;
  readonly solution: BlockSolution;
  /** Variance of a residual of the last solution. */
  readonly variance: number;
}

function refine(
  views: readonly HandEyeView[],
  pairs: readonly HandEyePair[],
  inliers: readonly number[],
  start: Pose,
  { camera }: HandEyeOptions,
): Refined {
  let used = [...inliers];
  let x = start;
  let z = meanTarget(
    used.map((k) => pairs[k]!),
    x,
  );
  const byCorners = camera !== undefined && used.every((k) => views[k]!.sighting !== undefined);
  for (let round = 0; ; round++) {
    const { residuals, group } = byCorners
      ? cornerResiduals(views, pairs, used, camera)
      : poseResiduals(pairs, used, x, z);
    const robust = round === 0;
    const now = used.map((_, k) => residuals(packBoth(x, z), new Float64Array(0), k));
    const scale = robust ? 4 * Math.max(1e-6, median(now.flatMap((r) => lengths(r, group)))) : Infinity;
    const solution = solveBlocks({
      shared: packBoth(x, z),
      blocks: used.map(() => new Float64Array(0)),
      residuals,
      group,
      scale,
      iterations: 100,
    });
    x = unpackPose(solution.shared);
    z = unpackPose(solution.shared, 6);
    const errors = used.map((_, k) => residuals(solution.shared, new Float64Array(0), k));
    const size = errors.map((r) => rms(r));
    const limit = 4 * median(size) + 1e-9;
    // Poses of images scatter more than their corners: a view whose corners fit was rejected by mistake.
    const fits = (k: number): boolean =>
      camera !== undefined &&
      views[k]!.sighting !== undefined &&
      rms(cornerResiduals(views, pairs, [k], camera).residuals(solution.shared, new Float64Array(0), 0)) <=
        limit;
    const accepted = pairs.flatMap((_, k) => {
      const at = used.indexOf(k);
      return (at >= 0 ? size[at]! <= limit : byCorners && fits(k)) ? [k] : [];
    });
    const settled =
      (accepted.length === used.length && accepted.every((k) => used.includes(k))) ||
      accepted.length < Math.max(minViews, 0.5 * pairs.length);
    if (!robust && (settled || round > 4)) {
      const flat = errors.flatMap((r) => Array.from(r));
      const square = flat.reduce((sum, r) => sum + r * r, 0);
      return { x, z, used: new Set(used), solution, variance: square / Math.max(1, flat.length - 12) };
    }
    if (!settled) used = accepted;
  }
}

const packBoth = (x: Pose, z: Pose): Float64Array => Float64Array.from([...packPose(x), ...packPose(z)]);

/** Residuals of the corners through the chain robot - camera, in pixels: errors of robot and detection in one unit. */
function cornerResiduals(
  views: readonly HandEyeView[],
  pairs: readonly HandEyePair[],
  used: readonly number[],
  camera: CameraModel,
) {
  return {
    group: 2,
    residuals: (shared: Float64Array, _: Float64Array, index: number): Float64Array => {
      const k = used[index]!;
      const toTarget = compose(
        invert(unpackPose(shared)),
        compose(invert(pairs[k]!.robot), unpackPose(shared, 6)),
      );
      return reprojection(views[k]!.sighting!, camera, toTarget);
    },
  };
}

/** Position and rotation of the target against the mean, each in units of its own spread. */
function poseResiduals(pairs: readonly HandEyePair[], used: readonly number[], x: Pose, z: Pose) {
  const difference = (k: number, a: Pose, b: Pose) =>
    compose(invert(b), compose(pairs[k]!.robot, compose(a, pairs[k]!.target)));
  const first = used.map((k) => difference(k, x, z));
  const metres = Math.max(1e-7, median(first.map((e) => Math.hypot(...e.position))));
  const radians = Math.max(1e-7, median(first.map((e) => rotationAngle(e.orientation, [0, 0, 0, 1]))));
  return {
    group: 6,
    residuals: (shared: Float64Array, _: Float64Array, index: number): Float64Array => {
      const e = difference(used[index]!, unpackPose(shared), unpackPose(shared, 6));
      const turn = rotationVectorFromQuaternion(e.orientation);
      return Float64Array.from([
        ...e.position.map((value) => value / metres),
        ...turn.map((value) => value / radians),
      ]);
    },
  };
}

const lengths = (r: Float64Array, group: number): number[] =>
  Array.from({ length: r.length / group }, (_, k) => Math.hypot(...r.subarray(k * group, (k + 1) * group)));

function report(
  views: readonly HandEyeView[],
  pairs: readonly HandEyePair[],
  { x, z, used, solution, variance }: Refined,
  options: HandEyeOptions,
  moving: string,
): HandEyeResult {
  const errors = views.map((view, k): HandEyeError => {
    const e = compose(invert(z), compose(pairs[k]!.robot, compose(x, pairs[k]!.target)));
    const toTarget = compose(invert(x), compose(invert(pairs[k]!.robot), z));
    const pixels =
      view.sighting && options.camera && rms(reprojection(view.sighting, options.camera, toTarget));
    return {
      name: view.name,
      position: Math.hypot(...e.position),
      rotation: degrees(rotationAngle(e.orientation, [0, 0, 0, 1])),
      ...(pixels !== undefined && { rms: pixels }),
      ...(!used.has(k) && { rejected: "its robot pose and its image do not fit the others" }),
    };
  });
  const good = errors.filter((each) => each.rejected === undefined);
  const mean = (values: readonly number[]) =>
    Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / Math.max(1, values.length));
  const pixels = good.flatMap((each) => (each.rms === undefined ? [] : [each.rms]));
  const seen = observability(pairs.filter((_, k) => used.has(k)).map(({ robot }) => robot));
  const spread = deviationsOf(solution.covariance, variance);
  const deviation = {
    position: Math.max(spread(3), spread(4), spread(5)),
    rotation: degrees(Math.max(spread(0), spread(1), spread(2))),
  };
  return {
    type: options.type,
    transform: x,
    target: z,
    deviation,
    rms: {
      position: mean(good.map((each) => each.position)),
      rotation: mean(good.map((each) => each.rotation)),
      ...(pixels.length > 0 && { pixels: mean(pixels) }),
    },
    views: errors,
    observability: seen,
    warnings: warnings(seen, used.size, views.length, deviation, moving),
  };
}

function warnings(
  seen: Observability,
  used: number,
  all: number,
  deviation: { readonly position: Metres; readonly rotation: number },
  moving: string,
): string[] {
  const found: string[] = [];
  if (seen.second < minGoodRotationDegrees)
    found.push(
      `the tool turned by ${seen.second.toFixed(0)} degrees only about axes other than the ${moving}'s ${seen.mainAxis}; rotate more about ${seen.weakAxis}`,
    );
  if (used < 8)
    found.push(`only ${used} images were used; 12 or more are better, and make outliers stand out`);
  if (all - used > 0.25 * all)
    found.push(
      `${all - used} of ${all} images did not fit; does the arm stand still when an image is taken?`,
    );
  if (deviation.position > 0.002)
    found.push(
      `the position is known to ${(1000 * deviation.position).toFixed(1)} mm only; take more images, turned further`,
    );
  return found;
}
