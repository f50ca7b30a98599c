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
  FRAME_TIMEOUT: entry({
    message: "no answer within {seconds} s: {detail}",
    cause: "the camera does not publish, its QoS is incompatible, or colour and depth never match",
    remedy: "check the camera and its topic with `ros2 topic hz {topic}`",
    httpStatus: 504,
    level: "stale",
  }),
  TF_UNAVAILABLE: entry({
    message: "no transform from {source} to {target}: {detail}",
    cause: "the tree is not connected, or its publisher stopped",
    remedy: "check its publisher: ros2 run tf2_ros tf2_echo {target} {source}",
    httpStatus: 503,
    level: "stale",
  }),
} as const satisfies Record<string, CatalogueEntry>;
