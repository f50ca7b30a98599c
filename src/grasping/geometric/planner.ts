import { GraspGroundingError } from "../../errors/index.js";
import {
  type CameraModel,
  cameraProblem,
  compose,
  dot,
  invert,
  type Mask,
  type Metres,
  type Pose,
  project,
  quaternionFromAxes,
  type RgbdFrame,
  rotate,
  scale,
  seededRandom,
  transformPoint,
  type Vec3,
} from "../../geometry/index.js";
import { frankaHand, gripperProblem } from "../grippers.js";
import type { Grasp, GraspPlan, GraspPlanner, GraspTarget, GripperModel } from "../types.js";
import { findBlocker } from "./blocker.js";
import { completeShape, narrowestWidth, type Shape } from "./complete.js";
import { type Fit, fitCandidate } from "./fit.js";
import { nextViews, unseenSides } from "./next-view.js";
import { downOrientations, type ToolAxes, tiltedOrientations, yawBetween } from "./orientations.js";
import { explain, type Refusal, refuse } from "./refusal.js";
import { findRim, type Rim, takesRim } from "./rim.js";
import { type GraspScene, readScene } from "./scene.js";
import {
  combine,
  defaultWeights,
  forceHint,
  leastOpposition,
  type ScoreWeights,
  scoreTerms,
} from "./score.js";
import { type Candidate, SearchSpace, searchOrientation } from "./search.js";

export interface GraspPlannerOptions {
  /** Default: the Franka Hand. */
  readonly gripper?: GripperModel;
  /** Same seed and input, same grasps. Default 1. */
  readonly seed?: number;
  /** Limit of returned grasps. Default 10. */
  readonly maxGrasps?: number;
  /** Coefficient of friction between fingers and target. Default 0.5. */
  readonly friction?: number;
  /** Least height of the fingertips above the table in metres. Default 0.003. */
  readonly tableClearance?: number;
  /** Least score before reachability. Default 0.1: objects with less can mostly not be held from above. */
  readonly minScore?: number;
  /** 0 (cannot be reached) to 1 for a tool pose in the camera's optical frame; multiplies the score. */
  readonly reachability?: (pose: Pose) => number;
  readonly weights?: Partial<ScoreWeights>;
  /** Distance of the poses in a plan's `nextViews` from the object, in metres. Default 0.4. */
  readonly viewDistance?: number;
}

/** Least cosine of the contacts at which narrow objects are tried when nothing better was found. */
const DOUBTFUL = 0.6;
/** Blocked candidates that are looked at for what blocks them. */
const MOST_BLOCKED = 150;
/** Difference of yaws in radians below which only one is tried at a tilt. */
const APART = 0.2;
/** Effort of the search for grasps. */
interface Effort {
  /** Even yaws, straight down. */
  readonly yaws: number;
  /** Yaws that are also tried at a tilt. */
  readonly tiltedYaws: number;
  /** Candidates that are checked closely. */
  readonly shortlist: number;
  /** Limit of candidates of one orientation, so that it does not displace the others. */
  readonly perOrientation: number;
  /** Least free space between each finger and the part. */
  readonly minMargin: Metres;
  /** Least score, as a multiple of the option. */
  readonly minScore: number;
}

const usual: Effort = {
  yaws: 12,
  tiltedYaws: 4,
  shortlist: 150,
  perOrientation: 14,
  minMargin: 0.0024,
  minScore: 1,
};
/** For objects without a grasp in the usual search: among close neighbours, or nearly as wide as the stroke. */
const thorough: Effort = {
  yaws: 24,
  tiltedYaws: 8,
  shortlist: 900,
  perOrientation: 40,
  minMargin: 0.001,
  minScore: 1.6,
};

/**
 * Grasps for a parallel gripper from one RGB-D view and a mask. Deterministic. Grasps are in the camera's optical
 * frame, best first; a plan without grasps has a reason.
 * @throws GraspGroundingError USAGE for a gripper with impossible dimensions
 */
