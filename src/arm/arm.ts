import type { Metres, Points, Seconds } from "../geometry/index.js";
import { type Clock, systemClock } from "./clock.js";
import type { CollisionChecker, Scene } from "./collision.js";
import {
  type ArmController,
  type FollowResult,
  followText,
  type GripperController,
  type GripperProblem,
  type GripperResult,
} from "./controller.js";
import type { IkSolver } from "./ik.js";
import { Kinematics } from "./kinematics.js";
import {
  type GraspGoal,
  type GraspMotion,
  type MotionRefusal,
  type SequenceOptions,
  SequencePlanner,
  type Stage,
  type StageName,
  type WayPlanner,
} from "./sequence.js";
import type { SafetySupervisor } from "./supervisor.js";
import { type SafetyReason, type SupervisorEvent, safetyText, type Verdict } from "./supervisor-types.js";

export interface ArmParts {
  readonly solver: IkSolver;
  readonly checker: CollisionChecker;
  readonly controller: ArmController;
  readonly gripper: GripperController;
  readonly supervisor: SafetySupervisor;
  readonly sequence: SequenceOptions;
  /** Plans the ways there and back in place of the built-in search. */
  readonly ways?: WayPlanner;
  readonly clock?: Clock;
  /** How often the supervisor is asked during a motion. Default 0.01 s. */
  readonly watchEvery?: Seconds;
  /** Interval of the points of a trajectory that is sent. Default 0.02 s. */
  readonly pointEvery?: Seconds;
  /** Fingers closer than this after closing hold nothing. Default 0.002 m. */
  readonly emptyBelow?: number;
}

export interface ExecuteOptions {
  readonly operator: string;
  /** When the picture was taken, by the arm's clock. */
  readonly frameAt: Seconds;
  readonly scene: Scene;
  /**
   * Who keeps the lease: "caller" sends heartbeats (hold-to-run); "goal" means that this call itself counts as the
   * operator's presence, until `signal` aborts it.
   */
  readonly lease?: "caller" | "goal";
  /** Stops the arm. */
  readonly signal?: AbortSignal;
  /** A motion that `plan` gave for the same grasps: it is carried out as it is, or not at all. */
  readonly planned?: PlannedMotion;
  readonly onStage?: (stage: StageName, progress: number) => void;
}

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
  readonly safety?: SafetyReason;
  readonly refusal?: MotionRefusal;
}

/** One arm: plans grasps, has every motion granted by the supervisor, and carries them out while it watches. */
export class Arm {
  readonly supervisor: SafetySupervisor;
  readonly #parts: ArmParts;
  readonly #clock: Clock;
  readonly #kinematics: Kinematics;
  readonly #planner: SequencePlanner;
  /** Time of the last joint state that was passed on. */
  #measuredAt = Number.NEGATIVE_INFINITY;
  /** The last order to stop, until it is acknowledged. */
  #stopOrder: Promise<void> = Promise.resolve();
  /** Ends the waiting of the motion under way. */
  #halted: (() => void) | undefined;
  /** Something is between the fingers as long as they are no closer than this. */
  #heldAbove: Metres | undefined;
  /** Readings in a row in which they were closer. */
  #closer = 0;

  constructor(parts: ArmParts) {
    this.#parts = parts;
    this.supervisor = parts.supervisor;
    this.#clock = parts.clock ?? systemClock;
    this.#kinematics = new Kinematics(parts.solver.chain);
    this.#planner = new SequencePlanner(parts.solver, parts.checker, parts.sequence, parts.ways);
  }

  /**
   * All that comes from outside (heartbeats, e-stop, claims, …) goes through here and not to the supervisor itself, so
   * that an order to stop reaches the controller within this call.
   */
  handle(event: SupervisorEvent): Verdict {
    const verdict = this.supervisor.handle(event);
    if (verdict.stop) this.#stop();
    return verdict;
  }

