import { GraspGroundingError } from "../../errors/index.js";
import {
  compose,
  deproject,
  depthAt,
  invert,
  type Metres,
  type Points,
  type Pose,
  quaternionFromAxes,
  type RgbdFrame,
  rotate,
  seededRandom,
  transformPoint,
  type Vec3,
} from "../../geometry/index.js";
import {
  frankaHand,
  type Grasp,
  type GraspPlan,
  type GraspPlanner,
  type GraspScene,
  type GraspTarget,
  type GripperModel,
  gripperProblem,
  inputProblem,
  readScene,
} from "../index.js";
import { cropAbout, toImage } from "./crop.js";
import type { GraspNetwork } from "./network.js";
import { findPeaks, type Peak } from "./peaks.js";

export interface LearnedPlannerOptions {
  /** Default: the Franka Hand. */
  readonly gripper?: GripperModel;
  /** Seed of the search for the table. Default 1. */
  readonly seed?: number;
  /** Limit of returned grasps. Default 10. */
  readonly maxGrasps?: number;
  /** Least quality of a grasp. Default 0.1. */
  readonly minQuality?: number;
  /** Least height of the fingertips above the table in metres. Default 0.003. */
  readonly tableClearance?: Metres;
  /** 0 (cannot be reached) to 1 for a tool pose in the camera's optical frame; multiplies the score. */
  readonly reachability?: (pose: Pose) => number;
}

/** Peaks that are checked. */
const CANDIDATES = 40;
/** Depth of the tips below the measured surface. */
const DEPTH = 0.03;

/**
 * The network's grasps, checked by geometry: quality within the mask gives the place, angle and width the closing; the
 * table (straight down) and the measured points give the depth and the collisions.
 */
export class LearnedGraspPlanner implements GraspPlanner {
  readonly #network: GraspNetwork;
  readonly #options: LearnedPlannerOptions;
  readonly #gripper: GripperModel;

