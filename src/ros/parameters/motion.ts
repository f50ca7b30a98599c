import type { ParameterGroup } from "./spec.js";

const workspaceBound = (value: number, which: "Lower" | "Upper", axis: string) =>
  ({
    type: "double",
    default: value,
    range: [-10, 10],
    readOnly: true,
    description: `${which} ${axis} of the box the arm must stay inside, in base_frame, in metres.`,
  }) as const;

/** Motion limits, workspace and stops of the arm. */
export const motionParameters = {
  velocity_scale: {
    type: "double",
    default: 0.3,
    range: [0.01, 1],
    readOnly: true,
    description: "Share of the robot description's joint speeds that may be used.",
  },
  max_joint_acceleration: {
    type: "double",
    default: 2,
    range: [0.01, 100],
    readOnly: true,
    description: "Largest acceleration of a joint, in rad/s².",
  },
  max_joint_jerk: {
    type: "double",
    default: 50,
    range: [0.1, 20000],
    readOnly: true,
    description: "Largest jerk of a joint, in rad/s³.",
  },
  free_speed: {
    type: "double",
    default: 0.25,
    range: [0.01, 2],
    readOnly: true,
    description: "Largest speed of the tool on transit paths, in m/s.",
  },
  straight_speed: {
    type: "double",
    default: 0.1,
    range: [0.005, 1],
    readOnly: true,
    description: "Largest speed of the tool on the straight approach and lift, in m/s.",
  },
  approach_distance: {
    type: "double",
    default: 0.1,
    range: [0.01, 0.5],
    readOnly: true,
    description: "Length of the straight approach, in metres.",
  },
  lift_height: {
    type: "double",
    default: 0.1,
    range: [0.01, 0.5],
    readOnly: true,
    description: "Height of the straight lift, in metres.",
  },
  retreat: {
    type: "string",
    default: "start",
    options: ["start", "stay"],
    readOnly: true,
    description: "Where the arm moves with the object after the lift: back to the start, or nowhere.",
  },
  max_attempts: {
    type: "integer",
    default: 3,
    range: [1, 10],
    description:
      "Tries of one ~/grasp goal. After a miss the arm retreats, detects the object again and takes another grasp. 1: one try, without verifying it by an image.",
  },
  second_view: {
    type: "string",
    default: "when_unsure",
    options: ["never", "when_unsure", "always"],
    description:
      "Look of an arm that carries the camera from a second place before the first try of a ~/grasp goal: never, when_unsure (the object or a grasp was not found, its score is low, or much of the object's outline is unseen), or always. A camera that does not hang on the hand never moves.",
  },
  path_tolerance: {
    type: "double",
    default: 0,
    range: [0, 3.2],
    readOnly: true,
    description:
      "Radians a joint may leave the trajectory by; 0 leaves it to the controller (action) or takes 0.2 (topic).",
  },
  goal_tolerance: {
    type: "double",
    default: 0,
    range: [0, 1],
    readOnly: true,
    description:
      "Radians a joint may miss the trajectory's end by; 0 leaves it to the controller (action) or takes 0.02 (topic).",
  },
  goal_time_tolerance: {
    type: "double",
    default: 0,
    range: [0, 60],
    readOnly: true,
    description:
      "Seconds the arm may arrive late; 0 leaves it to the controller (action) or takes 1 (topic).",
  },
  workspace_min_x: workspaceBound(-1, "Lower", "x"),
  workspace_min_y: workspaceBound(-1, "Lower", "y"),
  workspace_min_z: workspaceBound(-0.1, "Lower", "z"),
  workspace_max_x: workspaceBound(1, "Upper", "x"),
  workspace_max_y: workspaceBound(1, "Upper", "y"),
  workspace_max_z: workspaceBound(1.6, "Upper", "z"),
  use_table: {
    type: "boolean",
    default: true,
    readOnly: true,
    description: "Keep the arm above a level table at table_height.",
  },
  table_height: {
    type: "double",
    default: 0,
    range: [-5, 5],
    readOnly: true,
    description: "Height of the table's surface in base_frame, in metres.",
  },
  execute_frame_age: {
    type: "double",
    default: 2,
    range: [0.1, 60],
    readOnly: true,
    description: "Oldest image a motion may be planned from, in seconds.",
  },
  joint_state_timeout: {
    type: "double",
    default: 0.2,
    range: [0.02, 5],
    readOnly: true,
    description:
      "Seconds without a joint state after which a moving arm is stopped and the emergency stop is latched.",
  },
  stop_timeout: {
    type: "double",
    default: 0.5,
    range: [0.05, 10],
    readOnly: true,
    description: "Seconds the joints may take to come to rest after an order to stop.",
  },
  hold_to_run: {
    type: "boolean",
    default: false,
    readOnly: true,
    description: "A motion of ~/grasp goes on only while messages arrive on ~/heartbeat.",
  },
  heartbeat_timeout: {
    type: "double",
    default: 0.3,
    range: [0.05, 5],
    readOnly: true,
    description: "Seconds without a heartbeat after which the arm is stopped.",
  },
  teleop_speed: {
    type: "double",
    default: 0.25,
    range: [0.005, 0.25],
    readOnly: true,
    description: "Largest speed of the tool in teleop, in m/s.",
  },
} as const satisfies ParameterGroup;
