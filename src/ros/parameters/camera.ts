import type { ParameterGroup } from "./spec.js";

/** The camera's topics, and how their messages are matched. */
export const cameraParameters = {
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
      "Never ground an image that has no depth within sync_tolerance; otherwise it is grounded without depth after sync_timeout.",
  },
  rectified: {
    type: "boolean",
    default: false,
    readOnly: true,
    description:
      "The images are rectified: the camera is taken from P of the camera info instead of K and D.",
  },
  depth_registered: {
    type: "boolean",
    default: true,
    readOnly: true,
    description:
      "Depth is aligned to colour; when false, depth in its own frame is registered through TF and its own camera info.",
  },
  check_frames: {
    type: "boolean",
    default: true,
    description:
      "Refuse camera info, and registered depth, whose frame_id differs from the image's; false takes them as they are.",
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
    description: "Seconds an image waits for its depth.",
  },
  max_frame_age: {
    type: "double",
    default: 0,
    range: [0, 3600],
    description:
      "Images older than this when they arrive are dropped, in seconds of the node's clock; 0 takes any.",
  },
  qos_reliability: {
    type: "string",
    default: "auto",
    options: ["auto", "reliable", "best_effort"],
    readOnly: true,
    description:
      "Reliability of the camera subscriptions; auto follows the publishers. qos_overrides of a topic come before it.",
  },
  qos_depth: {
    type: "integer",
    default: 2,
    range: [1, 100],
    readOnly: true,
    description: "Queue depth of each camera subscription, in messages.",
  },
} as const satisfies ParameterGroup;
