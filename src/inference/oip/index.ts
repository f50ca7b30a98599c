/** Servers of the Open Inference Protocol v2: the client, and a model repository for Triton. */
export { OipBackend, type OipOptions } from "./backend.js";
export { readResponse, writeRequest } from "./tensors.js";
export { locateConfig, type PartMetadata, partConfig, partName, type TritonOptions } from "./triton.js";
