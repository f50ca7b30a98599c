/** Where tensors are run: one port with a back end per place (so far: ONNX Runtime in this process). */
export { type ProviderGap, providerGap, runtimeVersion } from "./gpu-libraries.js";
export { InProcessBackend, type InProcessOptions } from "./in-process.js";
export {
  elementCount,
  type InferenceBackend,
  type ModelFiles,
  type ModelPart,
  type Tensor,
  type Tensors,
} from "./port.js";
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
export type { ManifestSession } from "./session-options.js";
export { SingleModel } from "./single.js";
