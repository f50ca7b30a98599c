import type { ParameterGroup } from "./spec.js";

/** The arm and its gripper: permission to move, interface and description. */
export const armParameters = {
  allow_execute: {
    type: "boolean",
    default: false,
    description: "Let ~/grasp move the arm when a goal asks for it. Off: such goals are refused.",
  },
  execute_min_score: {
    type: "double",
    default: 0,
    range: [0, 1],
    description:
      "Least score of the object, its calibrated probability to be the right one, from which ~/grasp moves the arm. Below it the goal ends with the grasps and without a motion. 0: no limit.",
  },
  allow_teleop: {
    type: "boolean",
    default: false,
    description: "Let ~/teleop move the arm; needs allow_execute too.",
  },
  arm: {
    type: "string",
    default: "none",
    options: ["none", "action", "topic"],
    readOnly: true,
    description:
      "How the arm is driven: not at all, by the action follow_joint_trajectory of arm_controller, or by its topic joint_trajectory.",
  },
  arm_controller: {
    type: "string",
    default: "joint_trajectory_controller",
    readOnly: true,
    description: "Name of the arm's joint trajectory controller.",
  },
  arm_planner: {
    type: "string",
    default: "builtin",
    options: ["builtin", "moveit"],
    readOnly: true,
    description:
      "Planner of the transit paths: the built-in search, or MoveIt 2 through the action move_group_action.",
  },
  move_group_action: {
    type: "string",
    default: "move_action",
    readOnly: true,
    description: "Name of move_group's action, for arm_planner moveit.",
  },
  planning_group: {
    type: "string",
    default: "",
    readOnly: true,
    description: "MoveIt's planning group of the arm, for arm_planner moveit.",
  },
  planning_time: {
    type: "double",
    default: 2,
    range: [0.1, 60],
    readOnly: true,
    description: "Seconds MoveIt may take for one path.",
  },
  semantic_description_file: {
    type: "string",
    default: "",
    readOnly: true,
    description:
      "SRDF file of the robot; empty reads the topic robot_description_semantic. The console offers its group states as named positions; one called home is where it returns to.",
  },
  robot_description_file: {
    type: "string",
    default: "",
    readOnly: true,
    description: "URDF file of the robot (xacro expanded); empty reads the topic robot_description.",
  },
  base_frame: {
    type: "string",
    default: "",
    readOnly: true,
    description: "Link the arm stands on; empty takes the root of the robot description.",
  },
  tool_frame: {
    type: "string",
    default: "",
    readOnly: true,
    description: "Link at the end of the arm, z pointing out of the hand; empty guesses it.",
  },
  tool_offset: {
    type: "double",
    default: 0,
    range: [-1, 1],
    readOnly: true,
    description: "Metres from the tool frame along its z to the point between the fingertips.",
  },
  tool_yaw: {
    type: "double",
    default: 0,
    range: [-180, 180],
    readOnly: true,
    description: "Degrees from the tool frame's x to the direction the fingers close along, about its z.",
  },
  gripper: {
    type: "string",
    default: "gripper_command",
    options: ["gripper_command", "parallel_gripper_command"],
    readOnly: true,
    description: "Type of the gripper's action: control_msgs GripperCommand or ParallelGripperCommand.",
  },
  gripper_action: {
    type: "string",
    default: "gripper_controller/gripper_cmd",
    readOnly: true,
    description: "Name of the gripper's action.",
  },
  gripper_preset: {
    type: "string",
    default: "franka_hand",
    options: ["franka_hand", "robotiq_2f_85", "custom"],
    readOnly: true,
    description:
      "The gripper: how its command relates to the distance between its fingers, and its size for planning. custom takes gripper_stroke, gripper_open and gripper_closed.",
  },
  gripper_joint: {
    type: "string",
    default: "",
    readOnly: true,
    description: "Joint that the gripper's command moves; needed by parallel_gripper_command.",
  },
  gripper_stroke: {
    type: "double",
    default: 0.08,
    range: [0.001, 0.5],
    readOnly: true,
    description: "Metres between the open fingers, for gripper_preset custom.",
  },
  gripper_open: {
    type: "double",
    default: 0.04,
    range: [-10, 10],
    readOnly: true,
    description: "The gripper's command when it is open, for gripper_preset custom.",
  },
  gripper_closed: {
    type: "double",
    default: 0,
    range: [-10, 10],
    readOnly: true,
    description: "The gripper's command when it is closed, for gripper_preset custom.",
  },
  gripper_force: {
    type: "double",
    default: 0,
    range: [0, 500],
    readOnly: true,
    description: "Newtons the gripper closes with; 0 takes the grasp planner's suggestion.",
  },
} as const satisfies ParameterGroup;
