import type { GraspGoal, Scene } from "../arm/index.js";
import type { BridgeResult } from "../bridge/index.js";
import {
  compose,
  type Mask,
  organisedCloud,
  type Points,
  type Pose,
  type RgbdFrame,
  transformPoints,
} from "../geometry/index.js";

/** Pixels between the points a scene is made of: enough for a gripper, few enough to be quick. */
const step = 3;

/** Grasps in the robot's base frame, and what the camera saw around the object and of it. */
export function goalsFor(
  frame: RgbdFrame,
  result: BridgeResult,
  chosen: number,
  cameraInBase: Pose,
): { readonly goals: readonly GraspGoal[]; readonly scene: Scene } {
  const goals = result.grasps.map(({ pose, width, objectWidth, force }) => ({
    pose: compose(cameraInBase, pose),
    width,
    ...(objectWidth !== undefined && { objectWidth }),
    ...(force !== undefined && { force }),
  }));
  const mask = result.grounding.detections[chosen]?.mask;
  if (frame.depth === undefined || frame.camera === undefined || mask === undefined)
    return { goals, scene: {} };
  const window = { x1: 0, y1: 0, x2: frame.depth.width, y2: frame.depth.height };
  const { points, width } = organisedCloud(frame.depth, frame.camera, window, step);
  const { inside, outside } = split(points, width, mask);
  return {
    goals,
    scene: {
      target: transformPoints(cameraInBase, inside),
      obstacles: transformPoints(cameraInBase, outside),
    },
  };
}

/** Points on the mask and beside it; those without depth are left out. */
function split(points: Points, width: number, mask: Mask): { inside: Points; outside: Points } {
  const parts: { inside: number[]; outside: number[] } = { inside: [], outside: [] };
  for (let i = 0; i < points.length; i += 3) {
    if (Number.isNaN(points[i + 2])) continue;
    const column = (i / 3) % width;
    const row = Math.trunc(i / 3 / width);
    const on = mask.data[row * step * mask.width + column * step] === 1;
    parts[on ? "inside" : "outside"].push(points[i]!, points[i + 1]!, points[i + 2]!);
  }
  return { inside: Float32Array.from(parts.inside), outside: Float32Array.from(parts.outside) };
}
