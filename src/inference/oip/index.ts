/** Servers of the Open Inference Protocol v2: the client, and a model repository for Triton. */
export { OipBackend } from "./backend.js";
export { readResponse, writeRequest } from "./tensors.js";
export {} from "./triton.js";
