import {
  type Mask,
  type OrganisedCloud,
  organisedCloud,
  type Points,
  selectPoints,
} from "../geometry/index.js";
import { cleanMask, type DepthView } from "../grasping/index.js";

/**
 * Measured points of an object, and of everything else; x, y, z, x, y, z, … in metres, in the camera's optical frame.
 */
export interface ScenePoints {
  readonly target: Points;
  readonly obstacles: Points;
}

/** Pixels between the points: dense enough for a gripper, sparse enough to be fast. */
const step = 3;

/**
 * An image's depth as points on a mask and off it; undefined without depth or camera. Without pixels that have no
 * depth, flying pixels, pixels that continue the object's surface a few pixels beyond its mask (as in the grasp
 * planner), and isolated pixels off the mask: they would be false obstacles for the fingers.
 */
export function scenePoints(frame: DepthView, mask: Mask | undefined): ScenePoints | undefined {
  const { depth, camera } = frame;
  if (depth === undefined || camera === undefined) return undefined;
  const { width, height } = depth;
  const cloud = organisedCloud(depth, camera, { x1: 0, y1: 0, x2: width, y2: height });
  const on = mask ?? { width, height, data: new Uint8Array(width * height) };
  const { marks } = cleanMask(cloud, on, nearestOn(on, depth.data));
  const target: number[] = [];
  const surroundings: number[] = [];
  for (let row = 0; row < height; row += step)
    for (let column = 0; column < width; column += step) {
      const i = row * width + column;
      if (marks[i] === 1) target.push(i);
      else if (marks[i] === 0 && hasNeighbours(cloud, marks, row, column)) surroundings.push(i);
    }
  return {
    target: selectPoints(cloud.points, target),
    obstacles: selectPoints(cloud.points, surroundings),
  };
}

/** Reach of the neighbourhood in pixels to each side, and the neighbours that make a pixel an obstacle. */
const neighbourRadius = 2;
const minNeighbours = 4;

/**
 * Whether at least {@link minNeighbours} of the 24 pixels around one belong to the surroundings and lie within two
 * centimetres at 1 m. A rim pixel of the object that noise has separated from its mask has none: its neighbours are the
 * object's, or lie far behind.
 */
function hasNeighbours(
  { points, width, height }: OrganisedCloud,
  marks: Uint8Array,
  row: number,
  column: number,
): boolean {
  const at = (row * width + column) * 3;
  const reach = 0.02 * Math.max(0.5, points[at + 2]!);
  let n = 0;
  for (let r = Math.max(0, row - neighbourRadius); r <= Math.min(height - 1, row + neighbourRadius); r++)
    for (
      let c = Math.max(0, column - neighbourRadius);
      c <= Math.min(width - 1, column + neighbourRadius);
      c++
    ) {
      const j = r * width + c;
      if (marks[j] !== 0 || j * 3 === at) continue;
      const dx = points[j * 3]! - points[at]!;
      const dy = points[j * 3 + 1]! - points[at + 1]!;
      const dz = points[j * 3 + 2]! - points[at + 2]!;
      if (dx * dx + dy * dy + dz * dz <= reach * reach && ++n >= minNeighbours) return true;
    }
  return false;
}

/** The least depth on the mask; the cleaning's tolerance grows with it. 1 m where there is none. */
function nearestOn(mask: Mask, depth: Float32Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < depth.length; i++)
    if (mask.data[i] === 1 && depth[i]! > 0 && depth[i]! < least) least = depth[i]!;
  return Number.isFinite(least) ? least : 1;
}
