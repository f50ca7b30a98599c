/** Every parameter of the node: the one table that descriptors, validation, launch files and docs are made from. */
export type ParameterValue = boolean | number | string;

interface Common<T extends ParameterValue> {
  readonly default: T;
  /** One sentence; units and what a special value means. */
  readonly description: string;
  /** Read when the node is configured; changing it needs cleanup and configure. */
  readonly readOnly?: boolean;
}

export type ParameterSpec =
  | ({ readonly type: "boolean" } & Common<boolean>)
  | ({ readonly type: "integer" | "double"; readonly range: readonly [number, number] } & Common<number>)
  | ({ readonly type: "string"; readonly options?: readonly string[] } & Common<string>);

const workspaceBound = (value: number, which: "Lower" | "Upper", axis: string) =>
  ({
    type: "double",
    default: value,
    range: [-10, 10],
    readOnly: true,
    description: `${which} ${axis} of the box the arm must stay inside, in base_frame, in metres.`,
  }) as const;

export const parameterSpecs = {
  model: {
    type: "string",
    default: "lite",
    readOnly: true,
    description: "Name of an installed model, or the path of a model folder.",
  },
  backend: {
    type: "string",
    default: "in-process",
    options: ["in-process", "zmq", "oip"],
    readOnly: true,
    description:
      "Where the model runs: in this process, in workers over ZeroMQ, or on a server of the Open Inference Protocol.",
  },
  endpoints: {
    type: "string",
    default: "",
    readOnly: true,
    description:
      "Addresses of the workers (ipc:///path, tcp://host:port) or servers (http://host:port), with commas.",
  },
  key_file: {
    type: "string",
    default: "",
    readOnly: true,
    description: "File with this node's CURVE keys, for workers on other machines.",
  },
  server_key: {
    type: "string",
    default: "",
    readOnly: true,
    description: "The workers' public key, or the file that holds it.",
  },
  insecure_plain_tcp: {
    type: "boolean",
    default: false,
    readOnly: true,
    description: "Let plain TCP leave this machine: anybody on the network can read the pictures.",
  },
  request_timeout: {
    type: "double",
    default: 10,
    range: [0.01, 3600],
    readOnly: true,
    description: "Seconds an inference request to a worker or server may take in all.",
  },
  provider: {
    type: "string",
    default: "cpu",
    readOnly: true,
    description:
      "Execution providers in the order they are tried, with commas, of cpu, cuda, tensorrt and webgpu; what is not named is never taken.",
  },
  require_provider: {
    type: "string",
    default: "",
    options: ["", "cpu", "cuda", "tensorrt", "webgpu"],
    readOnly: true,
    description:
      "Fail unless all of the model's work runs on this provider, seen in a profiled run at the start.",
  },
  device: {
    type: "integer",
    default: 0,
    range: [0, 63],
    readOnly: true,
    description: "Number of the GPU.",
  },
  gpu_memory: {
    type: "integer",
    default: 0,
    range: [0, 1048576],
    readOnly: true,
    description: "Most MiB of GPU memory for each of the model's three sessions; 0 for no limit.",
  },
  fp16: {
    type: "boolean",
    default: false,
    readOnly: true,
    description: "Let TensorRT compute in half precision; for CUDA name the model's form NAME@fp16.",
  },
  threads: {
    type: "integer",
    default: 0,
    range: [0, 256],
    readOnly: true,
    description: "Threads of the model; 0 takes as many as the machine gives, at most 8.",
  },
  threshold: {
    type: "double",
    default: 0,
    range: [0, 1],
    readOnly: true,
    description: "Object probability from which a pixel counts as the object; 0 takes the model's own.",
  },
  autostart: {
    type: "boolean",
    default: true,
    readOnly: true,
    description: "Configure and activate at start; off when a lifecycle manager does it.",
  },
  load_timeout: {
    type: "double",
    default: 120,
    range: [1, 3600],
    readOnly: true,
    description: "Seconds that loading the model may take before configuring fails.",
  },
  mode: {
    type: "string",
    default: "continuous",
    options: ["continuous", "on_demand"],
    description:
      "continuous grounds the last sentence on every picture; on_demand answers each sentence once, on the newest picture.",
  },
  query: {
    type: "string",
    default: "",
    description: "Sentence to ground until one arrives on ~/query; empty grounds nothing.",
  },
  frame_reuse: {
    type: "double",
    default: 1,
    range: [0, 86400],
    description:
      "Seconds for which a picture that was grounded already may answer another request; 0 always waits for a fresh one, as goals that execute do.",
  },
  max_rate: {
    type: "double",
    default: 0,
    range: [0, 1000],
    description: "Pictures per second at most in continuous mode; 0 for no limit.",
  },
  image_transport: {
    type: "string",
    default: "raw",
    options: ["raw", "compressed"],
    readOnly: true,
    description: "raw subscribes camera/color/image_raw, compressed the topic below it.",
  },
  depth_transport: {
    type: "string",
    default: "raw",
    options: ["raw", "compressedDepth"],
    readOnly: true,
    description:
      "raw subscribes camera/aligned_depth_to_color/image_raw, compressedDepth the topic below it.",
  },
  use_depth: {
    type: "boolean",
    default: true,
    readOnly: true,
    description: "Subscribe depth and camera info; without them there are boxes and masks but no grasps.",
  },
  require_depth: {
    type: "boolean",
    default: false,
    description:
      "Never ground a picture that has no depth within sync_tolerance; otherwise it is grounded without depth after sync_timeout.",
  },
  rectified: {
    type: "boolean",
    default: false,
    readOnly: true,
    description:
      "The pictures are rectified: the camera is taken from P of the camera info instead of K and D.",
  },
  depth_registered: {
    type: "boolean",
    default: true,
    readOnly: true,
    description:
      "Depth is aligned to colour; when false, depth in its own frame is registered through TF and its own camera info.",
  },
  sync_tolerance: {
    type: "double",
    default: 0.02,
    range: [0, 10],
    description: "Largest difference between the stamps of colour and depth, in seconds.",
  },
  sync_timeout: {
    type: "double",
    default: 0.5,
    range: [0.01, 10],
    description: "Seconds a picture waits for its depth.",
  },
  max_frame_age: {
    type: "double",
    default: 0,
    range: [0, 3600],
    description:
      "Pictures older than this when they arrive are dropped, in seconds of the node's clock; 0 takes any.",
  },
  qos_reliability: {
    type: "string",
    default: "auto",
    options: ["auto", "reliable", "best_effort"],
    readOnly: true,
    description: "Reliability of the camera subscriptions; auto follows the publishers.",
  },
  qos_depth: {
    type: "integer",
    default: 2,
    range: [1, 100],
    readOnly: true,
    description: "Messages each camera subscription keeps.",
  },
  max_detections: {
    type: "integer",
    default: 10,
    range: [1, 100],
    description: "Objects published for one sentence at most, best first.",
  },
  publish_masks: {
    type: "boolean",
    default: true,
    description: "Fill the masks of ~/grounding and of the service's and action's answers.",
  },
  overlay_quality: {
    type: "integer",
    default: 80,
    range: [1, 100],
    description: "JPEG quality of ~/overlay/compressed.",
  },
  plan_grasps: {
    type: "boolean",
    default: true,
    readOnly: true,
    description: "Plan grasps for the best object when there is depth.",
  },
  gripper_model: {
    type: "string",
    default: "",
    readOnly: true,
    description:
      "Gripper to plan for: franka_hand, robotiq_2f85, or a YAML file of its dimensions (docs/GRASPING.md); empty follows gripper_preset.",
  },
  grasp_model: {
    type: "string",
    default: "",
    readOnly: true,
    description:
      "Name or folder of an imported GR-ConvNet-style network that proposes the grasps; empty plans by geometry.",
  },
  max_grasps: {
    type: "integer",
    default: 5,
    range: [1, 100],
    readOnly: true,
    description: "Grasps kept for one sentence at most, best first.",
  },
  target_frame: {
    type: "string",
    default: "",
    description:
      "Frame the grasps are published in, e.g. base_link; empty leaves them in the camera's optical frame.",
  },
  hand_eye_file: {
    type: "string",
    default: "",
    readOnly: true,
    description:
      "YAML of `calibrate hand-eye`, published as a static transform on /tf_static; empty publishes none.",
  },
  tf_timeout: {
    type: "double",
    default: 0.2,
    range: [0, 10],
    description: "Seconds to wait for a transform that is not there yet.",
  },
  tf_cache: {
    type: "double",
    default: 10,
    range: [0.1, 600],
    readOnly: true,
    description: "Seconds of transforms that are kept.",
  },
  service_timeout: {
    type: "double",
    default: 10,
    range: [0.1, 600],
    description:
      "Seconds the service and the action wait for a picture and an answer when the request says 0.",
  },
  allow_execute: {
    type: "boolean",
    default: false,
    description: "Let ~/grasp move the arm when a goal asks for it. Off: such goals are refused.",
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
      "What plans the ways there and back: the built-in search, or MoveIt 2 through the action move_group_action.",
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
    description: "Seconds MoveIt may take for one way.",
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
    description: "Newtons the gripper closes with; 0 takes what the grasp planner hints at.",
  },
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
    description: "Largest speed of the tool on the ways there and back, in m/s.",
  },
  straight_speed: {
    type: "double",
    default: 0.1,
    range: [0.005, 1],
    readOnly: true,
    description: "Largest speed of the tool on the straight ways in and up, in m/s.",
  },
  approach_distance: {
    type: "double",
    default: 0.1,
    range: [0.01, 0.5],
    readOnly: true,
    description: "Length of the straight way in, in metres.",
  },
  lift_height: {
    type: "double",
    default: 0.1,
    range: [0.01, 0.5],
    readOnly: true,
    description: "Length of the straight way up, in metres.",
  },
  retreat: {
    type: "string",
    default: "start",
    options: ["start", "stay"],
    readOnly: true,
    description: "Where the arm goes with the object after lifting it: back to where it started, or nowhere.",
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
    description: "Oldest picture a motion may be planned from, in seconds.",
  },
  joint_state_timeout: {
    type: "double",
    default: 0.2,
    range: [0.02, 5],
    readOnly: true,
    description: "Seconds without a joint state after which a moving arm is stopped and the stop latched.",
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
  diagnostics_period: {
    type: "double",
    default: 1,
    range: [0.1, 60],
    readOnly: true,
    description: "Seconds from one message on /diagnostics to the next.",
  },
  metrics_port: {
    type: "integer",
    default: 0,
    range: [0, 65535],
    readOnly: true,
    description: "Port of the Prometheus endpoint /metrics; 0 opens none.",
  },
  metrics_host: {
    type: "string",
    default: "127.0.0.1",
    readOnly: true,
    description:
      "Address the Prometheus endpoint listens on; it has no access control, so keep it on loopback.",
  },
} as const satisfies Record<string, ParameterSpec>;

