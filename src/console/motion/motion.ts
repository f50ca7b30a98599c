import {
  type Arm,
  type Clock,
  type PlannedMotion,
  safetyText,
  systemClock,
  type TeleopAnswer,
} from "../../arm/index.js";
import type { Pose, RgbdFrame, Vec3 } from "../../geometry/index.js";
import type { MotionPreview, RobotView } from "../protocol.js";
import type { Actor } from "../server/lease.js";
import { positionsOf } from "./arm-reading.js";
import { armStateOf } from "./arm-state.js";
import type { ArmState, ConsoleArm } from "./console-arm.js";
import { type GraspedObject, offeredActs, unnamed } from "./gripper-state.js";
import { GripperTracker } from "./gripper-tracker.js";
import { type EndCause, type HeldTask, HoldToRunSession, stopReason } from "./hold-to-run-session.js";
import { JogStep } from "./jog-step.js";
import { previewOf } from "./motion-goals.js";
import { type FreshLook, pickWithAttempts, type RunOptions } from "./pick-attempts.js";
import { objectName, type Place, type Proposal } from "./proposal.js";
import { refused } from "./refused.js";
import { Surroundings } from "./surroundings.js";

export interface MotionEvents {
  /** The arm's state has changed. */
  changed(state: ArmState): void;
  log?(level: "info" | "warn", text: string): void;
}

/** How often the arm's state is read, in milliseconds. */
const pollPeriodMs = 50;
/** A plan is for the joint positions it starts in, give or take this, in radians. */
const maxStartDeviation = 0.01;
/** Joint positions this close to the home position count as home, in radians. */
const homeTolerance = 0.02;
const defaultMaxOpening = 0.08;

/**
 * Hold-to-run: the arm moves as long as the operator holds a button and the button's heartbeat arrives. Release,
 * silence, a lost connection and the emergency stop all end it. The arm's supervisor decides it again.
 */
export class Motion {
  readonly #console: ConsoleArm;
  readonly #events: MotionEvents;
  readonly #clock: Clock;
  readonly #timer: NodeJS.Timeout;
  readonly #gripper: GripperTracker;
  readonly #surroundings: Surroundings;
  #session: HoldToRunSession | undefined;
  /** The last session, for a heartbeat that comes after its end. */
  #ended: HoldToRunSession | undefined;
  #doing: { readonly text: string; readonly stage: string; readonly progress?: number } | undefined;
  #last = "";
  #foundAt: readonly number[] | undefined;
  /** The last motion ended among objects: the next one leaves them on a straight line first. */
  #amongObjects = false;
  /** Objects that were taken with an image. */
  #thumbnails = 0;
  #plan: { readonly answer: number; readonly chosen: number; readonly planned: PlannedMotion } | undefined;
  #step: JogStep | undefined;

  constructor(arm: ConsoleArm, events: MotionEvents) {
    this.#console = arm;
    this.#events = events;
    this.#clock = arm.clock ?? systemClock;
    this.#surroundings = new Surroundings(arm);
    this.#gripper = new GripperTracker((text) => events.log?.("info", text), arm.maxOpening);
    this.#timer = setInterval(() => this.#poll(), pollPeriodMs);
    this.#timer.unref();
  }

  get robot(): RobotView | undefined {
    const { robot, name, scene } = this.#console;
    // Of a plane: normal · p + offset = 0.
    const table = scene?.table === undefined ? undefined : -scene.table.offset;
    return robot === undefined ? undefined : { name, ...robot, ...(table !== undefined && { table }) };
  }

  /** The object in the gripper, or the one that may be in it. */
  get object(): GraspedObject | undefined {
    const { state } = this.#gripper;
    return state.kind === "empty" ? undefined : state.object;
  }

  get state(): ArmState {
    const atHome = this.#isAt(this.#home);
    return armStateOf(this.#console, {
      moving: this.#session !== undefined,
      doing: this.#doing,
      last: this.#last,
      gripper: this.#gripper.state,
      gripperText: this.#gripper.text,
      acts: offeredActs(this.#gripper.state, atHome),
    });
  }

