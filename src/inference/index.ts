/**
 * Inference: one port, and a back end each for this process, ZeroMQ workers and servers of the Open Inference
 * Protocol.
 */
export { type BackendChoice, type BackendKind, backendKinds, createBackend } from "./choose.js";
export {
  InProcessBackend,
  type InProcessOptions,
  inferenceThreads,
  type ResizePlace,
  resizePlaces,
} from "./in-process/backend.js";
export {
  gpuFolder,
  nvidiaGap,
  onnxRuntimeFolder,
  type ProviderGap,
  providerGap,
  runtimeVersion,
} from "./in-process/gpu-libraries.js";
export {
  describePlacement,
  type ExecutionProvider,
  executionProviders,
  isProvider,
  type Placement,
  parseProviders,
  placementOf,
  placementProblem,
} from "./in-process/providers.js";
export type { ManifestSession } from "./in-process/session-options.js";
export { SingleModel } from "./in-process/single.js";
export {
  type BackendReport,
  type CallOptions,
  elementCount,
  highestOf,
  type ImageFormat,
  type ImageInput,
  type InferenceBackend,
  type ModelFiles,
  type ModelPart,
  modelParts,
  probabilitiesOf,
  type Tensor,
  type Tensors,
} from "./port.js";
export {
  checkImageSide,
  decodeJpeg,
  fittedSize,
  imageTensor,
  minImageSide,
  resizeImage,
  toTensor,
} from "./preprocess/preprocess.js";
export { type Resample, resizeBilinear } from "./preprocess/resize.js";