export function createGraspPlanner(options: GraspPlannerOptions = {}): GraspPlanner {
  const gripper = options.gripper ?? frankaHand;
  const problem = gripperProblem(gripper);
  if (problem !== undefined)
    throw new GraspGroundingError("USAGE", { detail: `gripper ${gripper.name}: ${problem}` });
  const settings: Settings = {
    gripper,
    seed: options.seed ?? 1,
    maxGrasps: options.maxGrasps ?? 10,
    friction: options.friction ?? 0.5,
    tableClearance: options.tableClearance ?? 0.003,
    minScore: options.minScore ?? 0.1,
    reachability: options.reachability,
    weights: { ...defaultWeights, ...options.weights },
    viewDistance: options.viewDistance ?? 0.4,
    work: new SearchSpace(),
  };
  return {
    plan: (frame, target) =>
      plan(frame, target, { ...settings, reachability: target.reachability ?? settings.reachability }),
  };
}

interface Settings {
  readonly gripper: GripperModel;
  readonly seed: number;
  readonly maxGrasps: number;
  readonly friction: number;
  readonly tableClearance: number;
  readonly minScore: number;
  readonly reachability: ((pose: Pose) => number) | undefined;
  readonly weights: ScoreWeights;
  readonly viewDistance: number;
  readonly work: SearchSpace;
}

function plan(frame: RgbdFrame, target: GraspTarget, settings: Settings): GraspPlan {
  const problem = inputProblem(frame, target.mask);
  if (problem !== undefined) return { grasps: [], ...problem };
  const random = seededRandom(settings.seed);
  const scene = readScene(frame.depth!, frame.camera!, target.mask, random, target.up, target.views);
  if ("refusal" in scene) return { grasps: [], ...scene };
  const shape = completeShape(scene);
  const hidden = unseenSides(scene, shape);
  const seen = {
    unseen: hidden.share,
    nextViews: nextViews(scene, shape, hidden, settings.viewDistance),
  };
  const width = narrowestWidth(shape);
  // A container that fits between the fingers is taken as a whole.
  const rim = width > settings.gripper.stroke * 0.9 ? findRim(shape, scene.view) : undefined;
  const rejected = { blocked: 0, loose: 0, unreachable: 0 };
  const least = leastOpposition(settings.friction);
  const blocked: Candidate[] = [];
  let found: Scored[] = [];
  const doubtful: Scored[] = [];
  for (const effort of [usual, thorough]) {
    for (const candidate of search(scene, shape, rim, settings, random, effort)) {
      const fit = fitCandidate(
        scene,
        shape,
        candidate,
        settings.gripper,
        clearanceOver(shape, settings),
        effort.minMargin,
      );
      if (fit === undefined) {
        rejected.blocked++;
        if (blocked.length < MOST_BLOCKED) blocked.push(candidate);
        continue;
      }
      const loose = fit.opposition <= least;
      if (
        loose &&
        !(effort === usual && fit.opposition > DOUBTFUL && width < settings.gripper.stroke * 0.9)
      ) {
        rejected.loose++;
        continue;
      }
      const scored = score(scene, shape, rim, candidate, fit, frame, target, settings);
      if (scored === undefined) rejected.unreachable++;
      else if (loose) doubtful.push(scored);
      else if (scored.quality < effort.minScore * settings.minScore) rejected.loose++;
      else found.push(scored);
    }
    if (found.length > 0) break;
  }
  // An object that fits between the fingers completely mostly holds, even where noise has bent its normals.
  if (found.length === 0) found = doubtful;
  if (found.length === 0) {
    const blocker = scene.obstacles.length === 0 ? undefined : blockerOf(scene, shape, blocked, settings);
    return { grasps: [], ...explain(rejected, width, settings.gripper, blocker), ...seen };
  }
  found.sort((p, q) => q.grasp.score - p.grasp.score);
  return { grasps: diverse(found, settings.maxGrasps), ...seen };
}

