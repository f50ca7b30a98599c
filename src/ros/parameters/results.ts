import type { ParameterGroup } from "./spec.js";

/** Content and frame of the results. */
export const resultsParameters = {
  max_detections: {
    type: "integer",
    default: 10,
    range: [1, 100],
    description: "Objects published for one query at most, best first.",
  },
  publish_masks: {
    type: "boolean",
    default: true,
    description: "Fill the masks of ~/grounding and of the service's and action's answers.",
  },
  publish_requests: {
    type: "boolean",
    default: false,
    description:
      "Publish answers to ~/ground and ~/grasp on ~/grounding, ~/detections and ~/detections_3d too, whose messages name their query.",
  },
  track_timeout: {
    type: "double",
    default: 1,
    range: [0, 60],
    description:
      "Seconds an object may be out of sight and still get its id back; after that its collision object is removed.",
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
      "Gripper to plan for: franka_hand, robotiq_2f85, or a YAML file of its dimensions (docs/grasping.md); empty follows gripper_preset.",
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
    description: "Grasps published for one query at most, best first.",
  },
  target_frame: {
    type: "string",
    default: "",
    description:
      "Frame of the published grasps, 3D detections and collision objects, e.g. base_link; empty takes the camera's optical frame.",
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
    description: "Length of the transform buffer, in seconds.",
  },
  service_timeout: {
    type: "double",
    default: 10,
    range: [0.1, 600],
    description:
      "Seconds the service and the action wait for an image and an answer when the request says 0.",
  },
} as const satisfies ParameterGroup;
