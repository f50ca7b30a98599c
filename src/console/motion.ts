import { type Arm, type Clock, type Scene, safetyText, systemClock, type Teleop } from "../arm/index.js";
import type { BridgeResult } from "../bridge/index.js";
import { GraspGroundingError } from "../errors/index.js";
import type { Pose, RgbdFrame, Vec3 } from "../geometry/index.js";
import type { Actor } from "./lease.js";
import { goalsFor } from "./motion-goals.js";

/** The arm the console moves. Its supervisor has the last word on everything. */
export interface ConsoleArm {
  /** For people. */
  readonly name: string;
  readonly arm: Arm;
  readonly teleop?: Teleop;
  /** Where the frame's camera is in the robot's base, by TF or hand-eye calibration; undefined when nobody knows. */
  cameraInBase(frame: RgbdFrame): Pose | undefined;
  /** When a frame was taken, by the arm's clock, in seconds. */
  takenAt(frame: RgbdFrame): number;
  /** What is known of the scene besides what the camera sees: the table, the workspace. Base frame. */
  readonly scene?: Scene;
  /** The arm's clock. Default: the system's monotonic one. */
  readonly clock?: Clock;
}

export interface ArmState {
  readonly available: boolean;
  readonly text: string;
  readonly moving: boolean;
  /** What it is doing, and how far it is, 0..1. */
  readonly stage?: string;
  readonly progress?: number;
}

/** Silence of the one who holds the button after which the arm is stopped, in milliseconds. */
export const deadman = 150;
/** How often the arm is looked at while nothing moves, in milliseconds. */
const glance = 50;

interface Hold {
  readonly actor: Actor;
  readonly abort: AbortController;
  readonly kind: "pick" | "jog";
  readonly timer: NodeJS.Timeout;
  beats: number;
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
  #hold: Hold | undefined;
  #last = "";

