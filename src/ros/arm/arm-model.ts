import { readFileSync } from "node:fs";
import {
  Arm,
  type ArmController,
  type Chain,
  CollisionChecker,
  defaultLimits,
  type GripperController,
  IkSolver,
  Kinematics,
  namedPositions,
  type PathPlanner,
  parseUrdf,
  type RobotDescription,
  SafetySupervisor,
  type Scene,
  type SequenceOptions,
  type SupervisorLimits,
  selectChain,
  Teleop,
} from "../../arm/index.js";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { Metres, Pose } from "../../geometry/index.js";
import type { Parameters } from "../parameters/index.js";
import { packageInstalled } from "../results/outputs.js";
import { type GripperMapping, gripperMappings } from "./gripper.js";

/** Speed taken for joints whose description gives none, per second. */
const unknownSpeed = 1;

/** The robot as its description and the node's parameters have it. */
export interface ArmModel {
  readonly urdf: string;
  readonly robot: RobotDescription;
  readonly chain: Chain;
  /** The same with the fingers at an opening; undefined where the parameters do not name their joint. */
  readonly opened: ((opening: Metres) => Chain) | undefined;
  readonly limits: SupervisorLimits;
  readonly sequence: SequenceOptions;
}

/** What the parameters alone say of the arm. */
export interface ArmSetup {
  readonly mapping: GripperMapping;
  /** Present when the robot description is a file. */
  readonly model: ArmModel | undefined;
  /** Text of the SRDF file, when there is one. */
  readonly semantic: string | undefined;
}

/** @throws GraspGroundingError ARM_CONFIG, ROBOT_DESCRIPTION, FILE_UNREADABLE */
export function armSetup(parameters: Parameters): ArmSetup {
  const { gripper, gripper_joint, robot_description_file: path, semantic_description_file } = parameters;
  if (gripper === "parallel_gripper_command" && gripper_joint === "")
    throw new GraspGroundingError("ARM_CONFIG", { detail: "parallel_gripper_command needs gripper_joint" });
  if (parameters.arm_planner === "moveit") {
    const missing = packageInstalled("moveit_msgs")
      ? undefined
      : "moveit_msgs is not in this ROS environment";
    const detail = parameters.planning_group === "" ? "arm_planner moveit needs planning_group" : missing;
    if (detail !== undefined) throw new GraspGroundingError("ARM_CONFIG", { detail });
  }
  const model = path === "" ? undefined : armModel(readDescription(path), parameters);
  const semantic = semantic_description_file === "" ? undefined : readSemantic(semantic_description_file);
  return { mapping: gripperMapping(parameters), model, semantic };
}

/** An SRDF file that is usable. */
function readSemantic(path: string): string {
  const text = readDescription(path);
  namedPositions(text, []);
  return text;
}

/** @throws GraspGroundingError FILE_UNREADABLE */
export function readDescription(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new GraspGroundingError("FILE_UNREADABLE", { path, detail: describe(error) }, { cause: error });
  }
}

/** @throws GraspGroundingError ROBOT_DESCRIPTION, ARM_CONFIG */
export function armModel(urdf: string, parameters: Parameters): ArmModel {
  const robot = parseUrdf(urdf);
  const { base_frame, tool_frame, velocity_scale, max_joint_acceleration, max_joint_jerk } = parameters;
  const select = (rest: Readonly<Record<string, number>>) =>
    selectChain(robot, {
      ...(base_frame !== "" && { base: base_frame }),
      ...(tool_frame !== "" && { tip: tool_frame }),
      tool: toolOf(parameters),
      rest,
    });
  const { gripper_joint: finger } = parameters;
  const { stroke } = gripperMapping(parameters);
  const chain = select(finger === "" ? {} : fingersAt(stroke, robot, parameters));
  const opened =
    finger === "" ? undefined : (opening: Metres) => select(fingersAt(opening, robot, parameters));
  const each = (value: number) => chain.joints.map(() => value);
  const velocity = chain.velocity.map((v) => (Number.isFinite(v) ? v : unknownSpeed) * velocity_scale);
  return {
    urdf,
    robot,
    chain,
    opened,
    limits: {
      ...defaultLimits,
      workspace: {
        min: [parameters.workspace_min_x, parameters.workspace_min_y, parameters.workspace_min_z],
        max: [parameters.workspace_max_x, parameters.workspace_max_y, parameters.workspace_max_z],
      },
      lower: chain.lower,
      upper: chain.upper,
      velocity,
      teleopSpeed: parameters.teleop_speed,
      frameAge: parameters.execute_frame_age,
      feedbackAge: parameters.joint_state_timeout,
      lease: parameters.heartbeat_timeout,
      stopWithin: parameters.stop_timeout,
    },
    sequence: {
      limits: { velocity, acceleration: each(max_joint_acceleration), jerk: each(max_joint_jerk) },
      approach: parameters.approach_distance,
      lift: parameters.lift_height,
      straightSpeed: parameters.straight_speed,
      freeSpeed: parameters.free_speed,
      retreat: parameters.retreat,
    },
  };
}

