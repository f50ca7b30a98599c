/** The one pipeline every surface uses: frames and queries in, groundings and grasps out. */
export {
  type BackendOptions,
  backendChoice,
  checkProviders,
  defaultEngineCache,
  inProcessOptions,
  type RemoteOptions,
} from "./backend.js";
export { readCamera } from "./camera-file.js";
export { createPipeline, openGrounder, type PipelineOptions } from "./create.js";
export { readGripper } from "./gripper-file.js";
export { maxImageSide, readColour, readColourForDepth, readDepth } from "./image-files.js";
export { GraspPipeline, type GraspPipelineOptions, type ProcessOptions } from "./pipeline.js";
export {
  type JsonOptions,
  type PipelineResult,
  type ResultJson,
  resultSchema,
  resultToJson,
} from "./result.js";
export { type ScenePoints, scenePoints } from "./scene-points.js";
export { sameObject } from "./second-view.js";