  /** Passes the latest joint state on to the supervisor; to be called regularly, also at rest. */
  update(): Verdict {
    const reading = this.#parts.controller.reading();
    const now = this.#clock.now();
    if (reading === undefined) return this.handle({ type: "tick", at: now });
    // The same state read twice, or one that came late, does not count as knowing where the arm is now.
    if (reading.at <= this.#measuredAt || now - reading.at > this.supervisor.limits.feedbackAge) {
      return this.handle({ type: "tick", at: now });
    }
    this.#measuredAt = reading.at;
    const { positions, velocities } = reading;
    const speed = this.#kinematics.toolVelocity(positions, velocities);
    const { position: tool } = this.#kinematics.forward(positions);
    return this.handle({
      type: "reading",
      at: now,
      reading: { positions, velocities, tool, toolSpeed: Math.hypot(...speed) },
    });
  }

  /** Why the arm would not move now; undefined when it would. */
  refusal(): string | undefined {
    this.update();
    const { latch } = this.supervisor.snapshot;
    const { state } = this.supervisor;
    if (state === "estopped") {
      return latch === undefined || latch === "estop"
        ? safetyText.estop
        : `${safetyText[latch]}; ${safetyText.estop}`;
    }
    if (state === "disabled") return safetyText.disabled;
    if (state === "moving") return safetyText["already-moving"];
    if (state === "stopping") return safetyText["not-still"];
    const reading = this.#parts.controller.reading();
    return reading === undefined ? safetyText["no-feedback"] : undefined;
  }

  /** Seen points without the arm itself as it stands now: what a scene's obstacles are made from. */
  withoutRobot(points: Points): Points {
    const reading = this.#parts.controller.reading();
    return reading === undefined ? points : this.#parts.checker.withoutRobot(points, reading.positions);
  }