/** The object without which some of the blocked candidates would hold. */
function blockerOf(scene: GraspScene, shape: Shape, blocked: readonly Candidate[], settings: Settings) {
  const { gripper, friction } = settings;
  const alone = { ...scene, obstacles: new Float32Array() };
  const free = blocked.filter((candidate) => {
    const fit = fitCandidate(
      alone,
      shape,
      candidate,
      gripper,
      clearanceOver(shape, settings),
      usual.minMargin,
    );
    return fit !== undefined && fit.opposition > leastOpposition(friction);
  });
  return free.length === 0 ? undefined : findBlocker(scene, shape, free, gripper);
}

/** Reason why a frame and a mask cannot be planned on; undefined when they can. */
export function inputProblem(frame: RgbdFrame, mask: Mask): Refusal | undefined {
  const { depth, camera, colour } = frame;
  if (depth === undefined) return refuse("no-depth", "a grasp needs depth, and this frame has none");
  if (camera === undefined) return refuse("no-camera", "there is depth but no camera info to measure with");
  const detail = cameraProblem(camera);
  if (detail !== undefined) return refuse("no-camera", `camera info is not usable: ${detail}`);
  const sizes = [depth, mask, colour].map(({ width, height }) => `${width}×${height}`);
  if (new Set(sizes).size > 1)
    return refuse("size-mismatch", `depth is ${sizes[0]}, the mask ${sizes[1]} and colour ${sizes[2]}`);
  return undefined;
}

function search(
  scene: GraspScene,
  shape: Shape,
  rim: Rim | undefined,
  settings: Settings,
  random: () => number,
  effort: Effort,
): Candidate[] {
  const { gripper, work } = settings;
  const limits = {
    tableClearance: clearanceOver(shape, settings),
    minOverlap: scene.kind === "solid" ? 0.005 : 0.0008,
    minMargin: effort.minMargin,
    deep: rim === undefined ? 0.035 : 0.02,
  };
  const all: Candidate[] = [];
  const tryAxes = (axes: ToolAxes): number => {
    const found = searchOrientation(shape, axes, gripper, limits, work);
    found.sort((p, q) => q.heuristicScore - p.heuristicScore);
    for (const candidate of found.slice(0, effort.perOrientation)) all.push(candidate);
    return found[0]?.heuristicScore ?? 0;
  };
  const down = downOrientations(shape, settings.friction, random, effort.yaws).map((axes) => ({
    yaw: Math.atan2(axes.closing[1], axes.closing[0]),
    heuristicScore: tryAxes(axes),
  }));
  // Yaws that close well from above are tried at a tilt too.
  down.sort((p, q) => q.heuristicScore - p.heuristicScore);
  const yaws: number[] = [...(rim?.yaws ?? [])];
  for (const { yaw, heuristicScore } of down)
    if (
      heuristicScore > 0 &&
      yaws.length < effort.tiltedYaws &&
      yaws.every((other) => yawBetween(yaw, other) > APART)
    )
      yaws.push(yaw);
  const wide = narrowestWidth(shape) > 0.75 * gripper.stroke;
  for (const axes of tiltedOrientations(shape, yaws, wide)) tryAxes(axes);
  all.sort((p, q) => q.heuristicScore - p.heuristicScore);
  return all.slice(0, effort.shortlist);
}

/** Flat objects leave the fingers no room: the tips then go as low as a sixth of the object's height. */
const clearanceOver = (shape: Shape, settings: Settings): number =>
  Math.min(settings.tableClearance, Math.max(0.001, shape.top / 6));

/** Share of the weight of the margin in the stroke that ranks grasps and does not count for a refusal. */
const RANKS_ONLY = 0.65;

interface Scored {
  readonly grasp: Grasp;
  /** The score before the terms of reachability and visibility, with less weight on the margin in the stroke. */
  readonly quality: number;
  readonly position: Vec3;
  readonly closing: Vec3;
  readonly approach: Vec3;
}

