import {
  type ArmResult,
  type AttemptStage,
  attemptGrasps,
  type GraspView,
  placeGoals,
  type Scene,
  safetyText,
  systemClock,
  type TakenObject,
  takenBy,
  withoutHeld,
} from "../../arm/index.js";
import type { FrameId, Pose, Seconds, Stamp } from "../../geometry/index.js";
import type { HeldObject } from "../../grasping/index.js";
import { level, type Status } from "../diagnostics.js";
import type { Reach } from "../job.js";
import type { Parameters } from "../parameters/index.js";
import type { Rcl, RclNode } from "../rcl.js";
import type { ArmAnswer, ArmPort, ArmRequest, PlaceArmRequest } from "../requests/ports.js";
import type { Answer } from "../scheduler.js";
import type { Transforms } from "../transforms.js";
import { ArmCommands } from "./arm-commands.js";
import { ArmDiscovery } from "./arm-discovery.js";
import type { ArmSetup } from "./arm-model.js";
import type { ConfiguredArm } from "./configured-arm.js";
import { graspView, seenFrom } from "./grasp-view.js";
import { fusedAnswer, fusedView, type SecondViewDependencies } from "./second-view.js";

export interface NodeArmDependencies {
  readonly setup: ArmSetup;
  readonly rcl: Rcl;
  readonly node: RclNode;
  readonly parameters: () => Parameters;
  readonly transforms: Transforms;
  /** Plans on two images, in the pipeline. */
  readonly fuse: SecondViewDependencies["fuse"];
  /** Called when there is an arm to move, or none any more. */
  readonly onChange?: (arm: ConfiguredArm | undefined) => void;
}

/** Stages of a motion as the action ~/grasp names them. */
const stageNames: Readonly<Record<AttemptStage, string>> = {
  open: "opening",
  "pre-grasp": "pre_grasp",
  approach: "approach",
  close: "grasp",
  lift: "lift",
  retreat: "retreat",
  "pre-place": "pre_place",
  lower: "lower",
  release: "release",
  "back-off": "back_off",
  view: "viewing",
  look: "waiting_for_frame",
  verify: "verifying",
};

/** How often joint states go to the supervisor, in milliseconds. */
const watchPeriod = 10;

/** The arm behind the node: motions, e-stop and diagnostics of the robot that `ArmDiscovery` finds. */
export class NodeArm implements ArmPort {
  readonly #dependencies: NodeArmDependencies;
  readonly #discovery: ArmDiscovery;
  readonly #commands: ArmCommands;
  readonly #timer: NodeJS.Timeout;
  #active = false;
  #last: ArmResult | undefined;
  #taken: TakenObject | undefined;

