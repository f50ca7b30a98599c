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

/** How a motion ended; the codes of control_msgs/FollowJointTrajectory, and what else can happen on the way to it. */
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
  /** What the controller itself says, where it says something. */
  readonly detail?: string;
}

/** What carries out motions: a FollowJointTrajectory action, its topic, or a simulation. */
export interface ArmController {
  /** Joints it moves, in the order of all its arrays. */
  readonly joints: readonly string[];
  /** The latest joint state; undefined before the first. */
  reading(): ControllerReading | undefined;
  /** Sends a trajectory and waits for its end. Never rejects: what goes wrong is a code. */
  follow(points: readonly TrajectoryPoint[]): Promise<FollowResult>;
  /**
   * Ends whatever it does, also a trajectory that was sent and is not accepted yet. The order must be sent before this
   * returns; resolves when it is acknowledged.
   */
  stop(): Promise<void>;
  /** Teleop, where it can: goes on at these joint speeds for at most `seconds`, then stops. */
  drive?(velocities: readonly number[], seconds: Seconds): void;
}

export interface GripperResult {
  readonly reached: boolean;
  /** It closed on something: the fingers stopped before the width that was asked for. */
  readonly stalled: boolean;
  readonly width: Metres;
}

/** Why a gripper did not do what it was told, in one line. */
export interface GripperProblem {
  readonly problem: string;
}

/** A parallel gripper: GripperCommand, ParallelGripperCommand or a simulation. */
export interface GripperController {
  /** Moves the fingers until they are `width` apart or hold something. Undefined when it does not answer. */
  move(width: Metres, force?: number): Promise<GripperResult | GripperProblem | undefined>;
  stop(): Promise<void>;
  /** Distance between the fingers now, where it is measured all the time: shows when a held object is lost. */
  opening?(): Metres | undefined;
}
