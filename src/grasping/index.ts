/** Depth + mask -> ranked grasps for a parallel gripper. */
export { frankaHand, gripperProblem, grippers, robotiq2f85 } from "./grippers.js";
export { cleanMask } from "./pixels.js";
export { createGraspPlanner, type GraspPlannerOptions, inputProblem } from "./planner.js";
export { type GraspScene, readScene } from "./scene.js";
export type { ScoreWeights } from "./score.js";
export type {
  Grasp,
  GraspPlan,
  GraspPlanner,
  GraspRefusal,
  GraspTarget,
  GripperModel,
} from "./types.js";