  cameraInBase(frame: RgbdFrame): Pose | undefined {
    return this.#console.cameraInBase(frame);
  }

  /** How old a frame is, in seconds of the arm's clock. */
  age(frame: RgbdFrame): number {
    return this.#clock.now() - this.#console.takenAt(frame);
  }

  /**
   * Plans what `pick` would do and stores the plan for it.
   * @throws GraspGroundingError MOTION_REFUSED with the reason
   */
  async preview(proposal: Proposal): Promise<MotionPreview> {
    if (this.#session !== undefined) throw refused(safetyText["already-moving"]);
    this.#requireEmpty();
    const { grasps, scene } = this.#surroundings.goals(proposal);
    const outcome = await this.#console.arm.plan(grasps, { scene });
    if ("success" in outcome) throw refused(outcome.message);
    const { answer, chosen } = proposal;
    this.#plan = { answer, chosen, planned: outcome };
    return previewOf(outcome);
  }

  /**
   * Takes the object of an answer while the button is held, in as many tries as the arm allows.
   * @param look detects the object again in an image taken after the call, for the tries after the first
   * @returns one line on how it ended.
   * @throws MOTION_REFUSED
   */
  async pick(actor: Actor, proposal: Proposal, look?: FreshLook): Promise<string> {
    this.#requireEmpty();
    const view = this.#surroundings.goals(proposal);
    const planned = this.#planFor(proposal);
    // Until a try has ended, the object counts as taken by the first grasp.
    const goal = (planned && view.grasps[planned.grasp]) ?? view.grasps[0]!;
    const { thumbnail, result } = proposal;
    const { query, phrases = [query] } = result.grounding;
    const taken = this.#surroundings.taken(goal, view.scene);
    const object: GraspedObject = {
      name: objectName(phrases[0] ?? query),
      taken,
      ...(thumbnail !== undefined && { thumbnail, thumbnailId: ++this.#thumbnails }),
    };
    const carryOut = pickWithAttempts(this.#console, this.#surroundings, view, planned, look);
    return this.#run(
      actor,
      "pick",
      async (options) => {
        const result = await carryOut(options);
        if (result.taken !== undefined)
          this.#gripper.taken(this.#surroundings.taken(result.taken, result.view.scene));
        return result;
      },
      object,
    );
  }

  /**
   * Puts down what the gripper holds, or may hold, while the button is held.
   * @param frame what the camera sees now. @throws MOTION_REFUSED
   */
  async place(actor: Actor, frame: RgbdFrame | undefined, where: Place): Promise<string> {
    const taken = this.object?.taken;
    if (taken === undefined) throw refused("nothing was taken here that could be put down");
    const { goals, scene } = this.#surroundings.placing(taken, frame, where);
    return this.#run(actor, "place", (options) => this.#console.arm.place(goals, { ...options, scene }));
  }

  /** Opens or closes the fingers where the arm stands, while the button is held. @throws MOTION_REFUSED */
  async moveGripper(actor: Actor, action: "open" | "close"): Promise<string> {
    const { arm, maxOpening = defaultMaxOpening, scene = {} } = this.#console;
    return this.#run(actor, "gripper", (options) =>
      arm.moveGripper(action, maxOpening, { ...options, scene }),
    );
  }

  /**
   * Moves the arm to its home position or to another named one, while the button is held.
   * @param frame what the camera sees now. @throws MOTION_REFUSED
   */
  async moveTo(actor: Actor, frame: RgbdFrame | undefined, name = "home"): Promise<string> {
    const target = name === "home" ? this.#home : this.#console.named?.[name];
    if (target === undefined) throw refused(`there is no position called ${name}`);
    const { kind } = this.#gripper.state;
    const { arm } = this.#console;
    const opening = this.#console.reading?.()?.opening ?? this.#console.maxOpening ?? defaultMaxOpening;
    const scene = this.#surroundings.moving(frame, kind === "empty" ? undefined : (this.object ?? unnamed));
    const leave = kind !== "empty" ? "raise" : this.#amongObjects ? "back-off" : undefined;
    return this.#run(actor, "move", (options) =>
      arm.moveTo(target, { ...options, scene, opening, ...(leave !== undefined && { leave }) }),
    );
  }

  /**
   * Begins jogging; the arm then follows `drive` and `turn` until the button is released.
   * @param limit the tool moves at most so far, in metres, or turns so far, in radians. @throws MOTION_REFUSED
   */
  startJog(actor: Actor, limit?: number): void {
    if (this.#console.teleop === undefined) throw refused("this arm takes no velocity commands");
    const session = this.#begin(actor, "jog");
    const { arm } = this.#console;
    arm.update();
    const at = this.#clock.now();
    const verdict = arm.handle({ type: "request", at, operator: actor.id, motion: { kind: "teleop" } });
    this.#step = limit === undefined ? undefined : new JogStep(limit);
    if (verdict.granted) {
      this.#amongObjects = true;
      return;
    }
    this.#finish(session);
    throw refused(safetyText[verdict.refusal ?? "disabled"]);
  }

  /** The button is still held. Heartbeats of others are ignored. */
  beat(actor: Actor): void {
    const session = this.#session ?? this.#ended;
    if (session === undefined || session.actor.id !== actor.id) return;
    if (session.beat())
      this.#console.arm.handle({ type: "heartbeat", operator: actor.id, at: this.#clock.now() });
    else this.#noteLate(session);
  }

  /** Moves the tool: m/s and rad/s in the axes of the robot's base. Counts as a heartbeat. */
  drive(actor: Actor, linear: Vec3, angular: Vec3): void {
    this.#jog(actor, () => {
      const share =
        this.#step?.share(this.#console.arm.tool, Math.hypot(...linear), Math.hypot(...angular)) ?? 1;
      const scaled = (v: Vec3): Vec3 => [v[0] * share, v[1] * share, v[2] * share];
      return this.#console.teleop?.command(actor.id, scaled(linear), scaled(angular), this.#clock.now());
    });
  }

