/** A worker whose engine is ONNX Runtime's Python package. */
export { PythonWorker } from "./worker.js";
