import { type Points, rotate, transformPoint, type Vec3 } from "../../geometry/index.js";
import type { Blocker, BlockerSide, GripperModel } from "../types.js";
import type { Shape } from "./complete.js";
import type { GraspScene } from "./scene.js";
import type { Candidate } from "./search.js";

/** Room next to each finger that a point may not be in, in metres. */
const clearance = 0.008;

/**
 * The side on which most of the given grasps meet something: all of them would be free without the other objects.
 * Undefined where nothing else is near.
 */
export function findBlocker(
  scene: GraspScene,
  shape: Shape,
  candidates: readonly Candidate[],
  gripper: GripperModel,
): Blocker | undefined {
  const { obstacles } = scene;
  const hits = new Map<BlockerSide, { grasps: number; points: number; sum: [number, number, number] }>();
  for (const candidate of candidates) {
    const met = new Set<BlockerSide>();
    for (let i = 0; i < obstacles.length; i += 3) {
      if (!inGripper(candidate, gripper, obstacles, i)) continue;
      const point: Vec3 = [obstacles[i]!, obstacles[i + 1]!, obstacles[i + 2]!];
      const side = sideOf(scene, shape, point);
      const hit = hits.get(side) ?? { grasps: 0, points: 0, sum: [0, 0, 0] };
      hits.set(side, hit);
      met.add(side);
      hit.points++;
      for (let k = 0; k < 3; k++) hit.sum[k]! += point[k]!;
    }
    for (const side of met) hits.get(side)!.grasps++;
  }
  const [worst] = [...hits].sort((p, q) => q[1].grasps - p[1].grasps || q[1].points - p[1].points);
  if (worst === undefined) return undefined;
  const [side, { sum, points }] = worst;
  const middle: Vec3 = [sum[0] / points, sum[1] / points, sum[2] / points];
  return { side, position: transformPoint(scene.tableToCamera, middle) };
}

/** Whether a point is where the open fingers or the palm would be. */
function inGripper(
  { axes: { closing: c, side: b, approach: a }, at, width }: Candidate,
  gripper: GripperModel,
  points: Points,
  i: number,
): boolean {
  const [x, y, z] = [points[i]!, points[i + 1]!, points[i + 2]!];
  const ds = x * a[0] + y * a[1] + z * a[2] - at[2];
  if (ds > 0.004) return false;
  const dx = Math.abs(x * c[0] + y * c[1] + z * c[2] - at[0]);
  const dy = Math.abs(x * b[0] + y * b[1] + z * b[2] - at[1]);
  if (ds < -gripper.fingerLength) return dx < gripper.palm[0] / 2 && dy < gripper.palm[1] / 2;
  return dy < gripper.fingerWidth / 2 + 0.004 && dx < width / 2 + gripper.fingerThickness + clearance;
}

/** The image's right is x of the camera, and away from it z; a point of another object's top counts as above. */
function sideOf({ tableToCamera }: GraspScene, { centre, top }: Shape, point: Vec3): BlockerSide {
  const level: Vec3 = [point[0] - centre[0], point[1] - centre[1], 0];
  if (point[2] > top && Math.hypot(level[0], level[1]) < 0.015) return "on top of";
  const [right, , away] = rotate(tableToCamera.orientation, level);
  if (Math.abs(right) > Math.abs(away)) return right < 0 ? "to the left of" : "to the right of";
  return away < 0 ? "in front of" : "behind";
}