  /** Turns one joint, in rad/s. Counts as a heartbeat. */
  turn(actor: Actor, joint: number, velocity: number): void {
    const { arm } = this.#console;
    const count = this.#console.robot?.joints.length ?? arm.supervisor.limits.lower.length;
    this.#jog(actor, () => {
      const at = arm.supervisor.snapshot.reading?.positions[joint];
      const share = this.#step?.jointShare(at, Math.abs(velocity)) ?? 1;
      const velocities = Array.from({ length: count }, (_, i) => (i === joint ? velocity * share : 0));
      return this.#console.teleop?.joints(actor.id, velocities, this.#clock.now());
    });
  }

  /** The button was released, or its operator's connection is gone. */
  release(id: string, kind: "released" | "disconnected" = "released"): void {
    if (this.#session?.actor.id === id) this.#end(this.#session, { kind });
  }

  estop(source: string): void {
    this.#console.arm.handle({ type: "estop", source, at: this.#clock.now() });
    if (this.#session !== undefined) this.#end(this.#session, { kind: "estop", by: source });
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

  get #home(): readonly number[] | undefined {
    return this.#console.named?.home ?? this.#foundAt;
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#session !== undefined) this.#end(this.#session, { kind: "closed" });
  }

  #poll(): void {
    const { arm } = this.#console;
    arm.update();
    const reading = this.#console.reading?.();
    this.#foundAt ??= positionsOf(this.#console);
    const { phase, motion } = arm.supervisor.snapshot;
    if (this.#session === undefined && phase === "moving" && motion !== "teleop") {
      this.#amongObjects = true;
      this.#gripper.movedByOthers();
    }
    this.#gripper.measured(reading?.opening);
    this.#show();
  }

  #requireEmpty(): void {
    const { kind } = this.#gripper.state;
    if (kind === "empty") return;
    const remedy = kind === "holding" ? "put it down first" : "open or close it to be sure";
    throw refused(`${this.#gripper.text}: ${remedy}`);
  }

  /** The plan that was previewed, while the arm still stands where it begins. */
  #planFor({ answer, chosen }: Proposal): PlannedMotion | undefined {
    const plan = this.#plan;
    this.#plan = undefined;
    if (plan === undefined || plan.answer !== answer || plan.chosen !== chosen) return undefined;
    return this.#isAt(plan.planned.motion.summary.start, maxStartDeviation) ? plan.planned : undefined;
  }

  #isAt(target: readonly number[] | undefined, tolerance = homeTolerance): boolean {
    return (
      positionsOf(this.#console)?.every((q, i) => Math.abs(q - (target?.[i] ?? Number.NaN)) < tolerance) ??
      false
    );
  }

  async #run(
    actor: Actor,
    task: Exclude<HeldTask, "jog">,
    carryOut: (options: RunOptions) => ReturnType<Arm["execute"]>,
    object?: GraspedObject,
  ): Promise<string> {
    const session = this.#begin(actor, task);
    const fingers = this.#gripper.motion(object);
    try {
      const { outcome, message } = await carryOut({
        operator: actor.id,
        lease: "caller",
        signal: session.signal,
        onAttempt: (result) => fingers.end(result.outcome),
        onStage: (stage, progress, attempt = 1) => {
          if (progress < 1) fingers.begin(stage);
          this.#doing = { text: attempt > 1 ? `${stage} (attempt ${attempt})` : stage, stage, progress };
          this.#show();
        },
      });
      fingers.end(outcome);
      if (outcome === "refused" || outcome === "no-plan") {
        this.#last = message;
        throw refused(message);
      }
      this.#amongObjects = outcome !== "done" || task === "gripper";
      const reason = outcome === "stopped" ? (stopReason(session) ?? message) : message;
      this.#last = outcome === "done" ? reason : `${reason}; ${this.#gripper.text}`;
      return this.#last;
    } finally {
      fingers.end("stopped");
      this.#gripper.rest();
      this.#finish(session);
    }
  }

  #jog(actor: Actor, command: () => TeleopAnswer | undefined): void {
    const session = this.#session ?? this.#ended;
    if (session?.task !== "jog" || session.actor.id !== actor.id) return;
    this.beat(actor);
    if (!session.isOf(actor)) return;
    const answer = command();
    if (this.#step?.done === true) {
      this.#end(session, { kind: "released" });
      return;
    }
    const text = answer?.moved === false ? (answer.message ?? "it does not move") : "jog";
    this.#doing = { text, stage: "jog" };
  }

  #begin(actor: Actor, task: HeldTask): HoldToRunSession {
    if (this.#session !== undefined) throw refused(safetyText["already-moving"]);
    const claimed = this.#console.arm.handle({ type: "claim", operator: actor.id, at: this.#clock.now() });
    if (!claimed.granted) throw refused(safetyText[claimed.refusal ?? "no-operator"]);
    const session = new HoldToRunSession(actor, task, (silent) => this.#end(silent, { kind: "silent" }));
    this.#session = session;
    this.#doing = undefined;
    return session;
  }

  /** Orders the stop; any motion but jogging then comes to its end by itself. */
  #end(session: HoldToRunSession, cause: EndCause): void {
    if (!session.end(cause)) return;
    this.#console.arm.handle({ type: "stop", at: this.#clock.now() });
    if (session.task !== "jog") return;
    // A jog that ends by its own button needs no words.
    if (cause.kind !== "released") this.#last = stopReason(session) ?? "";
    if (cause.kind !== "released") this.#events.log?.("warn", this.#last);
    this.#finish(session);
  }

  /** The first heartbeat after a stop for silence: now it is known how late the page was. */
  #noteLate(session: HoldToRunSession): void {
    if (session.cause?.kind !== "silent" || this.#ended !== session) return;
    this.#ended = undefined;
    this.#events.log?.("warn", stopReason(session) ?? "");
  }

  #finish(session: HoldToRunSession): void {
    session.settle();
    if (this.#session === session) this.#session = undefined;
    this.#ended = session.cause === undefined ? undefined : session;
    this.#doing = undefined;
    this.#step = undefined;
    this.#console.arm.handle({ type: "release", operator: session.actor.id, at: this.#clock.now() });
    this.#show();
  }

  #show(): void {
    this.#events.changed(this.state);
  }
}
