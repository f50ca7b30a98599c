import { systemClock } from "../../arm/index.js";
import { describe } from "../../errors/index.js";
import type { Parameters } from "../parameters/index.js";
import type { Rcl, RclNode, RclSubscription } from "../rcl.js";
import { makeQos } from "../topics/qos.js";
import type { Transforms } from "../transforms.js";
import { ActionPort } from "./action-client.js";
import { type ArmModel, type ArmSetup, armModel, gripperLinks, toolOf } from "./arm-model.js";
import { type ConfiguredArm, configuredArm } from "./configured-arm.js";
import { GripperClient } from "./gripper.js";
import { JointStateSubscriber } from "./joint-state-subscriber.js";
import { type MoveGroupResult, MoveItPlanner } from "./moveit-planner.js";
import { SemanticDescription } from "./semantic-description.js";
import { TrajectoryController } from "./trajectory-controller.js";

export interface ArmDiscoveryDependencies {
  readonly setup: ArmSetup;
  readonly rcl: Rcl;
  readonly node: RclNode;
  readonly parameters: () => Parameters;
  readonly transforms: Transforms;
  /** Called when there is an arm to move, or none any more; the one before is disabled. */
  readonly onChange: (arm: ConfiguredArm | undefined, before: ConfiguredArm | undefined) => void;
}

/** Waits for a robot description and its joint states, and puts the arm together once they have come. */
export class ArmDiscovery {
  readonly jointStates: JointStateSubscriber;
  /** A motion goes on: a new robot description has to wait. */
  busy = false;
  readonly #dependencies: ArmDiscoveryDependencies;
  readonly #gripper: GripperClient;
  readonly #moveGroup: ActionPort<object, MoveGroupResult> | undefined;
  readonly #description: RclSubscription | undefined;
  readonly #semantic: SemanticDescription;
  #model: ArmModel | undefined;
  #controller: TrajectoryController | undefined;
  #ready: ConfiguredArm | undefined;
  #changes = 0;
  #problem: string | undefined;
  /** A robot description that came while a motion went on. */
  #waiting: string | undefined;

