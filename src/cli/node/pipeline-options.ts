import { isProvider } from "../../inference/index.js";
import type { PipelineOptions } from "../../pipeline/index.js";
import type { Parameters } from "../../ros/index.js";

/**
 * The planner's gripper of each preset; a custom one is a Franka Hand of its own stroke, unless gripper_model says
 * more.
 */
const gripperNames = {
  franka_hand: "franka_hand",
  robotiq_2f_85: "robotiq_2f85",
  custom: "franka_hand",
} as const;

/** Seconds that workers and servers get to answer for the first time. */
const startTimeout = 30;
/**
 * The pipeline's thread stops waiting for them before the node stops waiting for the thread: ending a thread with open
 * sockets of zeromq aborts the process (https://github.com/zeromq/zeromq.js/issues/411).
 */
const shareOfLoadTimeout = 0.5;

/** The pipeline that the node's parameters ask for. */
export const nodePipeline = (parameters: Parameters): PipelineOptions => ({
  model: parameters.model,
  ...(parameters.proposals !== "" && { proposals: parameters.proposals }),
  ...(parameters.refine !== "" && { refine: parameters.refine }),
  backend: parameters.backend,
  ...(parameters.endpoints.trim() !== "" && {
    endpoint: parameters.endpoints.split(",").map((each) => each.trim()),
  }),
  ...(parameters.key_file !== "" && { key: parameters.key_file }),
  ...(parameters.server_key !== "" && { serverKey: parameters.server_key }),
  insecurePlainTcp: parameters.insecure_plain_tcp,
  startTimeout: Math.min(startTimeout, parameters.load_timeout * shareOfLoadTimeout),
  requestTimeout: Math.round(parameters.request_timeout * 1000),
  provider: parameters.provider,
  ...(isProvider(parameters.require_provider) && { requireProvider: parameters.require_provider }),
  device: parameters.device,
  ...(parameters.gpu_memory > 0 && { gpuMemory: parameters.gpu_memory }),
  resize: parameters.resize,
  locate: parameters.locate,
  fp16: parameters.fp16,
  ...(parameters.threads > 0 && { threads: parameters.threads }),
  ...(parameters.threshold > 0 && { threshold: parameters.threshold }),
  grasps: parameters.plan_grasps,
  maxGrasps: parameters.max_grasps,
  gripper: parameters.gripper_model || gripperNames[parameters.gripper_preset],
  ...(parameters.gripper_model === "" &&
    parameters.gripper_preset === "custom" && { gripperStroke: parameters.gripper_stroke }),
  ...(parameters.grasp_model !== "" && { graspModel: parameters.grasp_model }),
});