  /** Plans the first of the grasps that can be carried out from the present posture, and moves nothing. */
  async plan(
    grasps: readonly GraspGoal[],
    options: Pick<ExecuteOptions, "scene" | "signal">,
  ): Promise<PlannedMotion | ArmResult> {
    this.update();
    const start = this.#parts.controller.reading()?.positions;
    if (start === undefined) return failure("refused", safetyText["no-feedback"], { safety: "no-feedback" });
    this.#parts.checker.scene = { workspace: this.supervisor.limits.workspace, ...options.scene };
    let why = failure("no-plan", "there is no grasp to carry out");
    for (const [grasp, goal] of grasps.entries()) {
      if (options.signal?.aborted === true)
        return failure("stopped", safetyText.cancelled, { safety: "cancelled" });
      const motion = await this.#planner.plan(goal, start, async () => {
        await this.#clock.sleep(0);
        this.update();
      });
      if (!("refusal" in motion)) return { grasp, motion };
      why = failure("no-plan", motion.reason, { refusal: motion.refusal });
    }
    return why;
  }

  /**
   * Puts what the gripper holds down at a pose of the tool. Needs no picture of its own, so `frameAt` is not looked at.
   * Never rejects for what can go wrong with an arm.
   */
  place(goal: GraspGoal, options: Omit<ExecuteOptions, "planned" | "frameAt">): Promise<ArmResult> {
    return unlessAborted(() => this.#place(goal, options));
  }

  async #place(goal: GraspGoal, options: Omit<ExecuteOptions, "planned" | "frameAt">): Promise<ArmResult> {
    const refusal = this.refusal();
    if (refusal !== undefined) return failure("refused", refusal);
    const start = this.#parts.controller.reading()!.positions;
    this.#parts.checker.scene = { workspace: this.supervisor.limits.workspace, ...options.scene };
    const plan = await this.#planner.planPlace(goal, start, () => this.#breathe(options));
    if ("refusal" in plan) return failure("no-plan", plan.reason, { refusal: plan.refusal });
    await this.#breathe(options, hearing);
    const verdict = this.handle({
      type: "request",
      at: this.#clock.now(),
      operator: options.operator,
      motion: { kind: "move", summary: plan.summary },
    });
    if (!verdict.granted) {
      const safety = verdict.refusal!;
      return failure("refused", safetyText[safety], { safety });
    }
    return this.#run(plan.stages, options, "the object was put down");
  }

  /** Takes the object with the first of the grasps that can be carried out. Never rejects for what can go wrong with an arm. */
  execute(grasps: GraspGoal | readonly GraspGoal[], options: ExecuteOptions): Promise<ArmResult> {
    return unlessAborted(() => this.#execute(grasps, options));
  }

  async #execute(grasps: GraspGoal | readonly GraspGoal[], options: ExecuteOptions): Promise<ArmResult> {
    const refusal = this.refusal();
    if (refusal !== undefined) {
      const safety = this.supervisor.snapshot.latch;
      return failure("refused", refusal, safety === undefined ? {} : { safety });
    }
    const start = this.#parts.controller.reading()!.positions;
    this.#parts.checker.scene = { workspace: this.supervisor.limits.workspace, ...options.scene };
    const list: readonly GraspGoal[] = Array.isArray(grasps) ? grasps : [grasps as GraspGoal];
    let why = failure("no-plan", "there is no grasp to carry out");
    const { planned } = options;
    const blocked = planned === undefined ? undefined : this.#planner.blocked(planned.motion);
    if (blocked !== undefined)
      return failure("no-plan", `the planned way is no longer free: ${blocked}`, { refusal: "way-blocked" });
    for (const [index, goal] of list.entries()) {
      if (planned !== undefined && planned.grasp !== index) continue;
      if (options.signal?.aborted === true)
        return failure("stopped", safetyText.cancelled, { safety: "cancelled" });
      const plan = planned?.motion ?? (await this.#planner.plan(goal, start, () => this.#breathe(options)));
      if ("refusal" in plan) {
        why = failure("no-plan", plan.reason, { refusal: plan.refusal });
        continue;
      }
      await this.#breathe(options, hearing);
      const verdict = this.handle({
        type: "request",
        at: this.#clock.now(),
        operator: options.operator,
        motion: { kind: "grasp", frameAt: options.frameAt, summary: plan.summary },
      });
      if (!verdict.granted) {
        const safety = verdict.refusal!;
        why = failure("refused", safetyText[safety], { safety });
        // Only what depends on the plan may be different for the next grasp.
        if (["joint-limit", "velocity-limit", "workspace"].includes(safety)) continue;
        return why;
      }
      return { ...(await this.#run(plan.stages, options, "the object was taken")), grasp: index };
    }
    return why;
  }

  /** Planning takes a while: heartbeats, stops and joint states must be heard in between. @throws PlanningAborted */
  async #breathe(
    { lease, operator, signal }: Pick<ExecuteOptions, "lease" | "operator" | "signal">,
    pause: Seconds = 0,
  ): Promise<void> {
    await this.#clock.sleep(pause);
    this.update();
    if (signal?.aborted === true) throw new PlanningAborted();
    if (lease === "goal") this.#event({ type: "claim", operator });
  }

  async #run(
    stages: readonly Stage[],
    options: Omit<ExecuteOptions, "planned" | "frameAt">,
    done: string,
  ): Promise<ArmResult> {
    const halted = new Promise<"halted">((resolve) => {
      this.#halted = () => resolve("halted");
    });
    const abort = () => this.#event({ type: "stop" });
    options.signal?.addEventListener("abort", abort, { once: true });
    if (options.signal?.aborted === true) abort();
    const watching = { on: true };
    this.#closer = 0;
    const watch = this.#watch(watching, options);
    let result: ArmResult | undefined;
    let stage: StageName = "open";
    try {
      for (const [k, next] of stages.entries()) {
        if (!this.supervisor.mayMove(this.#clock.now())) break;
        stage = next.name;
        options.onStage?.(stage, k / stages.length);
        const failed =
          "trajectory" in next ? await this.#follow(next, halted) : await this.#grip(next, halted);
        if (failed !== undefined) {
          result = failed;
          break;
        }
      }
    } finally {
      options.signal?.removeEventListener("abort", abort);
    }
    const allowed = this.supervisor.mayMove(this.#clock.now());
    this.#event({ type: result === undefined ? "finished" : "stop" });
    const rested = await this.#rest();
    watching.on = false;
    this.#halted = undefined;
    await watch;
    if (options.lease === "goal") this.#event({ type: "release", operator: options.operator });
    const safety = this.supervisor.snapshot.latch ?? this.supervisor.snapshot.ended;
    const dropped = this.#closer >= lostAfter;
    if (dropped) this.#heldAbove = undefined;
    // Whoever else stopped the arm meanwhile, and what is latched, comes before what lies on the table.
    if (result === undefined && dropped && this.supervisor.snapshot.latch === undefined)
      result = failure("dropped", `the object slipped out of the fingers (${stage})`);
    if (result === undefined && !allowed && safety !== undefined)
      result = failure("stopped", safetyText[safety], { safety });
    if (result === undefined && !rested)
      result = failure("not-at-rest", safetyText["stop-overrun"], { safety: "stop-overrun" });
    if (result !== undefined) return { ...result, stage };
    options.onStage?.(stage, 1);
    return { success: true, outcome: "done", message: done, stage };
  }

  async #follow(
    stage: Extract<Stage, { trajectory: unknown }>,
    halted: Promise<"halted">,
  ): Promise<ArmResult | undefined> {
    const { trajectory, name } = stage;
    if (trajectory.duration === 0) return undefined;
    const points = trajectory.points(this.#parts.pointEvery ?? 0.02);
    const late = this.#late(trajectory.duration * 1.5 + 2);
    const ended = await Promise.race([this.#parts.controller.follow(points), halted, late.promise]);
    late.cancel();
    if (ended === "halted") return undefined;
    const result: FollowResult = ended === "late" ? { code: "lost" } : ended;
    if (result.code === "successful") return this.#arrived(points.at(-1)!.positions, name);
    if (result.code === "cancelled" && this.supervisor.state !== "moving") return undefined;
    const detail = result.detail === undefined ? "" : ` (${result.detail})`;
    return failure("controller", `${name}: ${followText[result.code]}${detail}`);
  }

  /** A controller's word is checked against what it measures. */
  #arrived(positions: readonly number[], name: StageName): ArmResult | undefined {
    const reading = this.#parts.controller.reading();
    if (reading === undefined) return failure("controller", `${name}: ${followText.lost}`);
    const off = Math.max(...reading.positions.map((q, i) => Math.abs(q - positions[i]!)));
    if (off <= 0.05) return undefined;
    return failure("controller", `${name}: ${followText["goal-tolerance-violated"]}`);
  }

  async #grip(
    stage: Exclude<Stage, { trajectory: unknown }>,
    halted: Promise<"halted">,
  ): Promise<ArmResult | undefined> {
    const { emptyBelow = 0.002 } = this.#parts;
    this.#heldAbove = undefined;
    let sent = stage.width;
    let ended = await this.#fingers(sent, stage.force, halted);
    // Nothing in the way as far as the object's seen width lets expect: it may be thinner than it looked.
    if (stage.name === "close" && sent > 0 && "width" in ended && !ended.stalled) {
      sent = 0;
      ended = await this.#fingers(sent, stage.force, halted);
    }
    if ("halted" in ended) return undefined;
    if ("problem" in ended) return failure("gripper", ended.problem);
    if (stage.name === "open" && ended.width < stage.width - 0.005) {
      return failure("gripper", "the gripper did not open as far as the grasp needs");
    }
    if (stage.name !== "close") return undefined;
    if (!ended.stalled && ended.width <= emptyBelow)
      return failure("nothing-held", "the fingers closed on nothing");
    // What stopped the fingers keeps them from where they were sent; without it they go on to there.
    this.#heldAbove = Math.min(Math.max(emptyBelow, sent + 0.001), ended.width - 0.0005);
    return undefined;
  }

  async #fingers(
    width: Metres,
    force: number | undefined,
    halted: Promise<"halted">,
  ): Promise<GripperResult | GripperProblem | { readonly halted: true }> {
    const { gripper } = this.#parts;
    const late = this.#late(5);
    const ended = await Promise.race([gripper.move(width, force), halted, late.promise]);
    late.cancel();
    if (ended === "halted") {
      void gripper.stop();
      return { halted: true };
    }
    return ended === undefined || ended === "late" ? { problem: "the gripper does not answer" } : ended;
  }

  /** Ends the motion when what was held is no longer between the fingers, where they are measured. */
  #watchHeld(): void {
    const opening = this.#heldAbove === undefined ? undefined : this.#parts.gripper.opening?.();
    if (opening === undefined || this.#closer >= lostAfter) return;
    this.#closer = opening < this.#heldAbove! ? this.#closer + 1 : 0;
    if (this.#closer >= lostAfter) this.#event({ type: "stop" });
  }

  /** Looks at the arm again and again; stops it when the supervisor says so. */
  async #watch(
    watching: { on: boolean },
    { lease, operator }: Pick<ExecuteOptions, "lease" | "operator">,
  ): Promise<void> {
    while (watching.on) {
      if (lease === "goal") this.#event({ type: "heartbeat", operator });
      this.update();
      this.#watchHeld();
      await this.#clock.sleep(this.#parts.watchEvery ?? 0.01);
    }
  }

  /**
   * Waits until the supervisor knows the arm to be at rest, and the controller knows that it is to stop: joints that have
   * not begun to move yet look like joints at rest.
   */
  async #rest(): Promise<boolean> {
    const late = this.#late(this.supervisor.limits.stopWithin);
    const acknowledged = await Promise.race([this.#stopOrder, late.promise]);
    late.cancel();
    if (acknowledged === "late") return false;
    const until = this.#clock.now() + this.supervisor.limits.stopWithin * 2;
    while (this.supervisor.snapshot.phase !== "still" && this.#clock.now() < until) {
      await this.#clock.sleep(this.#parts.watchEvery ?? 0.01);
    }
    return this.supervisor.snapshot.phase === "still";
  }

  #late(seconds: Seconds): { readonly promise: Promise<"late">; cancel(): void } {
    let cancelled = false;
    const until = this.#clock.now() + seconds;
    const wait = async (): Promise<"late"> => {
      while (!cancelled && this.#clock.now() < until) await this.#clock.sleep(0.05);
      return "late";
    };
    return {
      promise: wait(),
      cancel: () => {
        cancelled = true;
      },
    };
  }

  #event(
    event: { type: "stop" | "finished" } | { type: "claim" | "heartbeat" | "release"; operator: string },
  ): Verdict {
    return this.handle({ ...event, at: this.#clock.now() });
  }

  #stop(): void {
    // The order goes out before anything is awaited; a failure of the controller shows in its readings.
    this.#stopOrder = this.#parts.controller.stop().catch(() => undefined);
    this.#halted?.();
  }
}

/** So many readings in a row say that an object is lost: one alone may be noise. */
const lostAfter = 3;

/** Ends planning from within. */
class PlanningAborted extends Error {}

async function unlessAborted(carryOut: () => Promise<ArmResult>): Promise<ArmResult> {
  try {
    return await carryOut();
  } catch (error) {
    if (error instanceof PlanningAborted)
      return failure("stopped", safetyText.cancelled, { safety: "cancelled" });
    throw error;
  }
}

/** What is taken before a request, so that heartbeats and joint states that came while a plan was made are heard. */
const hearing: Seconds = 0.02;

const failure = (outcome: ArmOutcome, message: string, more: Partial<ArmResult> = {}): ArmResult => ({
  success: false,
  outcome,
  message,
  ...more,
});
