import type { Metres, Radians, Seconds } from "../../geometry/index.js";
import type { TrajectoryPoint } from "../planning/trajectory.js";
import type { MonotonicSeconds } from "../safety/supervisor-types.js";

/** Where the joints are, in the order of the chain's variables. */
export interface ControllerReading {
  /** When it was measured, by the arm's clock. */
  readonly at: MonotonicSeconds;
  readonly positions: readonly Radians[];
  readonly velocities: readonly number[];
}

/**
 * How a motion ended: the codes of control_msgs/FollowJointTrajectory, and failures before the controller gives
 * one.
 */
export type FollowCode =
  | "successful"
  | "invalid-goal"
  | "invalid-joints"
  | "old-header-timestamp"
  | "path-tolerance-violated"
  | "goal-tolerance-violated"
  | "rejected"
  | "cancelled"
  | "lost";

/** Each code in words. */
export const followText: Readonly<Record<FollowCode, string>> = {
  successful: "the motion was carried out",
  "invalid-goal": "the controller calls the trajectory invalid",
  "invalid-joints": "the controller does not move these joints",
  "old-header-timestamp": "the trajectory was sent too late; check that the clocks agree",
  "path-tolerance-violated":
    "the arm left the trajectory: something holds it, or the limits are set too high",
  "goal-tolerance-violated": "the arm did not reach the end of the trajectory",
  rejected: "the controller did not accept the trajectory; check that it is active",
  cancelled: "the motion was cancelled",
  lost: "the controller does not answer",
};

export interface FollowResult {
  readonly code: FollowCode;
  /** The controller's own message, where there is one. */
  readonly detail?: string;
}

/** Carries out motions: a FollowJointTrajectory action, its topic, or a simulation. */
export interface ArmController {
  /** Joints it moves, in the order of all its arrays. */
  readonly joints: readonly string[];
  /** The latest joint state; undefined before the first. */
  reading(): ControllerReading | undefined;
  /** Sends a trajectory and waits for its end. A failure is a code; the promise is not rejected. */
  follow(points: readonly TrajectoryPoint[]): Promise<FollowResult>;
  /**
   * Ends the present motion, also a trajectory that was sent and is not accepted yet. The order must be sent before
   * this returns; resolves when it is acknowledged.
   */
  stop(): Promise<void>;
  /** Teleop, where the controller has it: moves at these joint speeds for at most `seconds`, then stops. */
  drive?(velocities: readonly number[], seconds: Seconds): void;
}

export interface GripperResult {
  readonly reached: boolean;
  /** It closed on an object: the fingers stopped before the requested width. */
  readonly stalled: boolean;
  readonly width: Metres;
}

/** Why a gripper failed, in one line. */
export interface GripperProblem {
  readonly problem: string;
}

/** A parallel gripper: GripperCommand, ParallelGripperCommand or a simulation. */
export interface GripperController {
  /** Moves the fingers until they are `width` apart or hold an object. Undefined when the gripper does not answer. */
  move(width: Metres, force?: number): Promise<GripperResult | GripperProblem | undefined>;
  stop(): Promise<void>;
  /** Present distance between the fingers, where it is measured continuously: shows when a held object is lost. */
  opening?(): Metres | undefined;
}
