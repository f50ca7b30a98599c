import type { Points, Pose, Seconds } from "../../geometry/index.js";
import { Kinematics } from "../model/kinematics.js";
import { SequencePlanner } from "../planning/sequence.js";
import type {
  GraspGoal,
  GraspMotion,
  MoveOptions,
  MoveTarget,
  PlaceGoal,
  RefusedMotion,
  Stage,
  StageName,
} from "../planning/sequence-types.js";
import type { SafetySupervisor } from "../safety/supervisor.js";
import {
  type MotionRequest,
  type SafetyReason,
  type SupervisorEvent,
  safetyText,
  type Verdict,
} from "../safety/supervisor-types.js";
import type {
  ArmDependencies,
  ArmResult,
  ExecuteOptions,
  GoalLease,
  PlannedMotion,
  UnplannedOptions,
} from "./arm-types.js";
import { type Clock, deadline, systemClock } from "./clock.js";
import { type FollowResult, followText } from "./controller.js";
import { type FingerStage, GraspMonitor } from "./grasp-monitor.js";
import { failure, feedbackGrace, firstOf, isPlanFault, PlanningAborted, unlessAborted } from "./outcomes.js";

/** One arm: plans grasps, asks the supervisor to grant every motion, and watches each motion while it runs. */
export class Arm {
  readonly supervisor: SafetySupervisor;
  readonly #dependencies: ArmDependencies;
  readonly #clock: Clock;
  readonly #kinematics: Kinematics;
  readonly #planner: SequencePlanner;
  readonly #graspMonitor: GraspMonitor;
  /** Time of the last joint state that was passed on. */
  #measuredAt = Number.NEGATIVE_INFINITY;
  /** The last order to stop, until it is acknowledged. */
  #stopOrder: Promise<void> = Promise.resolve();
  /** Ends the wait for the present motion. */
  #halted: (() => void) | undefined;

