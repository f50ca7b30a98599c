/**
 * The ROS 2 node: camera topics, queries, the service and the action in; groundings and grasps out. Alone in
 * importing rclnodejs.
 */

export {} from "../messages/tf-buffer.js";
export type { ConfiguredArm } from "./arm/configured-arm.js";
export {} from "./arm/node-arm.js";
export {} from "./camera/sync.js";
export type { Status } from "./diagnostics.js";
export { missingEnvironment, useLargeImageProfile } from "./environment.js";
export { GroundingNode } from "./node.js";
export {} from "./node-pipeline.js";
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
export type {} from "./pipeline-host.js";
export { Player } from "./player.js";
export {} from "./rcl.js";
export type {} from "./requests/ports.js";
export { runNode } from "./run.js";
