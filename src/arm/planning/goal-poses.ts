import {
  compose,
  invert,
  type Metres,
  type Points,
  type Pose,
  selectPoints,
  transformPoints,
  type Vec3,
  voxelRepresentatives,
} from "../../geometry/index.js";
import type { JointValues } from "../model/kinematics.js";
import type { GraspGoal } from "./sequence-types.js";

/** Distance between the points of a carried object that are checked for collisions. */
const carriedVoxel: Metres = 0.012;

/** The far ends of the two straight segments at the grasp, and the distance between the fingers on each. */
export interface Straight {
  readonly before: (pose: Pose) => Pose;
  readonly after: (pose: Pose) => Pose;
  readonly opening: { readonly before: Metres; readonly after: Metres };
  /** Of a motion that puts something down: what the gripper carries there, in its own axes. */
  readonly carried?: Points;
  /** Of a motion that takes something: its seen surface where it stands, in the base. */
  readonly taken?: Points | undefined;
  /** Where the free path at the end leads. Default: where the motion starts. */
  readonly home?: JointValues | undefined;
}

/** The distance between the fingers that hold the object; the opening before closing where its width is not known. */
export const heldWidth = ({ width, objectWidth }: GraspGoal): Metres => Math.min(width, objectWidth ?? width);

/** A pose further back along the tool's approach. */
export const backed =
  (length: Metres) =>
  (pose: Pose): Pose =>
    compose(pose, { position: [0, 0, -length], orientation: [0, 0, 0, 1] });

/** A pose higher by a length. */
export const raised =
  (length: Metres, up: Vec3 = [0, 0, 1]) =>
  (pose: Pose): Pose => ({
    ...pose,
    position: pose.position.map((v, i) => v + length * up[i]!) as unknown as Vec3,
  });

/** One point of each cube of a carried object's surface. */
export const thinned = (points: Points): Points =>
  selectPoints(points, voxelRepresentatives(points, carriedVoxel));

/** Points of the base frame in the axes of the tool at a pose: what the gripper carries once it has closed there. */
export const inTool = (points: Points | undefined, pose: Pose): Points | undefined =>
  points && transformPoints(invert(pose), points);