  /** @throws GraspGroundingError USAGE for a gripper with impossible dimensions */
  constructor(network: GraspNetwork, options: LearnedPlannerOptions = {}) {
    this.#network = network;
    this.#options = options;
    this.#gripper = options.gripper ?? frankaHand;
    const problem = gripperProblem(this.#gripper);
    if (problem !== undefined)
      throw new GraspGroundingError("USAGE", { detail: `gripper ${this.#gripper.name}: ${problem}` });
  }

  async plan(frame: RgbdFrame, target: GraspTarget): Promise<GraspPlan> {
    const problem = inputProblem(frame, target.mask);
    if (problem !== undefined) return { grasps: [], ...problem };
    const random = seededRandom(this.#options.seed ?? 1);
    const scene = readScene(frame.depth!, frame.camera!, target.mask, random, target.up);
    if ("refusal" in scene) return { grasps: [], ...scene };
    const crop = cropAbout(target.mask, this.#network.size);
    if (crop === undefined) return { grasps: [], refusal: "mask-empty", reason: "the mask is empty" };
    const maps = await this.#network.maps(frame, crop);
    const peaks = findPeaks(maps, target.mask, this.#options.minQuality ?? 0.1, CANDIDATES);
    if (peaks.length === 0)
      return { grasps: [], refusal: "no-free-grasp", reason: "the network sees no grasp on the object" };
    const rejected = { wide: 0, blocked: 0, unreachable: 0, unseen: 0 };
    const grasps: Grasp[] = [];
    for (const peak of peaks) {
      const [u, v] = toImage(crop, peak.i, peak.j);
      const reach = target.reachability ?? this.#options.reachability;
      const grasp = this.#place(frame, scene, peak, u, v, peak.width * crop.scale, reach);
      if (typeof grasp === "string") rejected[grasp]++;
      else grasps.push(grasp);
    }
    if (grasps.length > 0) {
      grasps.sort((a, b) => b.score - a.score);
      return { grasps: grasps.slice(0, this.#options.maxGrasps ?? 10) };
    }
    return { grasps: [], ...explain(rejected, this.#gripper) };
  }

  close(): Promise<void> {
    return this.#network.close();
  }

  #place(
    frame: RgbdFrame,
    scene: GraspScene,
    { angle, quality }: Peak,
    u: number,
    v: number,
    pixels: number,
    reach: ((pose: Pose) => number) | undefined,
  ): Grasp | "wide" | "blocked" | "unreachable" | "unseen" {
    const camera = frame.camera!;
    const z = nearDepth(frame, u, v);
    if (z === undefined) return "unseen";
    const toTable = invert(scene.tableToCamera);
    const middle = transformPoint(toTable, deproject(camera, u, v, z));
    // Directions are taken on the level of that point, because a camera that looks at an angle sees them slanted.
    const at = (x: number, y: number): Vec3 => {
      const p = transformPoint(toTable, deproject(camera, x, y, z));
      const t = (middle[2] - scene.camera[2]) / (p[2] - scene.camera[2]);
      const [cx, cy] = scene.camera;
      return [cx + t * (p[0] - cx), cy + t * (p[1] - cy), middle[2]];
    };
    const [dx, dy] = [(Math.cos(angle) * pixels) / 2, (-Math.sin(angle) * pixels) / 2];
    const [a, b] = [at(u - dx, v - dy), at(u + dx, v + dy)];
    const across = Math.hypot(b[0] - a[0], b[1] - a[1]);
    if (!(across > 1e-6)) return "blocked";
    const { stroke, fingerLength, fingerThickness } = this.#gripper;
    if (across > stroke) return "wide";
    const closing: Vec3 = [(b[0] - a[0]) / across, (b[1] - a[1]) / across, 0];
    const clearance = this.#options.tableClearance ?? 0.003;
    const tip = Math.max(clearance, middle[2] - Math.min(DEPTH, fingerLength - 0.01));
    const position: Vec3 = [middle[0], middle[1], tip];
    const open = [across, Math.min(stroke, across + 2 * fingerThickness), stroke].find(
      (width) => !touches(scene, position, closing, width, this.#gripper),
    );
    if (open === undefined) return "blocked";
    // Half a turn about the approach is the same grasp: the one whose x points to the image's right is returned.
    const right = rotate(scene.tableToCamera.orientation, closing)[0] >= 0 ? 1 : -1;
    const x: Vec3 = [closing[0] * right, closing[1] * right, 0];
    const orientation = quaternionFromAxes(x, [x[1], -x[0], 0], [0, 0, -1]);
    const pose = compose(scene.tableToCamera, { position, orientation });
    const reachability = reach?.(pose) ?? 1;
    if (!(reachability > 0)) return "unreachable";
    const score = Math.min(1, Math.max(0, quality)) * Math.min(1, reachability);
    const objectWidth = widthBetween(scene.object, position, closing, open, this.#gripper);
    return {
      frame: frame.frameId,
      pose,
      width: open,
      ...(objectWidth !== undefined && { objectWidth }),
      score,
      terms: { quality, reachability },
    };
  }
}

/** Median of the known depths in 5 × 5 pixels. */
function nearDepth(frame: RgbdFrame, u: number, v: number): Metres | undefined {
  const seen: number[] = [];
  for (let y = Math.round(v) - 2; y <= Math.round(v) + 2; y++)
    for (let x = Math.round(u) - 2; x <= Math.round(u) + 2; x++) {
      const z = depthAt(frame.depth!, x, y);
      if (z !== undefined) seen.push(z);
    }
  return seen.sort((a, b) => a - b)[seen.length >> 1];
}

/** Number of points in a finger that still counts as noise. */
const FEW = 3;

/** Whether the open gripper, coming straight down, would hit the object, its neighbours, or the palm's space. */
function touches(scene: GraspScene, at: Vec3, closing: Vec3, width: Metres, gripper: GripperModel): boolean {
  const { fingerLength, fingerWidth, fingerThickness, palm } = gripper;
  let hits = 0;
  for (const points of [scene.object, scene.obstacles])
    for (let k = 0; k + 2 < points.length; k += 3) {
      const above = points[k + 2]! - at[2];
      if (!(above > 0)) continue;
      const [rx, ry] = [points[k]! - at[0], points[k + 1]! - at[1]];
      const x = Math.abs(rx * closing[0] + ry * closing[1]);
      const y = Math.abs(rx * closing[1] - ry * closing[0]);
      const finger =
        above < fingerLength && y < fingerWidth / 2 && x > width / 2 && x < width / 2 + fingerThickness;
      const hand = above >= fingerLength && x < palm[0] / 2 && y < palm[1] / 2;
      if ((finger || hand) && ++hits > FEW) return true;
    }
  return false;
}

/** Extent of the measured points between the open fingers, along the closing direction. */
function widthBetween(
  object: Points,
  at: Vec3,
  closing: Vec3,
  open: Metres,
  gripper: GripperModel,
): Metres | undefined {
  let [least, limit] = [Infinity, -Infinity];
  for (let k = 0; k + 2 < object.length; k += 3) {
    const above = object[k + 2]! - at[2];
    const [rx, ry] = [object[k]! - at[0], object[k + 1]! - at[1]];
    const x = rx * closing[0] + ry * closing[1];
    const y = Math.abs(rx * closing[1] - ry * closing[0]);
    if (!(above > 0 && y < gripper.fingerWidth / 2 && Math.abs(x) < open / 2)) continue;
    least = Math.min(least, x);
    limit = Math.max(limit, x);
  }
  return limit > least ? Math.min(open, limit - least) : undefined;
}

function explain(
  { wide, blocked, unreachable, unseen }: Readonly<Record<string, number>>,
  gripper: GripperModel,
): Pick<GraspPlan, "reason" | "refusal"> {
  if ((unreachable ?? 0) > 0)
    return { refusal: "unreachable", reason: "the arm reaches none of the grasps that the network sees" };
  if ((blocked ?? 0) > 0)
    return { refusal: "no-free-grasp", reason: "every grasp that the network sees would touch something" };
  if ((wide ?? 0) > 0)
    return {
      refusal: "too-wide",
      reason: `the grasps that the network sees are wider than the gripper opens (${Math.round(gripper.stroke * 1000)} mm)`,
    };
  return {
    refusal: "no-depth",
    reason: `no depth where the network sees its ${unseen ?? 0} grasps`,
  };
}