export interface MotionDependencies {
  readonly controller: ArmController;
  readonly gripper: GripperController;
  /** Where the arm stands now: it does not touch itself there, whatever the capsules around it do. */
  readonly configuration: readonly number[];
  readonly pathPlanner?: PathPlanner;
}

/** Everything that moves one arm. */
export interface MotionStack {
  readonly arm: Arm;
  readonly teleop: Teleop;
  readonly kinematics: Kinematics;
}

export function motionStack(
  { robot, chain, opened, limits, sequence }: ArmModel,
  { configuration, pathPlanner, ...dependencies }: MotionDependencies,
): MotionStack {
  const checker = new CollisionChecker(robot, chain, {
    reference: configuration,
    ...(opened !== undefined && { opened }),
  });
  const arm = new Arm({
    ...dependencies,
    solver: new IkSolver(chain),
    checker,
    supervisor: new SafetySupervisor(limits),
    sequence,
    ...(pathPlanner !== undefined && { pathPlanner }),
  });
  const kinematics = new Kinematics(chain);
  const teleop = new Teleop({
    arm,
    checker,
    controller: dependencies.controller,
    kinematics: new Kinematics(chain),
  });
  return { arm, teleop, kinematics };
}

/** What stands about the arm whatever the camera sees. */
export const knownScene = ({ use_table, table_height }: Parameters): Scene =>
  use_table ? { table: { normal: [0, 0, 1], offset: -table_height } } : {};

/** @throws GraspGroundingError ARM_CONFIG */
export function gripperMapping(parameters: Parameters): GripperMapping {
  const { gripper_preset, gripper_stroke, gripper_open, gripper_closed } = parameters;
  if (gripper_preset !== "custom") return gripperMappings[gripper_preset];
  if (gripper_open === gripper_closed)
    throw new GraspGroundingError("ARM_CONFIG", { detail: "gripper_open and gripper_closed are the same" });
  return { stroke: gripper_stroke, open: gripper_open, closed: gripper_closed };
}

/** The links that move with the last joint: hand, fingers, and what else is fixed to them. */
export const gripperLinks = ({ bodies, segments }: Chain): readonly string[] =>
  bodies.filter(({ segment }) => segment === segments.length - 1).map(({ link }) => link);

/** The tool's frame in the link that carries it. */
export function toolOf({ tool_offset, tool_yaw }: Parameters): Pose {
  const half = (tool_yaw * Math.PI) / 360;
  return { position: [0, 0, tool_offset], orientation: [0, 0, Math.sin(half), Math.cos(half)] };
}

/** The gripper's joints when its fingers are `opening` apart, for collision checks. */
function fingersAt(opening: Metres, robot: RobotDescription, parameters: Parameters): Record<string, number> {
  const { gripper_joint } = parameters;
  const { stroke, open, closed } = gripperMapping(parameters);
  const at = closed + ((open - closed) * Math.min(opening, stroke)) / stroke;
  const joints = [...robot.joints.values()];
  return Object.fromEntries([
    [gripper_joint, at],
    ...joints
      .filter(({ mimic }) => mimic?.joint === gripper_joint)
      .map(({ name, mimic }) => [name, mimic!.multiplier * at + mimic!.offset]),
  ]);
}
