import type { Arm, Clock, Scene, Teleop } from "../../arm/index.js";
import type { Metres, Pose, RgbdFrame } from "../../geometry/index.js";
import type { ConsoleState, RobotView } from "../protocol.js";

/** The arm the console moves. Its supervisor has the last word on everything. */
export interface ConsoleArm {
  /** For people. */
  readonly name: string;
  readonly arm: Arm;
  readonly teleop?: Teleop;
  /** Where the frame's camera is in the robot's base, by TF or hand-eye calibration; undefined when it is not known. */
  cameraInBase(frame: RgbdFrame): Pose | undefined;
  /** When a frame was taken, by the arm's clock, in seconds. */
  takenAt(frame: RgbdFrame): number;
  /** What is known of the scene without the camera: the table, the workspace. Base frame. */
  readonly scene?: Scene;
  /** How to draw it; without it the 3D view shows the scene alone. */
  readonly robot?: Omit<RobotView, "name">;
  /** Joint positions in the order of `robot.joints`, and how far the gripper is open, in metres. */
  reading?(): { readonly positions: readonly number[]; readonly opening?: Metres } | undefined;
  /**
   * Named joint positions in the chain's order, radians; others may come later. "Return home" moves to the one called
   * `home`; without it to the joint positions at which the console found the arm.
   */
  readonly named?: Readonly<Record<string, readonly number[]>>;
  /**
   * Tries of one pick: after a miss the arm retreats, the object is detected again, and another grasp is taken.
   * Default 1: a recording does not change.
   */
  readonly maxAttempts?: number;
  /** Opening of the open gripper in metres. Default 0.08. */
  readonly maxOpening?: Metres;
  /** The arm's clock. Default: the system's monotonic one. */
  readonly clock?: Clock;
}

export type ArmState = ConsoleState["arm"];

export const noArm: ArmState = {
  available: false,
  moving: false,
  jogs: false,
  robot: false,
  holding: false,
  text: "no arm is connected: grasps are shown, nothing moves",
};