  constructor(dependencies: ArmDiscoveryDependencies) {
    this.#dependencies = dependencies;
    const { rcl, node, parameters } = dependencies;
    const values = parameters();
    const { mapping, model, semantic } = dependencies.setup;
    this.#model = model;
    this.jointStates = new JointStateSubscriber(rcl, node);
    this.#gripper = new GripperClient(rcl, node, {
      interface: values.gripper,
      action: values.gripper_action,
      mapping,
      joint: values.gripper_joint,
      force: values.gripper_force,
      position: () =>
        values.gripper_joint === "" ? undefined : this.jointStates.position(values.gripper_joint),
    });
    if (values.arm_planner === "moveit")
      this.#moveGroup = new ActionPort(rcl, node, "moveit_msgs/action/MoveGroup", values.move_group_action);
    this.#semantic = new SemanticDescription(rcl, node, semantic);
    if (model === undefined)
      this.#description = node.createSubscription(
        "std_msgs/msg/String",
        "robot_description",
        { qos: makeQos(rcl, 1, "reliable", true) },
        (message: { data: string }) => this.#onDescription(message.data),
      );
  }

  /** The arm, once robot description and joint states have come. */
  get ready(): ConfiguredArm | undefined {
    return this.#ready;
  }

  /** The robot as it is described; undefined before its description has come. */
  get model(): ArmModel | undefined {
    return this.#model;
  }

  /** Counts the arms that came and went: the number stays while the arm does. */
  get changes(): number {
    return this.#changes;
  }

  /** Why controller or gripper cannot be commanded now. */
  get deviceProblem(): string | undefined {
    return this.#controller?.problem ?? this.#gripper.problem;
  }

  /** Largest deviation of a joint that the controller reported during the last motion, in radians. */
  get trackingError(): number {
    return this.#controller?.trackingError ?? 0;
  }

  /** Why there is no arm yet, with the remedy. */
  why(): string {
    if (this.#problem !== undefined) return this.#problem;
    const topic = this.#dependencies.node.resolveTopicName("robot_description");
    if (this.#model === undefined)
      return `no robot description on ${topic} yet; start robot_state_publisher, or set robot_description_file`;
    const missing = this.jointStates.missing(this.#model.chain.joints);
    if (this.jointStates.problem !== undefined) return this.jointStates.problem;
    if (missing.length > 0)
      return `${this.jointStates.topic} does not name ${missing.join(", ")}; check base_frame and tool_frame`;
    return "the node is not active";
  }

  /** Tries the steps again that were not possible yet. */
  update(): void {
    if (this.#waiting !== undefined && !this.busy) {
      const urdf = this.#waiting;
      this.#waiting = undefined;
      this.#onDescription(urdf);
    }
    if (this.#ready === undefined) this.#tryReady();
  }

  /** Cancels MoveIt's planning. */
  cancelPlanning(): void {
    void this.#moveGroup?.cancel();
  }

  close(): void {
    if (this.#description !== undefined) this.#dependencies.node.destroySubscription(this.#description);
    this.#semantic.close();
    this.#setReady(undefined);
    this.jointStates.close();
    this.#gripper.close();
    this.#controller?.close();
    this.#moveGroup?.close();
  }

  #onDescription(urdf: string): void {
    if (this.busy) {
      this.#waiting = urdf;
      return;
    }
    try {
      const model = armModel(urdf, this.#dependencies.parameters());
      for (const warning of model.robot.warnings)
        this.#dependencies.node.getLogger().warn(`robot description: ${warning}`);
      this.#setReady(undefined);
      this.#model = model;
      this.#problem = undefined;
    } catch (error) {
      this.#problem = describe(error);
      this.#dependencies.node.getLogger().error(this.#problem);
    }
  }

  #tryReady(): void {
    const model = this.#model;
    if (model === undefined || this.#problem !== undefined) return;
    const { chain, robot } = model;
    const reading = this.jointStates.reading(chain.joints);
    if (reading === undefined) return;
    const { rcl, node, transforms } = this.#dependencies;
    const values = this.#dependencies.parameters();
    try {
      this.#controller?.close();
      this.#controller = new TrajectoryController(rcl, node, this.jointStates, {
        controller: values.arm_controller,
        interface: values.arm === "topic" ? "topic" : "action",
        joints: chain.joints,
        pathTolerance: values.path_tolerance,
        goalTolerance: values.goal_tolerance,
        goalTime: values.goal_time_tolerance,
        acceleration: values.max_joint_acceleration,
      });
      this.#setReady(
        configuredArm(model, {
          node,
          parameters: values,
          transforms,
          jointStates: this.jointStates,
          controller: this.#controller,
          gripper: this.#gripper,
          pathPlanner: this.#pathPlanner(model, values),
          semantic: this.#semantic,
          configuration: reading.positions,
        }),
      );
      node
        .getLogger()
        .info(`arm ${robot.name}: ${chain.base} to ${chain.tip}, ${chain.joints.length} joints`);
    } catch (error) {
      this.#problem = describe(error);
      node.getLogger().error(this.#problem);
    }
  }

  #pathPlanner({ chain, limits }: ArmModel, values: Parameters): MoveItPlanner | undefined {
    if (this.#moveGroup === undefined) return undefined;
    return new MoveItPlanner(this.#moveGroup, {
      group: values.planning_group,
      joints: chain.joints,
      base: chain.base,
      workspace: limits.workspace,
      planningTime: values.planning_time,
      tool: { link: chain.tip, pose: toolOf(values), touches: gripperLinks(chain) },
    });
  }

  #setReady(ready: ConfiguredArm | undefined): void {
    const before = this.#ready;
    if (before === ready) return;
    before?.arm.handle({ type: "disable", at: systemClock.now() });
    this.#ready = ready;
    this.#changes++;
    this.#dependencies.onChange(ready, before);
  }
}
