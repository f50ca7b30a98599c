import type { Arm, Chain, Kinematics, Scene, Teleop } from "../../arm/index.js";
import type { FrameId, Pose, Stamp, Vec3 } from "../../geometry/index.js";

/** An arm that is known well enough to be moved. */
export interface ReadyArm {
  /** Of the robot description. */
  readonly name: string;
  readonly arm: Arm;
  readonly teleop: Teleop;
  readonly chain: Chain;
  /** Its description, for drawing it. */
  readonly urdf: string;
  /** The joint that opens the gripper and its value for each metre of opening, where the parameters name it and it is 0 when closed. */
  readonly fingers: { readonly joint: string; readonly perOpening: number } | undefined;
  readonly kinematics: Kinematics;
  /** Frames of its base and of its tool link, in TF. */
  readonly base: FrameId;
  readonly tip: FrameId;
  /** What is known of its surroundings besides what the camera sees. */
  readonly scene: Scene;
  /** Where its joints are now, in the chain's order, and how far the gripper is open, in metres. */
  reading(): { readonly positions: readonly number[]; readonly opening?: number } | undefined;
  /** Where a camera's frame was in the base at a stamp; undefined while TF does not know. */
  cameraInBase(frame: FrameId, stamp: Stamp): Pose | undefined;
  /** Turns a vector in the tool link's axes into the base's; undefined while the joints are not known. */
  fromTool(vector: Vec3): Vec3 | undefined;
  /** When a picture was taken, by the arm's clock. */
  takenAt(stamp: Stamp): number;
}
