/** Where tensors are run: one port, and a back end for each place: in this process, ZeroMQ workers, Open Inference Protocol servers. */
export { type BackendChoice, type BackendKind, backendKinds, createBackend } from "./choose.js";
export { type ProviderGap, providerGap, runtimeVersion } from "./gpu-libraries.js";
export { InProcessBackend, type InProcessOptions } from "./in-process.js";
export {
  type BackendReport,
  type CallOptions,
  elementCount,
  type InferenceBackend,
  type ModelFiles,
  type ModelPart,
  type PictureFormat,
  type Tensor,
  type Tensors,
} from "./port.js";
export { decodeJpeg, minPictureSide, resizePicture, toTensor } from "./preprocess.js";
export {
  describePlacement,
  type ExecutionProvider,
  executionProviders,
  isProvider,
  type Placement,
  parseProviders,
  placementOf,
  placementProblem,
} from "./providers.js";
export { resizeBilinear } from "./resize.js";
export type { ManifestSession } from "./session-options.js";
export { SingleModel } from "./single.js";
