import {
  type Arm,
  type ArmController,
  type Chain,
  type GripperController,
  type Kinematics,
  type PathPlanner,
  type Scene,
  systemClock,
  type Teleop,
} from "../../arm/index.js";
import {
  compose,
  conjugate,
  type FrameId,
  invert,
  type Metres,
  type Pose,
  rotate,
  type Stamp,
  secondsBetween,
  type Vec3,
} from "../../geometry/index.js";
import type { Parameters } from "../parameters/index.js";
import type { RclNode } from "../rcl.js";
import type { Transforms } from "../transforms.js";
import { type ArmModel, gripperMapping, knownScene, motionStack, toolOf } from "./arm-model.js";
import type { JointStateSubscriber } from "./joint-state-subscriber.js";
import type { SemanticDescription } from "./semantic-description.js";

/** An arm that is known well enough to be moved. */
export interface ConfiguredArm {
  /** Of the robot description. */
  readonly name: string;
  readonly arm: Arm;
  readonly teleop: Teleop;
  readonly chain: Chain;
  /** Its description, for drawing it. */
  readonly urdf: string;
  /**
   * The joint that opens the gripper and its value for each metre of opening, where the parameters name it and it is
   * 0 when closed.
   */
  readonly fingers: { readonly joint: string; readonly perOpening: number } | undefined;
  /** Named joint positions of the robot's SRDF as it is known now, in the chain's order, radians. */
  readonly named: Readonly<Record<string, readonly number[]>>;
  /** Tries of one pick. */
  readonly maxAttempts: number;
  /** Opening of the open gripper. */
  readonly maxOpening: Metres;
  readonly kinematics: Kinematics;
  /** Frames of its base and of its tool link, in TF. */
  readonly base: FrameId;
  readonly tip: FrameId;
  /** Known surroundings, without those that the camera sees. */
  readonly scene: Scene;
  /** Where its joints are now, in the chain's order, and how far the gripper is open, in metres. */
  reading(): { readonly positions: readonly number[]; readonly opening?: number } | undefined;
  /** Where a camera's frame was in the base at a stamp; undefined while TF does not know. */
  cameraInBase(frame: FrameId, stamp: Stamp): Pose | undefined;
  /** Whether a camera's frame hangs on the hand: on the last moving part of the arm. */
  carries(frame: FrameId): boolean;
  /** A camera's frame on the hand in the tool's frame; undefined for another camera, or while TF does not know it. */
  cameraOnTool(frame: FrameId, stamp: Stamp): Pose | undefined;
  /** Turns a vector in the tool link's axes into the base's; undefined while the joints are not known. */
  fromTool(vector: Vec3): Vec3 | undefined;
  /** When an image was taken, by the arm's clock. */
  takenAt(stamp: Stamp): number;
}

export interface ConfiguredArmDependencies {
  readonly node: RclNode;
  readonly parameters: Parameters;
  readonly transforms: Transforms;
  readonly jointStates: JointStateSubscriber;
  readonly controller: ArmController;
  readonly gripper: GripperController;
  readonly pathPlanner: PathPlanner | undefined;
  readonly semantic: SemanticDescription;
  /** Where the joints are now, in the chain's order. */
  readonly configuration: readonly number[];
}

/** @throws GraspGroundingError ARM_CONFIG */
export function configuredArm(model: ArmModel, dependencies: ConfiguredArmDependencies): ConfiguredArm {
  const { node, parameters, transforms, jointStates, controller, gripper } = dependencies;
  const { pathPlanner, semantic, configuration } = dependencies;
  const { chain, robot } = model;
  const fingers = fingersOf(parameters);
  const segments = new Map(chain.bodies.map(({ link, segment }) => [link, segment]));
  const carries = (frame: FrameId): boolean => {
    const link = transforms.buffer.ancestors(frame).find((each) => segments.has(each));
    return link !== undefined && segments.get(link) === chain.segments.length - 1;
  };
  const stack = motionStack(model, {
    controller,
    gripper,
    configuration,
    ...(pathPlanner !== undefined && { pathPlanner }),
  });
  return {
    ...stack,
    name: robot.name,
    chain,
    urdf: model.urdf,
    fingers,
    get named() {
      return semantic.named(chain.joints);
    },
    maxAttempts: parameters.max_attempts,
    maxOpening: gripperMapping(parameters).stroke,
    reading: () => {
      const positions = controller.reading()?.positions;
      if (positions === undefined) return undefined;
      const at = fingers === undefined ? undefined : jointStates.position(fingers.joint);
      const opening = at === undefined ? undefined : at / fingers!.perOpening;
      return { positions, ...(opening !== undefined && { opening }) };
    },
    base: chain.base,
    tip: chain.tip,
    scene: knownScene(parameters),
    cameraInBase: (frame, stamp) => {
      const pose = transforms.now(chain.base, frame, stamp);
      return typeof pose === "string" ? undefined : pose;
    },
    carries,
    cameraOnTool: (frame, stamp) => {
      const inTip = carries(frame) ? transforms.now(chain.tip, frame, stamp) : "";
      return typeof inTip === "string" ? undefined : compose(invert(toolOf(parameters)), inTip);
    },
    fromTool: (vector) => {
      const now = controller.reading();
      if (now === undefined) return undefined;
      // The tool is turned about its z from the link that carries it.
      const inLink = rotate(conjugate(toolOf(parameters).orientation), vector);
      return rotate(stack.kinematics.forward(now.positions).orientation, inLink);
    },
    takenAt: (stamp) => systemClock.now() - secondsBetween(node.now().nanoseconds, stamp),
  };
}

function fingersOf(parameters: Parameters): ConfiguredArm["fingers"] {
  const { gripper_joint: joint } = parameters;
  const mapping = gripperMapping(parameters);
  return joint === "" || mapping.closed !== 0
    ? undefined
    : { joint, perOpening: mapping.open / mapping.stroke };
}
