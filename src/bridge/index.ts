/** The one pipeline every surface uses: frames and sentences in, groundings and grasps out. */
export { Bridge, type BridgeOptions, type ProcessOptions } from "./bridge.js";
export { LatestQueue } from "./latest.js";
export {
  type BridgeResult,
  type JsonOptions,
  type ResultJson,
  resultSchema,
  resultToJson,
} from "./result.js";
export { type ScenePoints, scenePoints } from "./scene-points.js";
