/** The library: the pipeline and its parts, for programs that embed them. The command line is `grasp-grounding`. */
export * from "./bags/index.js";
export * from "./errors/index.js";
export * from "./geometry/index.js";
export * from "./grasping/index.js";
export * from "./grounding/index.js";
export * from "./inference/index.js";
export * from "./pipeline/index.js";
