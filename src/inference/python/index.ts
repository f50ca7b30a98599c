/** A worker whose engine is ONNX Runtime's Python package, or PyTorch. */
export { type PythonEngine, PythonWorker, requirementsOf } from "./worker.js";
