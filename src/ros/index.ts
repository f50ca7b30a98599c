/** The ROS 2 node: camera topics, queries, the service and the action in; groundings and grasps out. Alone in importing rclnodejs. */

export { TfBuffer } from "../messages/tf-buffer.js";
export type { ConfiguredArm } from "./arm/configured-arm.js";
export { NodeArm } from "./arm/node-arm.js";
export { registerDepth } from "./camera/registration.js";
export { Synchroniser } from "./camera/sync.js";
export type { Status } from "./diagnostics.js";
export { missingEnvironment } from "./environment.js";
export { GroundingNode, type GroundingNodeOptions } from "./node.js";
export { NodePipeline } from "./node-bridge.js";
export { type NodeObserver, ObservedImage } from "./observer.js";
export {
  defaultParameters,
  type ParameterName,
  type Parameters,
  parameterNames,
  parameterProblem,
  parameterSpecs,
} from "./parameters/index.js";
export { parameterJson, parameterPage, parameterYaml } from "./parameters/parameter-docs.js";
export type { PipelineSource } from "./pipeline-host.js";
export { type PlayedTopic, Player } from "./player.js";
export type { ArmPort, ArmRequest } from "./ports.js";
export { loadRcl } from "./rcl.js";
export { type RunOptions, runNode } from "./run.js";
