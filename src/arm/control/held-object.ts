import {
  compose,
  conjugate,
  type Metres,
  type Points,
  type Pose,
  type Quaternion,
  relativeTo,
  transformPoints,
  type Vec3,
} from "../../geometry/index.js";
import type { Scene } from "../collision/checker.js";
import type { GraspGoal, PlaceGoal } from "../planning/sequence-types.js";

/** What the gripper took, as it was taken: needed to put it down again. Everything in the arm's base. */
export interface TakenObject {
  /** Its seen surface relative to the tool's origin. */
  readonly points: Points;
  /** Of the tool. */
  readonly orientation: Quaternion;
  readonly goal: GraspGoal;
  /** Largest distance of its points from the upright line through the tool, and how far it reaches below the tool. */
  readonly reach: Metres;
  readonly bottom: Metres;
}

/** Room around what is held that the gripper itself fills in an image. */
export const heldMargin: Metres = 0.03;
/** Wider than this is a mask that ran out. */
const maxReach: Metres = 0.2;

/** @param target the object's seen points in the base */
export function takenBy(goal: GraspGoal, target: Points | undefined): TakenObject {
  const points = relativeTo(target ?? new Float32Array(0), goal.pose);
  let [reach, bottom] = [0, 0];
  for (let i = 0; i + 2 < points.length; i += 3) {
    reach = Math.max(reach, Math.hypot(points[i]!, points[i + 1]!));
    bottom = Math.max(bottom, -points[i + 2]!);
  }
  return {
    points,
    orientation: goal.pose.orientation,
    goal,
    reach: Math.min(reach, maxReach),
    bottom: Math.min(bottom, maxReach),
  };
}

/** Where a held object is put: poses of the tool in the camera's frame, or without an image. */
export type PlaceTarget = readonly Pose[] | "back" | "here";

/**
 * The tool's goals in the base.
 * @param camera the camera in the base. @param tool where the tool is now
 */
export function placeGoals(
  { goal, points, orientation }: TakenObject,
  target: PlaceTarget,
  camera: Pose,
  tool: Vec3,
): readonly PlaceGoal[] {
  const held = transformPoints({ position: [0, 0, 0], orientation: conjugate(orientation) }, points);
  const { position } = goal.pose;
  const poses: readonly Pose[] =
    target === "back"
      ? [goal.pose]
      : target === "here"
        ? [{ ...goal.pose, position: [tool[0], tool[1], position[2]] }]
        : target.map((pose) => compose(camera, pose));
  return poses.map((pose) => ({ ...goal, pose, ...(held.length > 0 && { held }) }));
}

/**
 * A scene without the held object, which an image taken since shows in the gripper.
 * @param tool where the tool is now, in the base
 */
export function withoutHeld(scene: Scene, { reach, bottom }: TakenObject, tool: Vec3): Scene {
  return clearedAround(scene, tool, reach + heldMargin, tool[2] - bottom - heldMargin);
}

/**
 * A scene without the points within `radius` metres of an upright line: the gripper or the object in it is there.
 * @param above only points at this height of the base frame or higher are removed
 */
export function clearedAround(scene: Scene, [x, y]: Vec3, radius: Metres, above: Metres = -Infinity): Scene {
  const { obstacles } = scene;
  if (obstacles === undefined) return scene;
  const outside: number[] = [];
  for (let i = 0; i + 2 < obstacles.length; i += 3) {
    const [px, py, pz] = [obstacles[i]!, obstacles[i + 1]!, obstacles[i + 2]!];
    if (pz < above || Math.hypot(px - x, py - y) > radius) outside.push(px, py, pz);
  }
  return { ...scene, obstacles: Float32Array.from(outside) };
}