type Specs = typeof parameterSpecs;
export type ParameterName = keyof Specs;

type ValueOf<S extends ParameterSpec> = S extends { options: readonly (infer O)[] }
  ? O
  : S["type"] extends "boolean"
    ? boolean
    : S["type"] extends "string"
      ? string
      : number;

/** Values of all parameters, typed. */
export type Parameters = { readonly [Name in ParameterName]: ValueOf<Specs[Name]> };

export const parameterNames = Object.keys(parameterSpecs) as readonly ParameterName[];

export const defaultParameters = (): Parameters =>
  Object.fromEntries(
    parameterNames.map((name) => [name, parameterSpecs[name].default]),
  ) as unknown as Parameters;

/** Why a value is refused, in one line with what is allowed; undefined when it is fine. */
export function parameterProblem(name: string, value: unknown): string | undefined {
  if (!Object.hasOwn(parameterSpecs, name)) return undefined;
  const spec: ParameterSpec = parameterSpecs[name as ParameterName];
  switch (spec.type) {
    case "boolean":
      return typeof value === "boolean" ? undefined : `${name} must be true or false`;
    case "string":
      if (typeof value !== "string") return `${name} must be a string`;
      if (spec.options !== undefined && !spec.options.includes(value))
        return `${name} must be one of ${spec.options.join(", ")}, not "${value}"`;
      return undefined;
    default: {
      const [low, high] = spec.range;
      const number = typeof value === "bigint" ? Number(value) : value;
      if (typeof number !== "number" || !(number >= low && number <= high))
        return `${name} must be between ${low} and ${high}, not ${String(value)}`;
      return undefined;
    }
  }
}