function score(
  scene: GraspScene,
  shape: Shape,
  rim: Rim | undefined,
  candidate: Candidate,
  fit: Fit,
  frame: RgbdFrame,
  target: GraspTarget,
  settings: Settings,
): Scored | undefined {
  const { closing: c, side: b, approach: a } = candidate.axes;
  const [x, y, s] = [candidate.at[0] + fit.shift, candidate.at[1], candidate.at[2]];
  const position: Vec3 = [
    x * c[0] + y * b[0] + s * a[0],
    x * c[1] + y * b[1] + s * a[1],
    x * c[2] + y * b[2] + s * a[2],
  ];
  // Half a turn about the approach is the same grasp: the one whose x points to the image's right is returned.
  const right = rotate(scene.tableToCamera.orientation, c)[0] >= 0 ? 1 : -1;
  const orientation = quaternionFromAxes(scale(c, right), scale(b, right), a);
  const pose = compose(scene.tableToCamera, { position, orientation });
  const reachability = settings.reachability?.(pose) ?? 1;
  if (!(reachability > 0)) return undefined;
  const edge = Math.max(
    edgeTerm(frame.camera!, target.mask, pose.position),
    ...(target.views ?? []).map((view) =>
      view.frame.camera === undefined
        ? 0
        : edgeTerm(view.frame.camera, view.mask, transformPoint(invert(view.pose), pose.position)),
    ),
  );
  const onRim = rim !== undefined && takesRim(rim, position, candidate.axes, fit.width);
  const least = leastOpposition(settings.friction);
  const terms = scoreTerms(shape, candidate, fit, settings.gripper, edge, least, onRim);
  const trust = scene.kind === "planar" ? 0.3 : 1;
  const quality = combine(terms, settings.weights);
  return {
    // A part nearly as wide as the stroke is the last choice, but no reason to refuse.
    quality: quality / Math.max(0.02, terms.room) ** (settings.weights.room * RANKS_ONLY),
    grasp: {
      frame: frame.frameId,
      pose,
      width: Math.min(settings.gripper.stroke, fit.width + 2 * fit.margin),
      objectWidth: fit.width,
      score: quality * Math.min(1, reachability) * trust,
      force: forceHint(shape, settings.gripper, settings.friction),
      terms: { ...terms, reachability, trust },
    },
    position,
    closing: c,
    approach: a,
  };
}

/** Depth of the tool's position inside the mask: 1 from 12 pixels (of 640) on, 0 outside. */
function edgeTerm(camera: CameraModel, mask: Mask, position: Vec3): number {
  const pixel = project(camera, position);
  if (pixel === undefined) return 0;
  const reach = (12 * mask.width) / 640;
  let nearest = reach;
  for (let k = 0; k < 8; k++) {
    const du = Math.cos((k * Math.PI) / 4);
    const dv = Math.sin((k * Math.PI) / 4);
    for (let d = 0; d < nearest; d += reach / 6) {
      const u = Math.round(pixel[0] + du * d);
      const v = Math.round(pixel[1] + dv * d);
      const inside =
        u >= 0 && v >= 0 && u < mask.width && v < mask.height && mask.data[v * mask.width + u] !== 0;
      if (!inside) nearest = d;
    }
  }
  return nearest / reach;
}

/** Best first, without grasps within 12 mm and 20 degrees of a better one. */
function diverse(sorted: readonly Scored[], limit: number): Grasp[] {
  const selected: Scored[] = [];
  const cosine = Math.cos((20 * Math.PI) / 180);
  for (const candidate of sorted) {
    if (selected.length >= limit) break;
    const sameGrasp = selected.some(
      (k) =>
        Math.hypot(
          k.position[0] - candidate.position[0],
          k.position[1] - candidate.position[1],
          k.position[2] - candidate.position[2],
        ) < 0.012 &&
        Math.abs(dot(k.closing, candidate.closing)) > cosine &&
        dot(k.approach, candidate.approach) > cosine,
    );
    if (!sameGrasp) selected.push(candidate);
  }
  return selected.map((k) => k.grasp);
}
