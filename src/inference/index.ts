/** Where tensors are run: one port with a back end per place (so far: ONNX Runtime in this process). */
export { type ExecutionProvider, InProcessBackend, type InProcessOptions } from "./in-process.js";
export {
  elementCount,
  type InferenceBackend,
  type ModelFiles,
  type ModelPart,
  type Tensor,
  type Tensors,
} from "./port.js";
export { SingleModel } from "./single.js";
