/**
 * Grasps from a network (GR-ConvNet and alike, in ONNX) through the grasp planner's port: its maps, fused with the
 * mask.
 */
export { type GraspModelManifest, readGraspManifest } from "./manifest.js";
export { GraspNetwork } from "./network.js";
export { LearnedGraspPlanner, type LearnedPlannerOptions } from "./planner.js";
