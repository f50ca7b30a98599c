import type { Pose, Seconds } from "../../geometry/index.js";
import type { CollisionChecker, Scene } from "../collision/checker.js";
import type { IkSolver } from "../model/ik.js";
import type {
  GraspMotion,
  MotionRefusal,
  PathPlanner,
  SequenceOptions,
  StageName,
} from "../planning/sequence-types.js";
import type { SafetySupervisor } from "../safety/supervisor.js";
import type { SafetyReason } from "../safety/supervisor-types.js";
import type { Clock } from "./clock.js";
import type { ArmController, GripperController } from "./controller.js";

export interface ArmDependencies {
  readonly solver: IkSolver;
  readonly checker: CollisionChecker;
  readonly controller: ArmController;
  readonly gripper: GripperController;
  readonly supervisor: SafetySupervisor;
  readonly sequence: SequenceOptions;
  /** Plans the free paths in place of the built-in search. */
  readonly pathPlanner?: PathPlanner;
  readonly clock?: Clock;
  /** How often the supervisor is asked during a motion. Default 0.01 s. */
  readonly watchEvery?: Seconds;
  /** Interval of the points of a trajectory that is sent. Default 0.02 s. */
  readonly pointEvery?: Seconds;
  /** Fingers closer than this after closing hold no object. Default 0.002 m. */
  readonly emptyBelow?: number;
}

/** Who moves the arm, and who keeps the control alive. */
export type GoalLease = Pick<ExecuteOptions, "lease" | "operator">;

export interface ExecuteOptions {
  readonly operator: string;
  /** When the image was taken, by the arm's clock. */
  readonly frameAt: Seconds;
  readonly scene: Scene;
  /**
   * Who holds the lease: "caller" sends heartbeats (hold-to-run); with "goal" this call itself counts as the operator's
   * presence, until `signal` aborts it.
   */
  readonly lease?: "caller" | "goal";
  /** Stops the arm. */
  readonly signal?: AbortSignal;
  /** A motion that `plan` gave for the same grasps. It is carried out unchanged, or refused. */
  readonly planned?: PlannedMotion;
  /** Joint positions where the retreat leads, in the chain's order. Default: where the motion starts. */
  readonly home?: readonly number[];
  readonly onStage?: (stage: StageName, progress: number) => void;
}

/** Options of a motion that needs no image. */
export type UnplannedOptions = Omit<ExecuteOptions, "planned" | "frameAt" | "home">;

/** A motion that was planned and not started. */
export interface PlannedMotion {
  /** Index of the grasp it is for. */
  readonly grasp: number;
  readonly motion: GraspMotion;
}

export type ArmOutcome =
  | "done"
  | "refused"
  | "no-plan"
  | "stopped"
  | "controller"
  | "gripper"
  | "nothing-held"
  | "dropped"
  | "other-held"
  | "not-at-rest";

export interface ArmResult {
  readonly success: boolean;
  readonly outcome: ArmOutcome;
  /** One line for a person. */
  readonly message: string;
  /** Stage it ended in. */
  readonly stage?: StageName;
  /** Index of the grasp that was taken. */
  readonly grasp?: number;
  /** The tool in the base when the fingers closed; it may be half a turn from the grasp's pose. */
  readonly pose?: Pose;
  readonly safety?: SafetyReason;
  readonly refusal?: MotionRefusal;
}
