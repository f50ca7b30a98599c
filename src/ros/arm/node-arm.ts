import {
  type ArmResult,
  type GraspGoal,
  type Scene,
  type StageName,
  safetyText,
  systemClock,
} from "../../arm/index.js";
import { describe } from "../../errors/index.js";
import {
  compose,
  conjugate,
  type FrameId,
  type Pose,
  rotate,
  type Stamp,
  secondsBetween,
  transformPoints,
} from "../../geometry/index.js";
import { level, type Status } from "../diagnostics.js";
import type { Reach } from "../job.js";
import type { Parameters } from "../parameters/index.js";
import type { ArmPort, ArmRequest } from "../ports.js";
import { makeQos } from "../qos.js";
import type { Rcl, RclNode, RclSubscription } from "../rcl.js";
import type { Answer } from "../scheduler.js";
import type { Transforms } from "../transforms.js";
import { ActionPort } from "./action-client.js";
import { ArmCommands } from "./arm-commands.js";
import {
  type ArmModel,
  type ArmSetup,
  armModel,
  gripperMapping,
  knownScene,
  motionStack,
  toolOf,
} from "./arm-model.js";
import { GripperClient } from "./gripper.js";
import { JointFeed } from "./joint-feed.js";
import { type MoveGroupResult, MoveItWays } from "./moveit-ways.js";
import type { ReadyArm } from "./ready-arm.js";
import { TrajectoryController } from "./trajectory-controller.js";

export interface NodeArmParts {
  readonly setup: ArmSetup;
  readonly rcl: Rcl;
  readonly node: RclNode;
  readonly parameters: () => Parameters;
  readonly transforms: Transforms;
  /** Called when there is an arm to move, or none any more. */
  readonly onChange?: (arm: ReadyArm | undefined) => void;
}

/** Stages of a motion as the action ~/grasp names them. */
const stageNames: Readonly<Record<StageName, string>> = {
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
};

/** How often joint states go to the supervisor, in milliseconds. */
const watchPeriod = 10;

/** The arm behind the node: controllers, robot description and joint states in; motions, e-stop and diagnostics out. */
export class NodeArm implements ArmPort {
  readonly #parts: NodeArmParts;
  readonly #feed: JointFeed;
  readonly #gripper: GripperClient;
  readonly #commands: ArmCommands;
  readonly #description: RclSubscription | undefined;
  readonly #timer: NodeJS.Timeout;
  #model: ArmModel | undefined;
  #controller: TrajectoryController | undefined;
  readonly #moveGroup: ActionPort<object, MoveGroupResult> | undefined;
  #ready: ReadyArm | undefined;
  /** Counts the arms that were ready. */
  #robots = 0;
  #problem: string | undefined;
  #active = false;
  #last: ArmResult | undefined;
  /** A motion of ~/grasp goes on: a new robot description has to wait. */
  #busy = false;
  #waiting: string | undefined;

