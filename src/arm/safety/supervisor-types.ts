import type { Metres, Radians, Seconds, Vec3 } from "../../geometry/index.js";

/**
 * Seconds of a clock that never decreases (not the wall clock). All times given to one supervisor are of one
 * clock.
 */
export type MonotonicSeconds = Seconds;

export interface WorkspaceBox {
  /** Lower and upper corner, in the robot's base frame. */
  readonly min: Vec3;
  readonly max: Vec3;
}

/** Limits that the supervisor enforces. Angles in radians (metres for prismatic joints), base frame. */
export interface SupervisorLimits {
  /** The tool frame's origin must stay inside. */
  readonly workspace: WorkspaceBox;
  /** Joint by joint; ±Infinity for a joint that turns without end. */
  readonly lower: readonly Radians[];
  readonly upper: readonly Radians[];
  /** Largest joint speed, per second. */
  readonly velocity: readonly number[];
  /** Largest tool speed in teleop, m/s: at most {@link maxTeleopSpeed}. */
  readonly teleopSpeed: number;
  /** Largest age of an image that a grasp may be planned from, in seconds. */
  readonly frameAge: Seconds;
  /** Largest age of a joint state that tells where the arm is, in seconds. */
  readonly feedbackAge: Seconds;
  /** How long one heartbeat extends the operator's lease. */
  readonly lease: Seconds;
  /** How long one teleop command may drive the arm. */
  readonly commandAge: Seconds;
  /** Time from the order to stop until the joints must be still. */
  readonly stopWithin: Seconds;
  /** Joint speed at or below which a joint counts as still. */
  readonly stillBelow: number;
  /** Largest distance of the first point of a motion from the measured position, for each joint. */
  readonly startTolerance: Radians;
  /** Measured values may overshoot a limit by this share of it (speeds) or this many radians (positions). */
  readonly speedSlack: number;
  readonly positionSlack: Radians;
  readonly workspaceSlack: Metres;
}

/** Largest tool speed in teleop that any setting may have, m/s: the reduced speed of ISO 10218-1, 250 mm/s. */
export const maxTeleopSpeed = 0.25;

/** Defaults of the limits that no caller has to set. */
export const defaultLimits = {
  teleopSpeed: maxTeleopSpeed,
  frameAge: 2,
  feedbackAge: 0.2,
  lease: 0.3,
  commandAge: 0.15,
  stopWithin: 0.5,
  stillBelow: 0.01,
  startTolerance: 0.05,
  speedSlack: 0.1,
  positionSlack: 0.01,
  workspaceSlack: 0.01,
} as const;

/** The extremes of all stages of a planned motion. */
export interface MotionSummary {
  readonly start: readonly Radians[];
  readonly minPosition: readonly Radians[];
  readonly maxPosition: readonly Radians[];
  readonly maxVelocity: readonly number[];
  readonly toolMin: Vec3;
  readonly toolMax: Vec3;
  /** The planner looked for collisions, with the table and the seen cloud, and found none. */
  readonly collisionFree: boolean;
}

/**
 * `grasp` is planned from an image and so needs a fresh one; `move` needs none; `teleop` goes by velocity
 * commands.
 */
export type MotionRequest =
  | { readonly kind: "grasp"; readonly frameAt: MonotonicSeconds; readonly summary: MotionSummary }
  | { readonly kind: "move"; readonly summary: MotionSummary }
  | { readonly kind: "teleop" };

/** The controller's measured joint state. */
export interface ArmReading {
  readonly positions: readonly Radians[];
  readonly velocities: readonly number[];
  readonly tool: Vec3;
  /** Speed of the tool's origin, m/s. */
  readonly toolSpeed: number;
}

/** One velocity command of teleop. */
export interface TeleopCommand {
  readonly velocities: readonly number[];
  /** Velocity of the tool's origin that follows from them, m/s, base frame. */
  readonly toolVelocity: Vec3;
}

/** Events of a supervisor. `at` is their time. */
export type SupervisorEvent = { readonly at: MonotonicSeconds } & (
  | { readonly type: "enable" | "disable" | "tick" | "stop" | "finished" | "estop-released" }
  | { readonly type: "estop"; readonly source: string }
  | { readonly type: "claim" | "release" | "heartbeat" | "reset"; readonly operator: string }
  | { readonly type: "request"; readonly operator: string; readonly motion: MotionRequest }
  | { readonly type: "teleop"; readonly operator: string; readonly command: TeleopCommand }
  | { readonly type: "reading"; readonly reading: ArmReading }
);

export type SupervisorState = "disabled" | "idle" | "moving" | "stopping" | "estopped";

/** Why something was refused, a motion was stopped or the emergency stop is latched. */
export type SafetyReason =
  | "disabled"
  | "estop"
  | "estop-pressed"
  | "clock"
  | "no-operator"
  | "other-operator"
  | "lease-expired"
  | "not-still"
  | "already-moving"
  | "not-in-teleop"
  | "no-feedback"
  | "feedback-invalid"
  | "frame-old"
  | "start-elsewhere"
  | "joint-limit"
  | "velocity-limit"
  | "tool-speed"
  | "workspace"
  | "collision"
  | "command-lost"
  | "command-invalid"
  | "not-latched"
  | "stop-overrun"
  | "cancelled"
  | "released"
  | "finished";

/** Each reason in words, for the person who must act on it. */
export const safetyText: Readonly<Record<SafetyReason, string>> = {
  disabled: "execution is switched off; enable it first",
  estop: "the emergency stop is latched; clear the cause, then reset",
  "estop-pressed": "the emergency stop is still pressed; release it, then reset",
  clock: "the clock gave no valid time; restart",
  "no-operator": "nobody holds the control; claim it first",
  "other-operator": "another operator holds the control; wait until it is released",
  "lease-expired": "the heartbeat was lost; claim the control again",
  "not-still": "the arm is still moving; wait until it rests",
  "already-moving": "a motion is running; wait for its end or cancel it",
  "not-in-teleop": "teleop has not been started; request it first",
  "no-feedback": "no fresh joint state; check the controller",
  "feedback-invalid": "the joint state is malformed; check the controller",
  "frame-old": "the image is too old; take a new one",
  "start-elsewhere": "the arm is not where the motion starts; plan again",
  "joint-limit": "a joint limit would be or was exceeded",
  "velocity-limit": "a joint speed limit would be or was exceeded",
  "tool-speed": "the tool's speed limit was exceeded",
  workspace: "the tool would leave or has left the workspace",
  collision: "the motion is not known to be free of collisions",
  "command-lost": "no teleop command came in time",
  "command-invalid": "the teleop command is malformed",
  "not-latched": "no emergency stop is latched",
  "stop-overrun": "the arm did not come to rest in time after a stop",
  cancelled: "the motion was cancelled",
  released: "the operator gave the control back",
  finished: "the motion ended",
};

/** Answer to one event. */
export interface Verdict {
  readonly granted: boolean;
  /** Present when it was not granted. */
  readonly refusal?: SafetyReason;
  /** The controller must be told to stop, now. */
  readonly stop: boolean;
  /** Teleop: the command may be sent times this, 0..1. */
  readonly scale?: number;
}
