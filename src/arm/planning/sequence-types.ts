import type { Metres, Points, Pose, Vec3 } from "../../geometry/index.js";
import type { Scene } from "../collision/checker.js";
import type { ConfigurationPreferences } from "../model/ik.js";
import type { JointValues } from "../model/kinematics.js";
import type { MotionSummary } from "../safety/supervisor-types.js";
import type { MotionLimits, Trajectory } from "./trajectory.js";

/** The grasp to carry out: a `Grasp` of the planner, in the frame of the robot's base. */
export interface GraspGoal {
  /** Tool frame in the base frame when the fingers close. */
  readonly pose: Pose;
  /** Opening before closing. */
  readonly width: Metres;
  readonly objectWidth?: Metres;
  readonly force?: number;
}

/** Where a held object is put down: the tool frame in the base frame when the fingers open. */
export interface PlaceGoal extends GraspGoal {
  /** Seen surface of what is held, in the axes of the tool: it stays clear of obstacles on the free path. */
  readonly held?: Points;
}

export interface SequenceOptions {
  readonly limits: MotionLimits;
  /** Length of the straight approach. Default 0.1 m. */
  readonly approach?: Metres;
  /** Length of the straight lift. Default 0.1 m. */
  readonly lift?: Metres;
  /** Default: z of the base frame. */
  readonly up?: Vec3;
  /** Largest tool speed on straight segments, m/s. Default 0.1. */
  readonly straightSpeed?: number;
  /** Largest tool speed elsewhere, m/s. Default 0.5. */
  readonly freeSpeed?: number;
  /**
   * The gripper may grasp half a turn about its approach as well. Default true: a parallel gripper is the same
   * then.
   */
  readonly symmetric?: boolean;
  /** Where to go with the object after lifting: back to the start, or nowhere. Default "start". */
  readonly retreat?: "start" | "stay";
  readonly preferences?: ConfigurationPreferences;
  /** Joint configurations tried for each grasp. Default 6. */
  readonly candidates?: number;
}

export type StageName =
  | "open"
  | "pre-grasp"
  | "approach"
  | "close"
  | "lift"
  | "retreat"
  | "pre-place"
  | "lower"
  | "release"
  | "back-off"
  | "view";

export type Stage =
  | { readonly name: "open" | "close" | "release"; readonly width: Metres; readonly force?: number }
  | {
      readonly name: Exclude<StageName, "open" | "close" | "release">;
      readonly trajectory: Trajectory;
      /** Distance between the fingers during this trajectory. */
      readonly opening: Metres;
    };

export interface GraspMotion {
  /** Of a grasp: the tool when the fingers close, which may be half a turn from the goal's. */
  readonly pose?: Pose;
  readonly stages: readonly Stage[];
  readonly summary: MotionSummary;
}

/**
 * Where a motion leads: to joint positions in the chain's order, radians (metres for prismatic joints), or to the
 * first of some groups with a pose of the tool in the base that can be reached, those of a group of equal worth.
 */
export type MoveTarget = JointValues | { readonly poses: readonly (readonly Pose[])[] };

/** How a motion without an object begins, and what it is called. */
export interface MoveOptions {
  /** Distance between the fingers during the motion. */
  readonly opening: Metres;
  /**
   * Leaves the surroundings of the gripper on a straight line first: up with an object, back along the tool's axis
   * without.
   */
  readonly leave?: "raise" | "back-off";
  /** Name of the free path. Default "retreat". */
  readonly stage?: "retreat" | "view";
}

/** Codes of action results; `way-blocked` is a free path that was not found. */
export type MotionRefusal =
  | "start-blocked"
  | "unreachable"
  | "approach"
  | "lift"
  | "collision"
  | "way-blocked";

export interface RefusedMotion {
  readonly refusal: MotionRefusal;
  readonly reason: string;
}

export interface PathOptions {
  /** The gripper holds the target, which is then no obstacle. */
  readonly touchTarget?: boolean;
  /** Seen points of what the gripper carries, in the axes of the tool. */
  readonly carried?: Points | undefined;
}

/** Finds paths round obstacles: a motion planner behind the sequence. */
export interface PathPlanner {
  /**
   * A free path from `from` to `to`, both ends included, or why there is none. A planner that fails is a reason; the
   * promise is not rejected.
   */
  plan(
    from: JointValues,
    to: JointValues,
    scene: Scene,
    options?: PathOptions,
  ): Promise<{ readonly configurations: readonly (readonly number[])[] } | { readonly reason: string }>;
}