  constructor(parts: NodeArmParts) {
    this.#parts = parts;
    const { rcl, node, parameters } = parts;
    const values = parameters();
    const { mapping, model } = parts.setup;
    this.#model = model;
    this.#feed = new JointFeed(rcl, node);
    this.#gripper = new GripperClient(rcl, node, {
      interface: values.gripper,
      action: values.gripper_action,
      mapping,
      joint: values.gripper_joint,
      force: values.gripper_force,
      position: () => (values.gripper_joint === "" ? undefined : this.#feed.position(values.gripper_joint)),
    });
    if (values.arm_planner === "moveit")
      this.#moveGroup = new ActionPort(rcl, node, "moveit_msgs/action/MoveGroup", values.move_group_action);
    this.#commands = new ArmCommands({
      rcl,
      node,
      parameters,
      ready: () => this.#ready,
      why: () => this.#notReady(),
    });
    if (model === undefined)
      this.#description = node.createSubscription(
        "std_msgs/msg/String",
        "robot_description",
        { qos: makeQos(rcl, 1, "reliable", true) },
        (message: { data: string }) => this.#onDescription(message.data),
      );
    this.#timer = setInterval(() => this.#watch(), watchPeriod);
  }

  /** The arm, once robot description and joint states have come. */
  get ready(): ReadyArm | undefined {
    return this.#ready;
  }

  activate(): void {
    this.#active = true;
    this.parametersChanged();
  }

  /** Stops the arm and keeps it from moving. */
  deactivate(): void {
    this.#active = false;
    this.parametersChanged();
  }

  /** Follows allow_execute. */
  parametersChanged(): void {
    const enabled = this.#active && this.#parts.parameters().allow_execute;
    this.#ready?.arm.handle({ type: enabled ? "enable" : "disable", at: systemClock.now() });
  }

  /** What a picture's grasps have to be reached by; undefined while robot or transforms are not known. */
  reach(frame: FrameId, stamp: Stamp): Reach | undefined {
    const ready = this.#ready;
    const cameraInBase = ready?.cameraInBase(frame, stamp);
    const posture = ready?.reading()?.positions;
    if (ready === undefined || cameraInBase === undefined || posture === undefined) return undefined;
    const { approach_distance: approach } = this.#parts.parameters();
    return { robot: this.#robots, chain: ready.chain, posture, cameraInBase, approach };
  }

  /** About once a second. */
  refresh(): void {
    this.#feed.refresh();
  }

  async close(): Promise<void> {
    this.deactivate();
    clearInterval(this.#timer);
    this.#commands.close();
    if (this.#description !== undefined) this.#parts.node.destroySubscription(this.#description);
    this.#setReady(undefined);
    this.#feed.close();
    this.#gripper.close();
    this.#controller?.close();
    this.#moveGroup?.close();
  }

  refusal(): string | undefined {
    if (this.#ready === undefined) return this.#notReady();
    return this.#ready.arm.refusal() ?? this.#controller?.problem ?? this.#gripper.problem;
  }

  async execute(request: ArmRequest): Promise<ArmResult> {
    const { answer, operator, signal, onStage, tfTimeout } = request;
    const ready = this.#ready;
    const refused = this.refusal();
    if (ready === undefined || refused !== undefined)
      return { success: false, outcome: "refused", message: refused ?? this.#notReady() };
    onStage("planning", 0);
    const { stamp, frameId } = answer.finished.done;
    const camera = await this.#parts.transforms.lookup(ready.base, frameId, stamp, tfTimeout);
    const holdToRun = this.#parts.parameters().hold_to_run;
    const release = holdToRun ? this.#commands.expectHeartbeats(operator) : undefined;
    this.#busy = true;
    const cancel = (): void => void this.#moveGroup?.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      // Without a first heartbeat there is nobody who holds: the arm must not move for even one lease.
      if (holdToRun && !(await this.#held(ready, operator, signal)))
        return { success: false, outcome: "refused", message: safetyText["lease-expired"] };
      const { goals, scene } = seenFrom(camera, answer);
      this.#last = await ready.arm.execute(goals, {
        operator,
        frameAt: ready.takenAt(stamp),
        scene: {
          ...ready.scene,
          ...scene,
          ...(scene.obstacles !== undefined && { obstacles: ready.arm.withoutRobot(scene.obstacles) }),
        },
        lease: holdToRun ? "caller" : "goal",
        signal,
        onStage: (stage, progress) => onStage(stageNames[stage], progress),
      });
      return this.#last;
    } finally {
      this.#busy = false;
      signal.removeEventListener("abort", cancel);
      release?.();
      if (holdToRun) ready.arm.handle({ type: "release", operator, at: systemClock.now() });
    }
  }

  /** Waits one lease for a heartbeat, which claims the control. */
  async #held({ arm }: ReadyArm, operator: string, signal: AbortSignal): Promise<boolean> {
    const end = systemClock.now() + arm.supervisor.limits.lease;
    while (arm.supervisor.snapshot.operator !== operator) {
      if (signal.aborted || systemClock.now() > end) return false;
      await systemClock.sleep(0.01);
    }
    return true;
  }

  status(): Status {
    const { arm, gripper_action, arm_controller, allow_execute } = this.#parts.parameters();
    const snapshot = this.#ready?.arm.supervisor.snapshot;
    const missing = this.#ready === undefined ? this.#notReady() : undefined;
    const broken = missing ?? this.#controller?.problem ?? this.#gripper.problem ?? this.#stale();
    const latched = snapshot?.latch === undefined ? undefined : `stopped: ${safetyText[snapshot.latch]}`;
    const state = this.#ready?.arm.supervisor.state ?? "not ready";
    return {
      name: "arm",
      level: broken !== undefined ? level.error : latched !== undefined ? level.warn : level.ok,
      message: broken ?? latched ?? state,
      values: {
        state,
        allow_execute: String(allow_execute),
        robot: this.#model?.robot.name ?? "",
        base_frame: this.#model?.chain.base ?? "",
        tool_frame: this.#model?.chain.tip ?? "",
        interface: arm,
        controller: arm_controller,
        gripper: gripper_action,
        operator: snapshot?.operator ?? "",
        estop_pressed: String(snapshot?.estopPressed ?? false),
        latch: snapshot?.latch ?? "",
        joint_states_topic: this.#feed.topic,
        joint_states_received: this.#feed.received,
        joint_states_malformed: this.#feed.malformed,
        joint_states_from_the_future: this.#feed.future,
        joint_state_age_s: this.#feed.silence?.toFixed(3) ?? "",
        tracking_error_rad: (this.#controller?.trackingError ?? 0).toFixed(4),
        last_outcome: this.#last?.outcome ?? "",
        last_message: this.#last?.message ?? "",
      },
    };
  }

  #stale(): string | undefined {
    const { joint_state_timeout } = this.#parts.parameters();
    const { silence, topic } = this.#feed;
    return silence !== undefined && silence > Math.max(1, joint_state_timeout)
      ? `no joint state on ${topic} for ${silence.toFixed(1)} s; check the robot's driver`
      : undefined;
  }

  /** Why there is no arm yet, with the remedy. */
  #notReady(): string {
    if (this.#problem !== undefined) return this.#problem;
    const topic = this.#parts.node.resolveTopicName("robot_description");
    if (this.#model === undefined)
      return `no robot description on ${topic} yet; start robot_state_publisher, or set robot_description_file`;
    const missing = this.#feed.missing(this.#model.chain.joints);
    if (this.#feed.problem !== undefined) return this.#feed.problem;
    if (missing.length > 0)
      return `${this.#feed.topic} does not name ${missing.join(", ")}; check base_frame and tool_frame`;
    return "the node is not active";
  }

  #onDescription(urdf: string): void {
    if (this.#busy) {
      this.#waiting = urdf;
      return;
    }
    try {
      const model = armModel(urdf, this.#parts.parameters());
      this.#setReady(undefined);
      this.#model = model;
      this.#problem = undefined;
    } catch (error) {
      this.#problem = describe(error);
      this.#parts.node.getLogger().error(this.#problem);
    }
  }

  #watch(): void {
    if (this.#waiting !== undefined && !this.#busy) {
      const urdf = this.#waiting;
      this.#waiting = undefined;
      this.#onDescription(urdf);
    }
    if (this.#ready === undefined) this.#tryReady();
    this.#ready?.arm.update();
    this.#commands.tick();
  }

  #tryReady(): void {
    const model = this.#model;
    if (model === undefined || this.#problem !== undefined) return;
    const { chain, robot } = model;
    const reading = this.#feed.reading(chain.joints);
    if (reading === undefined) return;
    const { rcl, node, parameters, transforms } = this.#parts;
    const values = parameters();
    const mapping = gripperMapping(values);
    const fingers =
      values.gripper_joint === "" || mapping.closed !== 0
        ? undefined
        : { joint: values.gripper_joint, perOpening: mapping.open / mapping.stroke };
    try {
      this.#controller?.close();
      this.#controller = new TrajectoryController(rcl, node, this.#feed, {
        controller: values.arm_controller,
        interface: values.arm === "topic" ? "topic" : "action",
        joints: chain.joints,
        pathTolerance: values.path_tolerance,
        goalTolerance: values.goal_tolerance,
        goalTime: values.goal_time_tolerance,
        acceleration: values.max_joint_acceleration,
      });
      const stack = motionStack(model, {
        controller: this.#controller,
        gripper: this.#gripper,
        posture: reading.positions,
        ...(this.#moveGroup !== undefined && {
          ways: new MoveItWays(this.#moveGroup, {
            group: values.planning_group,
            joints: chain.joints,
            base: chain.base,
            workspace: model.limits.workspace,
            planningTime: values.planning_time,
          }),
        }),
      });
      this.#setReady({
        ...stack,
        name: robot.name,
        chain,
        urdf: model.urdf,
        fingers,
        reading: () => {
          const positions = this.#controller?.reading()?.positions;
          if (positions === undefined) return undefined;
          const at = fingers === undefined ? undefined : this.#feed.position(fingers.joint);
          const opening = at === undefined ? undefined : at / fingers!.perOpening;
          return { positions, ...(opening !== undefined && { opening }) };
        },
        base: chain.base,
        tip: chain.tip,
        scene: knownScene(values),
        cameraInBase: (frame, stamp) => {
          const pose = transforms.now(chain.base, frame, stamp);
          return typeof pose === "string" ? undefined : pose;
        },
        fromTool: (vector) => {
          const now = this.#controller?.reading();
          if (now === undefined) return undefined;
          // The tool is turned about its z from the link that carries it.
          const inLink = rotate(conjugate(toolOf(values).orientation), vector);
          return rotate(stack.kinematics.forward(now.positions).orientation, inLink);
        },
        takenAt: (stamp) => systemClock.now() - secondsBetween(node.now().nanoseconds, stamp),
      });
      node
        .getLogger()
        .info(`arm ${robot.name}: ${chain.base} to ${chain.tip}, ${chain.joints.length} joints`);
    } catch (error) {
      this.#problem = describe(error);
      node.getLogger().error(this.#problem);
    }
  }

  #setReady(ready: ReadyArm | undefined): void {
    const before = this.#ready;
    if (before === ready) return;
    before?.arm.handle({ type: "disable", at: systemClock.now() });
    this.#ready = ready;
    this.#robots++;
    // A stop that is latched stays so, whatever the robot is called now.
    if (before?.arm.supervisor.snapshot.latch !== undefined) this.#commands.latch();
    this.parametersChanged();
    this.#parts.onChange?.(ready);
  }
}

/** Grasps and points of an answer, in the arm's base. */
function seenFrom(camera: Pose, { result }: Answer): { goals: readonly GraspGoal[]; scene: Scene } {
  const goals = result.grasps.map(({ pose, width, objectWidth, force }) => ({
    pose: compose(camera, pose),
    width,
    ...(objectWidth !== undefined && { objectWidth }),
    ...(force !== undefined && { force }),
  }));
  const { clouds } = result;
  if (clouds === undefined) return { goals, scene: {} };
  return {
    goals,
    scene: {
      target: transformPoints(camera, clouds.target),
      obstacles: transformPoints(camera, clouds.obstacles),
    },
  };
}
