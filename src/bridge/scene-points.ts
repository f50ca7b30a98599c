import { type Mask, organisedCloud, type Points, type RgbdFrame, selectPoints } from "../geometry/index.js";
import { cleanMask } from "../grasping/index.js";

/** What the camera saw of a thing, and of everything else; x, y, z, x, y, z, … in metres, in the frame's optical frame. */
export interface ScenePoints {
  readonly target: Points;
  readonly obstacles: Points;
}

/** Pixels between the points: enough for a gripper, few enough to be quick. */
const step = 3;

/**
 * A picture's depth as points on a mask and beside it; undefined without depth or camera. Left out are pixels without depth,
 * flying pixels, and what continues the thing's surface a few pixels beyond its mask (as the grasp planner leaves them
 * out): they would stand in the way of the fingers.
 */
export function scenePoints(frame: RgbdFrame, mask: Mask | undefined): ScenePoints | undefined {
  const { depth, camera } = frame;
  if (depth === undefined || camera === undefined) return undefined;
  const { width, height } = depth;
  const cloud = organisedCloud(depth, camera, { x1: 0, y1: 0, x2: width, y2: height });
  const on = mask ?? { width, height, data: new Uint8Array(width * height) };
  const { marks } = cleanMask(cloud, on, nearestOn(on, depth.data));
  const target: number[] = [];
  const beside: number[] = [];
  for (let row = 0; row < height; row += step)
    for (let column = 0; column < width; column += step) {
      const i = row * width + column;
      if (marks[i] === 1) target.push(i);
      else if (marks[i] === 0) beside.push(i);
    }
  return {
    target: selectPoints(cloud.points, target),
    obstacles: selectPoints(cloud.points, beside),
  };
}

/** The least depth on the mask; the cleaning's tolerance grows with it. 1 m where there is none. */
function nearestOn(mask: Mask, depth: Float32Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < depth.length; i++)
    if (mask.data[i] === 1 && depth[i]! > 0 && depth[i]! < least) least = depth[i]!;
  return Number.isFinite(least) ? least : 1;
}