  constructor(dependencies: ArmDependencies) {
    this.#dependencies = dependencies;
    this.supervisor = dependencies.supervisor;
    this.#clock = dependencies.clock ?? systemClock;
    this.#kinematics = new Kinematics(dependencies.solver.chain);
    this.#planner = new SequencePlanner(
      dependencies.solver,
      dependencies.checker,
      dependencies.sequence,
      dependencies.pathPlanner,
    );
    this.#graspMonitor = new GraspMonitor(dependencies.gripper, this.#clock, dependencies.emptyBelow);
  }

  /**
   * Every event from outside (heartbeats, e-stop, claims, …) goes through here and not to the supervisor itself, so
   * that an order to stop reaches the controller within this call.
   */
  handle(event: SupervisorEvent): Verdict {
    const verdict = this.supervisor.handle(event);
    if (verdict.stop) this.#stop();
    return verdict;
  }

  /** Passes the latest joint state on to the supervisor; to be called regularly, also at rest. */
  update(): Verdict {
    const reading = this.#dependencies.controller.reading();
    const now = this.#clock.now();
    if (reading === undefined) return this.handle({ type: "tick", at: now });
    // A state read twice, or one that came late, does not tell where the arm is now.
    if (reading.at <= this.#measuredAt || now - reading.at > this.supervisor.limits.feedbackAge) {
      return this.handle({ type: "tick", at: now });
    }
    this.#measuredAt = reading.at;
    const { positions, velocities } = reading;
    const toolSpeed = Math.hypot(...this.#kinematics.toolVelocity(positions, velocities));
    const tool = this.#kinematics.forward(positions).position;
    return this.handle({ type: "reading", at: now, reading: { positions, velocities, tool, toolSpeed } });
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
    const reading = this.#dependencies.controller.reading();
    return reading === undefined ? safetyText["no-feedback"] : undefined;
  }

  /** Where the tool is in the base; undefined without joint states. */
  get tool(): Pose | undefined {
    const positions = this.#dependencies.controller.reading()?.positions;
    return positions && this.#kinematics.forward(positions);
  }

  /** Seen points without those on the arm itself: a scene's obstacles. */
  withoutRobot(points: Points): Points {
    const reading = this.#dependencies.controller.reading();
    return reading === undefined
      ? points
      : this.#dependencies.checker.withoutRobot(points, reading.positions);
  }

  /** Plans the first of the grasps that can be carried out from the present joint configuration. Moves nothing. */
  async plan(
    grasps: readonly GraspGoal[],
    options: Pick<ExecuteOptions, "scene" | "signal">,
  ): Promise<PlannedMotion | ArmResult> {
    this.update();
    const start = this.#dependencies.controller.reading()?.positions;
    if (start === undefined) return failure("refused", safetyText["no-feedback"], { safety: "no-feedback" });
    this.#dependencies.checker.scene = { workspace: this.supervisor.limits.workspace, ...options.scene };
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

  /** Puts the held object down at the first tool pose that can be reached. Needs no image. A failure is a result. */
  place(goals: PlaceGoal | readonly PlaceGoal[], options: UnplannedOptions): Promise<ArmResult> {
    const place = (goal: PlaceGoal) =>
      this.#planned(options, "the object was put down", (start) =>
        this.#planner.planPlace(goal, start, () => this.#yieldToFeedback(options)),
      );
    return this.#leased(options, () => firstOf([goals].flat(), place));
  }

  /** Moves the arm to joint positions, or its tool to a pose. Needs no image. A failure is a result. */
  moveTo(target: MoveTarget, options: UnplannedOptions & MoveOptions): Promise<ArmResult> {
    return this.#leased(options, () =>
      this.#planned(options, "the arm has arrived", (start) =>
        this.#planner.planMove(target, start, options, () => this.#yieldToFeedback(options)),
      ),
    );
  }

  /**
   * Opens or closes the fingers where the arm stands, granted by the supervisor as a motion that moves no joint.
   * @param width distance between the fingers when open, in metres; "close" ends with `nothing-held` where nothing is
   */
  moveGripper(action: "open" | "close", width: number, options: UnplannedOptions): Promise<ArmResult> {
    const opens = action === "open";
    return this.#leased(options, () =>
      this.#planned(options, opens ? "the gripper is open" : "the gripper holds something", async (start) => {
        const { position } = this.#kinematics.forward(start);
        const at = { minPosition: start, maxPosition: start, toolMin: position, toolMax: position };
        const summary = { start, ...at, maxVelocity: start.map(() => 0), collisionFree: true };
        return { stages: [{ name: action, width: action === "open" ? width : 0 }], summary };
      }),
    );
  }

  /** Plans a motion that needs no image, has it granted and carries it out. */
  async #planned(
    options: UnplannedOptions,
    done: string,
    make: (start: readonly number[]) => Promise<GraspMotion | RefusedMotion>,
  ): Promise<ArmResult> {
    const refusal = this.refusal();
    if (refusal !== undefined) return failure("refused", refusal);
    const start = this.#dependencies.controller.reading()!.positions;
    this.#dependencies.checker.scene = { workspace: this.supervisor.limits.workspace, ...options.scene };
    const plan = await make(start);
    if ("refusal" in plan) return failure("no-plan", plan.reason, { refusal: plan.refusal });
    const safety = await this.#request(options, { kind: "move", summary: plan.summary });
    if (safety !== undefined) return failure("refused", safetyText[safety], { safety });
    return this.#run(plan.stages, options, done);
  }

  /**
   * Takes the object with the first of the grasps that can be carried out. A failure of the arm is a result; the
   * promise is not rejected.
   */
  execute(grasps: GraspGoal | readonly GraspGoal[], options: ExecuteOptions): Promise<ArmResult> {
    return this.#leased(options, () => this.#execute(grasps, options));
  }

  async #execute(grasps: GraspGoal | readonly GraspGoal[], options: ExecuteOptions): Promise<ArmResult> {
    const refusal = this.refusal();
    if (refusal !== undefined) {
      const safety = this.supervisor.snapshot.latch;
      return failure("refused", refusal, safety === undefined ? {} : { safety });
    }
    const start = this.#dependencies.controller.reading()!.positions;
    this.#dependencies.checker.scene = { workspace: this.supervisor.limits.workspace, ...options.scene };
    const list: readonly GraspGoal[] = Array.isArray(grasps) ? grasps : [grasps as GraspGoal];
    let why = failure("no-plan", "there is no grasp to carry out");
    const { planned, home } = options;
    const pause = () => this.#yieldToFeedback(options);
    const blocked = planned === undefined ? undefined : this.#planner.blocked(planned.motion);
    if (blocked !== undefined)
      return failure("no-plan", `the planned path is no longer free: ${blocked}`, { refusal: "way-blocked" });
    for (const [index, goal] of list.entries()) {
      if (planned !== undefined && planned.grasp !== index) continue;
      if (options.signal?.aborted === true)
        return failure("stopped", safetyText.cancelled, { safety: "cancelled" });
      const plan = planned?.motion ?? (await this.#planner.plan(goal, start, pause, home));
      if ("refusal" in plan) {
        why = failure("no-plan", plan.reason, { refusal: plan.refusal });
        continue;
      }
      const request = { kind: "grasp", frameAt: options.frameAt, summary: plan.summary } as const;
      const safety = await this.#request(options, request);
      if (safety !== undefined) {
        why = failure("refused", safetyText[safety], { safety });
        // The next grasp may do better only where the refusal depends on the plan.
        if (isPlanFault(why)) continue;
        return why;
      }
      const ended = await this.#run(plan.stages, options, "the object was taken");
      return { ...ended, grasp: index, ...(plan.pose !== undefined && { pose: plan.pose }) };
    }
    return why;
  }

  /** Has a planned motion granted. @returns why it is not */
  async #request(options: UnplannedOptions, motion: MotionRequest): Promise<SafetyReason | undefined> {
    await this.#yieldToFeedback(options, feedbackGrace);
    return this.handle({ type: "request", at: this.#clock.now(), operator: options.operator, motion })
      .refusal;
  }

  /** Carries out a goal. Control that its own lease took ends with it, also when it ends before the arm moves. */
  #leased({ lease, operator }: GoalLease, goal: () => Promise<ArmResult>): Promise<ArmResult> {
    return unlessAborted(goal, () => lease === "goal" && this.#event({ type: "release", operator }));
  }

  /** Handles heartbeats, stops and joint states while planning goes on. @throws PlanningAborted */
  async #yieldToFeedback(
    { lease, operator, signal }: GoalLease & Pick<ExecuteOptions, "signal">,
    pause: Seconds = 0,
  ): Promise<void> {
    await this.#clock.sleep(pause);
    this.update();
    if (signal?.aborted === true) throw new PlanningAborted();
    if (lease === "goal") this.#event({ type: "claim", operator });
  }

  async #run(stages: readonly Stage[], options: UnplannedOptions, done: string): Promise<ArmResult> {
    const halted = new Promise<"halted">((resolve) => {
      this.#halted = () => resolve("halted");
    });
    const abort = () => this.#event({ type: "stop" });
    options.signal?.addEventListener("abort", abort, { once: true });
    if (options.signal?.aborted === true) abort();
    const watching = { on: true };
    this.#graspMonitor.watch();
    const watch = this.#watch(watching, options);
    let result: ArmResult | undefined;
    let stage: StageName = "open";
    try {
      for (const [k, next] of stages.entries()) {
        if (this.supervisor.mayMove(this.#clock.now())) options.onStage?.(next.name, k / stages.length);
        if (!this.supervisor.mayMove(this.#clock.now())) break;
        stage = next.name;
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
    const safety = this.supervisor.snapshot.latch ?? this.supervisor.snapshot.ended;
    // A latched emergency stop is reported before an obstacle on the table.
    if (result === undefined && this.#graspMonitor.lost && this.supervisor.snapshot.latch === undefined)
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
    const points = trajectory.points(this.#dependencies.pointEvery ?? 0.02);
    const end = points.at(-1)!.positions;
    const timeout = trajectory.duration * 1.5 + 2;
    const late = deadline(this.#clock, timeout);
    const ended = await Promise.race([this.#dependencies.controller.follow(points), halted, late.promise]);
    late.cancel();
    if (ended === "halted") return undefined;
    const result: FollowResult = ended === "late" ? this.#noResult(end, timeout) : ended;
    if (result.code === "successful") return this.#arrived(end, name);
    if (result.code === "cancelled" && this.supervisor.state !== "moving") return undefined;
    const detail = result.detail === undefined ? "" : ` (${result.detail})`;
    return failure("controller", `${name}: ${followText[result.code]}${detail}`);
  }

  /** An arm at the end of its trajectory tells a lost answer from a controller that hangs. */
  #noResult(end: readonly number[], seconds: number): FollowResult {
    const off = this.#distanceTo(end);
    const where = off === undefined ? "" : `, the arm ${off.toFixed(2)} rad from the end of its trajectory`;
    return { code: "lost", detail: `no result within ${seconds.toFixed(1)} s${where}` };
  }

  /** The joint that is farthest from where it should be; undefined without joint states. */
  #distanceTo(positions: readonly number[]): number | undefined {
    const reading = this.#dependencies.controller.reading();
    return reading && Math.max(...reading.positions.map((q, i) => Math.abs(q - positions[i]!)));
  }

  /** Checks a controller's success against the measured joint positions, which may come later than the result. */
  async #arrived(positions: readonly number[], name: StageName): Promise<ArmResult | undefined> {
    const until = this.#clock.now() + this.supervisor.limits.feedbackAge;
    for (;;) {
      const off = this.#distanceTo(positions);
      if (off !== undefined && off <= 0.05) return undefined;
      const code = off === undefined ? "lost" : "goal-tolerance-violated";
      if (this.#clock.now() >= until) return failure("controller", `${name}: ${followText[code]}`);
      await this.#clock.sleep(this.#dependencies.watchEvery ?? 0.01);
    }
  }

  async #grip(stage: FingerStage, halted: Promise<"halted">): Promise<ArmResult | undefined> {
    const problem = await this.#graspMonitor.carryOut(stage, halted);
    return problem === undefined ? undefined : failure(problem.outcome, problem.message);
  }

  /** Watches the arm at every interval; stops it when the supervisor says so. */
  async #watch(
    watching: { on: boolean },
    { lease, operator }: Pick<ExecuteOptions, "lease" | "operator">,
  ): Promise<void> {
    while (watching.on) {
      if (lease === "goal") this.#event({ type: "heartbeat", operator });
      this.update();
      if (this.#graspMonitor.look()) this.#event({ type: "stop" });
      await this.#clock.sleep(this.#dependencies.watchEvery ?? 0.01);
    }
  }

  /**
   * Waits until the supervisor sees the arm at rest and the controller has acknowledged the stop: joints that have
   * not begun to move look like joints at rest.
   */
  async #rest(): Promise<boolean> {
    const late = deadline(this.#clock, this.supervisor.limits.stopWithin);
    const acknowledged = await Promise.race([this.#stopOrder, late.promise]);
    late.cancel();
    if (acknowledged === "late") return false;
    const until = this.#clock.now() + this.supervisor.limits.stopWithin * 2;
    while (this.supervisor.snapshot.phase !== "still" && this.#clock.now() < until) {
      await this.#clock.sleep(this.#dependencies.watchEvery ?? 0.01);
    }
    return this.supervisor.snapshot.phase === "still";
  }

  #event(
    event: { type: "stop" | "finished" } | { type: "claim" | "heartbeat" | "release"; operator: string },
  ): Verdict {
    return this.handle({ ...event, at: this.#clock.now() });
  }

  #stop(): void {
    // The order is sent before anything is awaited; a failure of the controller shows in its joint states.
    this.#stopOrder = this.#dependencies.controller.stop().catch(() => undefined);
    this.#halted?.();
  }
}
