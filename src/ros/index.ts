/** The ROS 2 node: camera topics, sentences, the service and the action in; groundings and grasps out. Alone in importing rclnodejs. */

export { NodeArm } from "./arm/node-arm.js";
export type { ReadyArm } from "./arm/ready-arm.js";
export type { Status } from "./diagnostics.js";
export { missingEnvironment } from "./environment.js";
export { BridgeNode, type BridgeNodeOptions } from "./node.js";
export { NodeBridge } from "./node-bridge.js";
export { type NodeObserver, ObservedPicture } from "./observer.js";
export { parameterJson, parameterPage, parameterYaml } from "./parameter-docs.js";
export {
  defaultParameters,
  type ParameterName,
  type Parameters,
  parameterNames,
  parameterProblem,
  parameterSpecs,
} from "./parameters/index.js";
export type { PipelineSource } from "./pipeline-host.js";
export { type PlayedTopic, Player } from "./player.js";
export type { ArmPort, ArmRequest } from "./ports.js";
export { loadRcl } from "./rcl.js";
export { registerDepth } from "./registration.js";
export { type RunOptions, runNode } from "./run.js";
export { Synchroniser } from "./sync.js";
export { TfBuffer } from "./tf-buffer.js";
