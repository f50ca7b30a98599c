import {
  type Arm,
  type Clock,
  type GraspGoal,
  type PlannedMotion,
  type Scene,
  safetyText,
  systemClock,
  type TeleopAnswer,
} from "../../arm/index.js";
import { GraspGroundingError } from "../../errors/index.js";
import type { Pose, RgbdFrame, Vec3 } from "../../geometry/index.js";
import type { PipelineResult } from "../../pipeline/index.js";
import type { MotionPreview, RobotView } from "../protocol.js";
import type { Actor } from "../server/lease.js";
import type { ArmState, ConsoleArm } from "./console-arm.js";
import { HoldToRunSession } from "./hold-to-run-session.js";
import { clearedAround, goalsFor, previewOf, reachOf, sceneOf, standsOn } from "./motion-goals.js";

/** What a motion is planned from. */
export interface Proposal {
  /** Number of the answer and of the chosen candidate: a plan is kept for these. */
  readonly answer: number;
  readonly chosen: number;
  readonly frame: RgbdFrame;
  readonly result: PipelineResult;
}

/** How often the arm is looked at, in milliseconds. */
const pollPeriodMs = 50;
/** A plan is for the joint configuration it starts in, give or take this, in radians. */
const maxStartDeviation = 0.01;

/** What the gripper took, and how. */
interface Held {
  readonly goal: GraspGoal;
  /** Height of the tool above what the object stood on. */
  readonly height: number;
  /** How far the object reached from the tool, sideways. */
  readonly reach: number;
}

/**
 * Hold-to-run: the arm moves as long as the operator holds a button and the button's heartbeat arrives. Release, silence, a
 * lost connection and the emergency stop all end it; what ends it is decided here and, once more, by the arm's supervisor.
 */
export class Motion {
  readonly #console: ConsoleArm;
  readonly #changed: (state: ArmState) => void;
  readonly #clock: Clock;
  readonly #timer: NodeJS.Timeout;
  #hold: HoldToRunSession | undefined;
  #doing: { readonly text: string; readonly stage: string; readonly progress?: number } | undefined;
  #last = "";
  #held: Held | undefined;
  #plan: { readonly answer: number; readonly chosen: number; readonly planned: PlannedMotion } | undefined;

