import { type CatalogueEntry, entry } from "../entry.js";

/** Errors of the ROS 2 node. */
export const rosErrors = {
  ROS_MISSING: entry({
    message: "ROS 2 cannot be used: {detail}",
    cause: "ROS 2 is not sourced, or rclnodejs is not compiled for it",
    remedy: "source your ROS 2 (`. /opt/ros/jazzy/setup.sh`) or run `npm run ros:setup`, then start again",
  }),
  ROS_PARAMETER: entry({
    message: "parameter {name} is refused: {detail}",
    cause: "a value out of the parameter's range, of another type, or read-only",
    remedy: "see docs/ros-parameters.md",
    exitCode: 2,
    httpStatus: 400,
  }),
  ROS_PARAMETER_FILE: entry({
    message: "parameter file {path} cannot be used: {detail}",
    cause: "the file is missing, is no ROS 2 parameter file, or is for another node",
    remedy: "key its parameters by /**, by the node's name or by its full name; see docs/ros-parameters.md",
    exitCode: 2,
  }),
  ROS_CLOCK: entry({
    message: "the clock does not run: {detail}",
    cause: "use_sim_time is on, and no simulation or recording publishes /clock",
    remedy: "start what publishes /clock, or set use_sim_time to false",
    level: "error",
  }),
  ROS_CONFIGURE: entry({
    message: "the node cannot be configured: {detail}",
    cause: "the model, the robot description or a parameter is not usable",
    remedy: "fix that and start it again",
  }),
  PIPELINE_TIMEOUT: entry({
    message: "the model did not load within {seconds} s",
    cause: "a slow or overloaded machine, or too little memory",
    remedy: "raise the parameter load_timeout, or check the machine's memory",
  }),
  PIPELINE_ENDED: entry({
    message: "the pipeline's thread ended ({detail})",
    cause: "the thread ran out of memory or crashed",
    remedy: "cleanup and configure the node again",
  }),
  NODE_INACTIVE: entry({
    message: "the node is {state}",
    cause: "the lifecycle node was not activated, or was deactivated",
    remedy: "activate it: ros2 lifecycle set {node} {transition}",
    httpStatus: 503,
    level: "warn",
  }),
  NODE_STOPPING: entry({
    message: "the node is shutting down",
    cause: "it received a signal, or the program that started it ended",
    remedy: "start it again",
    httpStatus: 503,
    level: "warn",
  }),
  TRANSITION_INVALID: entry({
    message: "transition {transition} is refused: the node is {state}",
    cause: "a lifecycle manager asked for a transition that the node's state does not offer",
    remedy: "ask for one of those that `ros2 lifecycle list {node}` shows",
    level: "warn",
  }),
  FRAME_TIMEOUT: entry({
    message: "no answer within {seconds} s: {detail}",
    cause: "the camera does not publish, its QoS is incompatible, or colour and depth never match",
    remedy: "check the camera and its topic with `ros2 topic hz {topic}`",
    httpStatus: 504,
    level: "stale",
  }),
  NO_DESTINATION: entry({
    message: '"{query}" names no place',
    cause: "a goal of ~/place says where: in, on or next to an object, between two, or back where it was",
    remedy: 'say for example "in the bowl", "next to the can" or "back where it was"',
    httpStatus: 400,
    level: "warn",
  }),
  UNCERTAIN_OBJECT: entry({
    message: 'the object found for "{query}" has a score of {score}, below {least}; the arm did not move',
    cause: "the model is not certain enough that it is the right object, and execute_min_score asks for more",
    remedy:
      "look at the image; name the object by what tells it apart, or lower the parameter execute_min_score",
    httpStatus: 409,
    level: "warn",
  }),
  NO_REPLY: entry({
    message: "no reply within {seconds} s to the question: {question}",
    cause: "several objects fit the query equally well, and nobody answered on ~/clarify",
    remedy:
      "publish the reply on ~/clarify, name the object by what tells it apart, or set the parameter ask to never",
    httpStatus: 504,
    level: "warn",
  }),
  TF_UNAVAILABLE: entry({
    message: "no transform from {source} to {target}: {detail}",
    cause: "the tree is not connected, or its publisher stopped",
    remedy: "check its publisher: ros2 run tf2_ros tf2_echo {target} {source}",
    httpStatus: 503,
    level: "stale",
  }),
} as const satisfies Record<string, CatalogueEntry>;