  constructor(dependencies: NodeArmDependencies) {
    this.#dependencies = dependencies;
    const { rcl, node, parameters } = dependencies;
    this.#discovery = new ArmDiscovery({
      ...dependencies,
      onChange: (ready, before) => this.#onChange(ready, before),
    });
    this.#commands = new ArmCommands({
      rcl,
      node,
      parameters,
      ready: () => this.ready,
      why: () => this.#discovery.why(),
    });
    this.#timer = setInterval(() => this.#watch(), watchPeriod);
  }

  /** The arm, once robot description and joint states have come. */
  get ready(): ConfiguredArm | undefined {
    return this.#discovery.ready;
  }

  activate(): void {
    this.#active = true;
    this.parametersChanged();
  }

  /** Stops the arm and disables motion. */
  deactivate(): void {
    this.#active = false;
    this.parametersChanged();
  }

  /** Ends the motion that runs now, and latches nothing. @returns whether there was one */
  stop(): boolean {
    const arm = this.ready?.arm;
    const moves = arm?.supervisor.state === "moving";
    arm?.handle({ type: "stop", at: systemClock.now() });
    return moves;
  }

  /** Waits until the arm rests, at most `timeout` milliseconds. @returns whether it does; true where there is none */
  async atRest(timeout: number): Promise<boolean> {
    const end = performance.now() + timeout;
    const rests = () => (this.ready?.arm.supervisor.snapshot.phase ?? "still") === "still";
    while (!rests() && performance.now() < end) await systemClock.sleep(0.01);
    return rests();
  }

  /** Follows allow_execute. */
  parametersChanged(): void {
    const enabled = this.#active && this.#dependencies.parameters().allow_execute;
    this.ready?.arm.handle({ type: enabled ? "enable" : "disable", at: systemClock.now() });
  }

  /** What an image's grasps have to be reached by; undefined while robot or transforms are not known. */
  reach(frame: FrameId, stamp: Stamp): Reach | undefined {
    const { ready } = this;
    const cameraInBase = ready?.cameraInBase(frame, stamp);
    const configuration = ready?.reading()?.positions;
    if (ready === undefined || cameraInBase === undefined || configuration === undefined) return undefined;
    const { approach_distance: approach } = this.#dependencies.parameters();
    return { robot: this.#discovery.changes, chain: ready.chain, configuration, cameraInBase, approach };
  }

  /** About once a second. */
  refresh(): void {
    this.#discovery.jointStates.refresh();
  }

  async close(): Promise<void> {
    this.deactivate();
    clearInterval(this.#timer);
    this.#commands.close();
    this.#discovery.close();
  }

  refusal(): string | undefined {
    const { ready } = this;
    if (ready === undefined) return this.#discovery.why();
    return ready.arm.refusal() ?? this.#discovery.deviceProblem;
  }

  async execute(request: ArmRequest): Promise<ArmAnswer> {
    const { answer, operator, signal, onStage, maxAttempts } = request;
    const { ready } = this;
    const refused = this.refusal();
    if (ready === undefined || refused !== undefined)
      return unmoved(answer, refused ?? this.#discovery.why());
    onStage("planning", 0, 1);
    const answers = new Map<GraspView, Answer>();
    const view = async (seen: Answer): Promise<GraspView> => {
      const made = await this.#view(ready, seen, request.tfTimeout);
      answers.set(made, seen);
      return made;
    };
    const first = await view(answer);
    const from = await this.#cameraOf(ready, answer, request.tfTimeout);
    const { retreat, second_view: when } = this.#dependencies.parameters();
    const { stamp, frameId } = answer.finished.done;
    const camera = when === "never" ? undefined : ready.cameraOnTool(frameId, stamp);
    const opening = ready.reading()?.opening ?? ready.maxOpening;
    const look = async (before: GraspView): Promise<GraspView> => {
      const second = await request.lookElsewhere();
      const seen = await this.#fused(ready, from, answer, second, request.tfTimeout);
      const both = fusedView(before, await view(seen));
      answers.set(both, seen);
      return both;
    };
    const moved = await this.#granted(ready, operator, signal, async (lease) => {
      const ended = await attemptGrasps(ready.arm, first, {
        operator,
        maxAttempts,
        ...(when !== "never" && camera !== undefined && { secondView: { when, camera, opening, look } }),
        // An arm that stays above the table hides the object's place.
        verify: retreat === "start",
        look: async () => view(await request.look()),
        opening: () => ready.reading()?.opening,
        lease,
        signal,
        onStage: (stage, progress, attempt) => onStage(stageNames[stage], progress, attempt),
      });
      this.#last = ended;
      this.#taken = ended.success && ended.taken ? takenBy(ended.taken, ended.view.scene.target) : undefined;
      return ended;
    });
    if (moved === undefined) return unmoved(answer, safetyText["lease-expired"]);
    const { success, message, attempts } = moved;
    return { success, message, attempts, answer: answers.get(moved.view) ?? answer };
  }

  mayLookElsewhere(frame: FrameId): boolean {
    return this.#dependencies.parameters().second_view !== "never" && this.ready?.carries(frame) === true;
  }

  get holds(): boolean {
    return this.#taken !== undefined;
  }

  /** What the gripper took here and has not put down, in the axes of the base. */
  get held(): HeldObject | undefined {
    return this.#taken;
  }

  async place(request: PlaceArmRequest): Promise<ArmResult> {
    const { answer, operator, signal, onStage, tfTimeout, target } = request;
    const { ready } = this;
    const taken = this.#taken;
    const refused = this.refusal();
    if (ready === undefined || refused !== undefined)
      return { success: false, outcome: "refused", message: refused ?? this.#discovery.why() };
    const tool = ready.arm.tool?.position;
    if (taken === undefined || tool === undefined)
      return { success: false, outcome: "refused", message: "nothing was taken that could be put down" };
    onStage("planning", 0, 1);
    const { stamp, frameId } = answer.finished.done;
    const camera = await this.#dependencies.transforms.lookup(ready.base, frameId, stamp, tfTimeout);
    const seen = withoutHeld(seenFrom(camera, answer).scene, taken, tool);
    const scene: Scene = {
      ...ready.scene,
      ...(seen.obstacles !== undefined && { obstacles: ready.arm.withoutRobot(seen.obstacles) }),
    };
    const placed = await this.#granted(ready, operator, signal, async (lease) => {
      const result = await ready.arm.place(placeGoals(taken, target, camera, tool), {
        operator,
        scene,
        lease,
        signal,
        onStage: (stage, progress) => onStage(stageNames[stage], progress, 1),
      });
      this.#last = result;
      if (result.success) this.#taken = undefined;
      return result;
    });
    return placed ?? { success: false, outcome: "refused", message: safetyText["lease-expired"] };
  }

  /**
   * Runs a motion while the operator is present, by heartbeats where hold-to-run asks for them.
   * @returns what the motion came to; undefined when no heartbeat came, and nothing moved
   */
  async #granted<T>(
    ready: ConfiguredArm,
    operator: string,
    signal: AbortSignal,
    motion: (lease: "caller" | "goal") => Promise<T>,
  ): Promise<T | undefined> {
    const holdToRun = this.#dependencies.parameters().hold_to_run;
    const release = holdToRun ? this.#commands.expectHeartbeats(operator) : undefined;
    this.#discovery.busy = true;
    const cancel = (): void => this.#discovery.cancelPlanning();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      // Without a first heartbeat the button is not held: the arm must not move for even one lease.
      if (holdToRun && !(await this.#held(ready, operator, signal))) return undefined;
      return await motion(holdToRun ? "caller" : "goal");
    } finally {
      this.#discovery.busy = false;
      signal.removeEventListener("abort", cancel);
      release?.();
      if (holdToRun) ready.arm.handle({ type: "release", operator, at: systemClock.now() });
    }
  }

  /** The answer of an image taken from elsewhere, planned on both. */
  #fused(
    ready: ConfiguredArm,
    from: Pose,
    first: Answer,
    second: Answer,
    tfTimeout: Seconds,
  ): Promise<Answer> {
    const { fuse, parameters } = this.#dependencies;
    return fusedAnswer(first, second, {
      from,
      fuse,
      withMask: parameters().publish_masks,
      cameraInBase: () => this.#cameraOf(ready, second, tfTimeout),
      reach: (frame, stamp) => this.reach(frame, stamp),
    });
  }

  /** What an image shows, once TF has where its camera was. */
  async #view(ready: ConfiguredArm, answer: Answer, tfTimeout: Seconds): Promise<GraspView> {
    const camera = await this.#cameraOf(ready, answer, tfTimeout);
    return graspView(ready, camera, answer, this.#dependencies.parameters().table_height);
  }

  /** The image's optical frame in the base, at the image's stamp. */
  #cameraOf({ base }: ConfiguredArm, { finished }: Answer, tfTimeout: Seconds): Promise<Pose> {
    const { stamp, frameId } = finished.done;
    return this.#dependencies.transforms.lookup(base, frameId, stamp, tfTimeout);
  }

  /** Waits one lease for a heartbeat, which claims the control. */
  async #held({ arm }: ConfiguredArm, operator: string, signal: AbortSignal): Promise<boolean> {
    const end = systemClock.now() + arm.supervisor.limits.lease;
    while (arm.supervisor.snapshot.operator !== operator) {
      if (signal.aborted || systemClock.now() > end) return false;
      await systemClock.sleep(0.01);
    }
    return true;
  }

  status(): Status {
    const { arm, gripper_action, arm_controller, allow_execute } = this.#dependencies.parameters();
    const { jointStates, model, trackingError } = this.#discovery;
    const supervisor = this.ready?.arm.supervisor;
    const snapshot = supervisor?.snapshot;
    const missing = supervisor === undefined ? this.#discovery.why() : undefined;
    const broken = missing ?? this.#discovery.deviceProblem ?? this.#stale();
    const latched = snapshot?.latch === undefined ? undefined : `stopped: ${safetyText[snapshot.latch]}`;
    const state = supervisor?.state ?? "not ready";
    return {
      name: "arm",
      level: broken !== undefined ? level.error : latched !== undefined ? level.warn : level.ok,
      message: broken ?? latched ?? state,
      values: {
        state,
        allow_execute: String(allow_execute),
        robot: model?.robot.name ?? "",
        base_frame: model?.chain.base ?? "",
        tool_frame: model?.chain.tip ?? "",
        interface: arm,
        controller: arm_controller,
        gripper: gripper_action,
        operator: snapshot?.operator ?? "",
        estop_pressed: String(snapshot?.estopPressed ?? false),
        latch: snapshot?.latch ?? "",
        joint_states_topic: jointStates.topic,
        joint_states_received: jointStates.received,
        joint_states_malformed: jointStates.malformed,
        joint_states_from_the_future: jointStates.future,
        joint_state_age_s: jointStates.silence?.toFixed(3) ?? "",
        tracking_error_rad: trackingError.toFixed(4),
        last_outcome: this.#last?.outcome ?? "",
        last_message: this.#last?.message ?? "",
      },
    };
  }

  #stale(): string | undefined {
    const { joint_state_timeout } = this.#dependencies.parameters();
    const { silence, topic } = this.#discovery.jointStates;
    return silence !== undefined && silence > Math.max(1, joint_state_timeout)
      ? `no joint state on ${topic} for ${silence.toFixed(1)} s; check the robot's driver`
      : undefined;
  }

  #watch(): void {
    this.#discovery.update();
    this.ready?.arm.update();
    this.#commands.tick();
  }

  #onChange(ready: ConfiguredArm | undefined, before: ConfiguredArm | undefined): void {
    // A latched emergency stop stays in force for another robot description.
    if (before?.arm.supervisor.snapshot.latch !== undefined) this.#commands.latch();
    this.parametersChanged();
    this.#dependencies.onChange?.(ready);
  }
}

/** A refusal: the arm has not moved. */
const unmoved = (answer: Answer, message: string): ArmAnswer => ({
  success: false,
  message,
  attempts: [],
  answer,
});