  constructor(arm: ConsoleArm, changed: (state: ArmState) => void) {
    this.#console = arm;
    this.#changed = changed;
    this.#clock = arm.clock ?? systemClock;
    this.#timer = setInterval(() => {
      arm.arm.update();
      this.#show();
    }, pollPeriodMs);
    this.#timer.unref();
  }

  get robot(): RobotView | undefined {
    const { robot, name } = this.#console;
    return robot === undefined ? undefined : { name, ...robot };
  }

  get state(): ArmState {
    const { arm, name, robot, teleop } = this.#console;
    const moving = this.#hold !== undefined;
    const refusal = moving ? undefined : arm.refusal();
    const rest = refusal ?? (this.#last === "" ? "ready" : `ready; last: ${this.#last}`);
    const reading = this.#console.reading?.();
    return {
      available: refusal === undefined,
      text: `${name}: ${moving ? (this.#doing?.text ?? "planning") : rest}`,
      moving,
      jogs: teleop !== undefined,
      robot: robot !== undefined,
      holding: this.#held !== undefined,
      ...(moving && { stage: this.#doing?.stage ?? "planning" }),
      ...(moving && this.#doing?.progress !== undefined && { progress: this.#doing.progress }),
      ...(reading !== undefined && { joints: reading.positions.map((q) => Math.round(q * 1e4) / 1e4) }),
      ...(reading?.opening !== undefined && { opening: Math.round(reading.opening * 1e4) / 1e4 }),
    };
  }

  cameraInBase(frame: RgbdFrame): Pose | undefined {
    return this.#console.cameraInBase(frame);
  }

  /** How old a frame is, in seconds of the arm's clock. */
  age(frame: RgbdFrame): number {
    return this.#clock.now() - this.#console.takenAt(frame);
  }

  /** Plans what `pick` would do and keeps the plan for it. @throws GraspGroundingError MOTION_REFUSED with the reason */
  async preview(proposal: Proposal): Promise<MotionPreview> {
    if (this.#hold !== undefined) throw refused(safetyText["already-moving"]);
    const { goals, scene } = this.#prepare(proposal);
    const outcome = await this.#console.arm.plan(goals, { scene });
    if ("success" in outcome) throw refused(outcome.message);
    const { answer, chosen } = proposal;
    this.#plan = { answer, chosen, planned: outcome };
    return previewOf(outcome);
  }

  /** Takes the object of an answer while the button is held. @returns one line on how it ended. @throws MOTION_REFUSED */
  async pick(actor: Actor, proposal: Proposal): Promise<string> {
    const { goals, scene } = this.#prepare(proposal);
    const planned = this.#planFor(proposal);
    const message = await this.#run(actor, "pick", async (options) => {
      const outcome = await this.#console.arm.execute(goals, {
        ...options,
        frameAt: this.#console.takenAt(proposal.frame),
        scene,
        ...(planned !== undefined && { planned }),
      });
      const goal = goals[outcome.grasp ?? -1];
      if (outcome.success && goal !== undefined) {
        const { position } = goal.pose;
        this.#held = { goal, height: standsOn(scene, position), reach: reachOf(scene.target, position) };
      }
      return outcome;
    });
    return message;
  }

  /**
   * Puts the held object down while the button is held.
   * @param at a point of the table in the robot's base; where it was taken when left out
   * @param frame what the camera sees now. @throws MOTION_REFUSED
   */
  async place(actor: Actor, frame: RgbdFrame | undefined, at: Vec3 | undefined): Promise<string> {
    const held = this.#held;
    if (held === undefined) throw refused("nothing was taken here that could be put down");
    const { goal, height, reach } = held;
    const { pose } = goal;
    const position: Vec3 = at === undefined ? pose.position : [at[0], at[1], at[2] + height];
    const camera = frame === undefined ? undefined : this.#console.cameraInBase(frame);
    const seen = frame === undefined || camera === undefined ? {} : sceneOf(frame, undefined, camera);
    // An image may still show the object where it was taken; anywhere else what is seen is in the way.
    const scene = this.#scene(at === undefined ? clearedAround(seen, position, reach + 0.03) : seen);
    return this.#run(actor, "place", async (options) => {
      const target = { ...goal, pose: { ...pose, position } };
      const outcome = await this.#console.arm.place(target, { ...options, scene });
      if (outcome.success) this.#held = undefined;
      return outcome;
    });
  }

  /** Begins jogging; the arm then follows `drive` and `turn` until the button is released. @throws MOTION_REFUSED */
  startJog(actor: Actor): void {
    if (this.#console.teleop === undefined) throw refused("this arm takes no velocity commands");
    const hold = this.#begin(actor, "jog");
    const { arm } = this.#console;
    arm.update();
    const at = this.#clock.now();
    const verdict = arm.handle({ type: "request", at, operator: actor.id, motion: { kind: "teleop" } });
    if (verdict.granted) return;
    this.#finish(hold);
    throw refused(safetyText[verdict.refusal ?? "disabled"]);
  }

  /** The button is still held. Heartbeats of anybody else count for nothing. */
  beat(actor: Actor): void {
    const hold = this.#hold;
    if (hold?.isOf(actor) !== true) return;
    hold.beat();
    this.#console.arm.handle({ type: "heartbeat", operator: actor.id, at: this.#clock.now() });
  }

  /** Moves the tool: m/s and rad/s in the axes of the robot's base. Counts as a heartbeat. */
  drive(actor: Actor, linear: Vec3, angular: Vec3): void {
    this.#jog(actor, () => this.#console.teleop?.command(actor.id, linear, angular, this.#clock.now()));
  }

  /** Turns one joint, in rad/s. Counts as a heartbeat. */
  turn(actor: Actor, joint: number, velocity: number): void {
    const { arm } = this.#console;
    const count = this.#console.robot?.joints.length ?? arm.supervisor.limits.lower.length;
    const velocities = Array.from({ length: count }, (_, i) => (i === joint ? velocity : 0));
    this.#jog(actor, () => this.#console.teleop?.joints(actor.id, velocities, this.#clock.now()));
  }

  /** The button was released, or whoever held it is gone. */
  release(id: string): void {
    if (this.#hold?.actor.id === id) this.#end(this.#hold);
  }

  estop(source: string): void {
    this.#console.arm.handle({ type: "estop", source, at: this.#clock.now() });
    if (this.#hold !== undefined) this.#end(this.#hold);
  }

  /** @throws GraspGroundingError MOTION_REFUSED when the arm's supervisor does not agree */
  reset(actor: Actor): void {
    const { arm } = this.#console;
    arm.handle({ type: "estop-released", at: this.#clock.now() });
    arm.handle({ type: "claim", operator: actor.id, at: this.#clock.now() });
    const verdict = arm.handle({ type: "reset", operator: actor.id, at: this.#clock.now() });
    arm.handle({ type: "release", operator: actor.id, at: this.#clock.now() });
    if (!verdict.granted && verdict.refusal !== "not-latched")
      throw refused(safetyText[verdict.refusal ?? "estop"]);
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#hold !== undefined) this.#end(this.#hold);
  }

  /** Grasps and scene in the robot's base. @throws MOTION_REFUSED */
  #prepare({ frame, result, chosen }: Proposal) {
    const camera = this.#console.cameraInBase(frame);
    if (camera === undefined) throw refused("where the camera is on the robot is not known");
    if (result.grasps.length === 0) throw refused(result.graspFailure ?? "there is no grasp");
    const { goals, scene } = goalsFor(frame, result, chosen, camera);
    return { goals, scene: this.#scene(scene) };
  }

  /** What the camera saw, without the robot, with what is known besides. */
  #scene(seen: Scene): Scene {
    const { arm, scene } = this.#console;
    const obstacles = seen.obstacles === undefined ? {} : { obstacles: arm.withoutRobot(seen.obstacles) };
    return { ...scene, ...seen, ...obstacles };
  }

  /** The plan that was looked at, while the arm still stands where it begins. */
  #planFor({ answer, chosen }: Proposal): PlannedMotion | undefined {
    const plan = this.#plan;
    this.#plan = undefined;
    if (plan === undefined || plan.answer !== answer || plan.chosen !== chosen) return undefined;
    const now = this.#console.reading?.()?.positions;
    const { start } = plan.planned.motion.summary;
    const there = now?.every((q, i) => Math.abs(q - (start[i] ?? Number.NaN)) < maxStartDeviation) ?? false;
    return there ? plan.planned : undefined;
  }

  async #run(
    actor: Actor,
    kind: "pick" | "place",
    carryOut: (options: {
      readonly operator: string;
      readonly lease: "caller";
      readonly signal: AbortSignal;
      readonly onStage: (stage: string, progress: number) => void;
    }) => ReturnType<Arm["execute"]>,
  ): Promise<string> {
    const hold = this.#begin(actor, kind);
    try {
      const { outcome, message } = await carryOut({
        operator: actor.id,
        lease: "caller",
        signal: hold.signal,
        onStage: (stage, progress) => {
          this.#doing = { text: stage, stage, progress };
          this.#show();
        },
      });
      this.#last = message;
      if (outcome === "refused" || outcome === "no-plan") throw refused(message);
      return message;
    } finally {
      this.#finish(hold);
    }
  }

  #jog(actor: Actor, command: () => TeleopAnswer | undefined): void {
    const hold = this.#hold;
    if (hold?.kind !== "jog" || !hold.isOf(actor)) return;
    this.beat(actor);
    const answer = command();
    const text = answer?.moved === false ? (answer.message ?? "it does not move") : "jog";
    this.#doing = { text, stage: "jog" };
  }

  #begin(actor: Actor, kind: HoldToRunSession["kind"]): HoldToRunSession {
    if (this.#hold !== undefined) throw refused(safetyText["already-moving"]);
    const claimed = this.#console.arm.handle({ type: "claim", operator: actor.id, at: this.#clock.now() });
    if (!claimed.granted) throw refused(safetyText[claimed.refusal ?? "no-operator"]);
    const hold = new HoldToRunSession(actor, kind, (silent) => this.#end(silent));
    this.#hold = hold;
    this.#doing = undefined;
    return hold;
  }

  /** Orders the stop; a pick or place then comes to its end by itself. */
  #end(hold: HoldToRunSession): void {
    if (!hold.end()) return;
    this.#console.arm.handle({ type: "stop", at: this.#clock.now() });
    if (hold.kind === "jog") this.#finish(hold);
  }

  #finish(hold: HoldToRunSession): void {
    hold.settle();
    if (this.#hold === hold) this.#hold = undefined;
    this.#doing = undefined;
    this.#console.arm.handle({ type: "release", operator: hold.actor.id, at: this.#clock.now() });
    this.#show();
  }

  #show(): void {
    this.#changed(this.state);
  }
}

/** What the page shows as the reason. */
export const refused = (detail: string): GraspGroundingError =>
  new GraspGroundingError("MOTION_REFUSED", { detail });
