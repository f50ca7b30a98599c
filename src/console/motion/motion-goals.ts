import type { PlannedMotion, RankedGrasp, Scene } from "../../arm/index.js";
import {
  compose,
  deproject,
  depthAt,
  type Mask,
  type Pose,
  planeDistance,
  type RgbdFrame,
  transformPoint,
  transformPoints,
  type Vec3,
} from "../../geometry/index.js";
import { type PipelineResult, scenePoints } from "../../pipeline/index.js";
import type { MotionPreview } from "../protocol.js";

/** Grasps in the robot's base frame, and what the camera saw around the object and of it. */
export function goalsFor(
  frame: RgbdFrame,
  result: PipelineResult,
  chosen: number,
  cameraInBase: Pose,
): { readonly goals: readonly RankedGrasp[]; readonly scene: Scene } {
  const goals = result.grasps.map(({ pose, width, score, objectWidth, force }) => ({
    pose: compose(cameraInBase, pose),
    width,
    score,
    ...(objectWidth !== undefined && { objectWidth }),
    ...(force !== undefined && { force }),
  }));
  const mask = result.grounding.detections[chosen]?.mask;
  return { goals, scene: mask === undefined ? {} : sceneOf(frame, mask, cameraInBase) };
}

/** What the camera saw, in the robot's base: the masked object as the target, the rest as obstacles. */
export function sceneOf(frame: RgbdFrame, mask: Mask | undefined, cameraInBase: Pose): Scene {
  const seen = scenePoints(frame, mask);
  if (seen === undefined) return {};
  return {
    ...(mask !== undefined && { target: transformPoints(cameraInBase, seen.target) }),
    obstacles: transformPoints(cameraInBase, seen.obstacles),
  };
}

/** The seen point at a pixel, in the robot's base; undefined where there is no depth. */
export function pointAt(frame: RgbdFrame, u: number, v: number, cameraInBase: Pose): Vec3 | undefined {
  if (frame.depth === undefined || frame.camera === undefined) return undefined;
  const x = Math.min(frame.depth.width - 1, Math.floor(u));
  const y = Math.min(frame.depth.height - 1, Math.floor(v));
  const z = depthAt(frame.depth, x, y);
  return z === undefined ? undefined : transformPoint(cameraInBase, deproject(frame.camera, x, y, z));
}

/** Height of a point above the table of a scene; above the base's plane where no table is known. */
export const standsOn = ({ table }: Scene, point: Vec3): number =>
  table === undefined ? point[2] : planeDistance(table, point);

/** A plan as the page animates it. */
export function previewOf({ grasp, motion }: PlannedMotion, every = 0.05): MotionPreview {
  let at: readonly number[] = motion.summary.start;
  const stages = motion.stages.map((stage) => {
    if (!("trajectory" in stage))
      return { name: stage.name, duration: 0, configurations: [rounded(at)], opening: stage.width };
    const { duration } = stage.trajectory;
    const count = Math.max(1, Math.round(duration / every));
    const points = stage.trajectory.points(duration > 0 ? duration / count : every);
    at = points.at(-1)?.positions ?? at;
    return { name: stage.name, duration, configurations: points.map(({ positions }) => rounded(positions)) };
  });
  return { grasp, duration: stages.reduce((sum, { duration }) => sum + duration, 0), stages };
}

const rounded = (q: readonly number[]): number[] => Array.from(q, (v) => Math.round(v * 1e4) / 1e4);