  constructor(arm: ConsoleArm, changed: (state: ArmState) => void) {
    this.#console = arm;
    this.#changed = changed;
    this.#clock = arm.clock ?? systemClock;
    this.#timer = setInterval(() => {
      arm.arm.update();
      if (this.#hold === undefined) this.#show();
    }, glance);
    this.#timer.unref();
  }

  get state(): ArmState {
    const refusal = this.#console.arm.refusal();
    const text = refusal ?? (this.#last === "" ? "ready" : `ready; last: ${this.#last}`);
    return { available: refusal === undefined, text: `${this.#console.name}: ${text}`, moving: false };
  }

  /** Takes the object of an answer while the button is held. @returns one line on how it ended. @throws EXECUTE_REFUSED */
  async pick(actor: Actor, frame: RgbdFrame, result: BridgeResult, chosen: number): Promise<string> {
    const camera = this.#console.cameraInBase(frame);
    if (camera === undefined)
      throw new GraspGroundingError("EXECUTE_REFUSED", {
        detail: "where the camera is on the robot is not known",
      });
    if (result.grasps.length === 0)
      throw new GraspGroundingError("EXECUTE_REFUSED", {
        detail: result.graspFailure ?? "there is no grasp",
      });
    const { goals, scene } = goalsFor(frame, result, chosen, camera);
    const { arm } = this.#console;
    const hold = this.#begin(actor, "pick");
    try {
      const obstacles = scene.obstacles === undefined ? {} : { obstacles: arm.withoutRobot(scene.obstacles) };
      const outcome = await arm.execute(goals, {
        operator: actor.id,
        frameAt: this.#console.takenAt(frame),
        scene: { ...this.#console.scene, ...scene, ...obstacles },
        lease: "caller",
        signal: hold.abort.signal,
        onStage: (stage, progress) =>
          this.#changed({
            available: true,
            text: `${this.#console.name}: ${stage}`,
            moving: true,
            stage,
            progress,
          }),
      });
      this.#last = outcome.message;
      if (outcome.outcome === "refused" || outcome.outcome === "no-plan")
        throw new GraspGroundingError("EXECUTE_REFUSED", { detail: outcome.message });
      return outcome.message;
    } finally {
      this.#finish(hold);
    }
  }

  /** Begins jogging; the arm then follows `drive` until the button is released. @throws EXECUTE_REFUSED */
  startJog(actor: Actor): void {
    if (this.#console.teleop === undefined)
      throw new GraspGroundingError("EXECUTE_REFUSED", { detail: "this arm takes no velocity commands" });
    const hold = this.#begin(actor, "jog");
    const { arm } = this.#console;
    arm.update();
    const at = this.#clock.now();
    const verdict = arm.handle({ type: "request", at, operator: actor.id, motion: { kind: "teleop" } });
    if (verdict.granted) return;
    this.#finish(hold);
    throw new GraspGroundingError("EXECUTE_REFUSED", { detail: safetyText[verdict.refusal ?? "disabled"] });
  }

  /** The button is still held. Heartbeats of anybody else count for nothing. */
  beat(actor: Actor): void {
    const hold = this.#hold;
    if (hold === undefined || hold.actor.id !== actor.id || hold.abort.signal.aborted) return;
    hold.beats++;
    hold.timer.refresh();
    this.#console.arm.handle({ type: "heartbeat", operator: actor.id, at: this.#clock.now() });
  }

  /** Moves the tool: m/s and rad/s in the axes of the robot's base. Counts as a heartbeat. */
  drive(actor: Actor, linear: Vec3, angular: Vec3): void {
    const hold = this.#hold;
    if (hold?.kind !== "jog" || hold.actor.id !== actor.id || hold.abort.signal.aborted) return;
    this.beat(actor);
    const answer = this.#console.teleop?.command(actor.id, linear, angular, this.#clock.now());
    const why = answer?.moved === false ? (answer.message ?? "it does not move") : "jog";
    this.#changed({ available: true, text: `${this.#console.name}: ${why}`, moving: true, stage: "jog" });
  }

  /** The button was released, or whoever held it is gone. */
  release(id: string): void {
    if (this.#hold?.actor.id === id) this.#end(this.#hold);
  }

  estop(source: string): void {
    this.#console.arm.handle({ type: "estop", source, at: this.#clock.now() });
    if (this.#hold !== undefined) this.#end(this.#hold);
  }

  /** @throws GraspGroundingError EXECUTE_REFUSED when the arm's supervisor does not agree */
  reset(actor: Actor): void {
    const { arm } = this.#console;
    arm.handle({ type: "estop-released", at: this.#clock.now() });
    arm.handle({ type: "claim", operator: actor.id, at: this.#clock.now() });
    const verdict = arm.handle({ type: "reset", operator: actor.id, at: this.#clock.now() });
    arm.handle({ type: "release", operator: actor.id, at: this.#clock.now() });
    if (!verdict.granted && verdict.refusal !== "not-latched")
      throw new GraspGroundingError("EXECUTE_REFUSED", { detail: safetyText[verdict.refusal ?? "estop"] });
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#hold !== undefined) this.#end(this.#hold);
  }

  #begin(actor: Actor, kind: Hold["kind"]): Hold {
    if (this.#hold !== undefined)
      throw new GraspGroundingError("EXECUTE_REFUSED", { detail: safetyText["already-moving"] });
    const claimed = this.#console.arm.handle({ type: "claim", operator: actor.id, at: this.#clock.now() });
    if (!claimed.granted)
      throw new GraspGroundingError("EXECUTE_REFUSED", {
        detail: safetyText[claimed.refusal ?? "no-operator"],
      });
    const hold: Hold = {
      actor,
      kind,
      abort: new AbortController(),
      timer: setTimeout(() => this.#silent(hold), deadman),
      beats: 0,
    };
    this.#hold = hold;
    return hold;
  }

  /** When this process itself was held up, heartbeats that came meanwhile wait in the socket: they are read first. */
  #silent(hold: Hold): void {
    const { beats } = hold;
    setImmediate(() =>
      setImmediate(() => {
        if (hold.beats === beats) this.#end(hold);
      }),
    );
  }

  /** Orders the stop; a pick then comes to its end by itself. */
  #end(hold: Hold): void {
    clearTimeout(hold.timer);
    if (hold.abort.signal.aborted) return;
    hold.abort.abort();
    this.#console.arm.handle({ type: "stop", at: this.#clock.now() });
    if (hold.kind === "jog") this.#finish(hold);
  }

  #finish(hold: Hold): void {
    clearTimeout(hold.timer);
    if (this.#hold === hold) this.#hold = undefined;
    this.#console.arm.handle({ type: "release", operator: hold.actor.id, at: this.#clock.now() });
    this.#show();
  }

  #show(): void {
    this.#changed(this.state);
  }
}
