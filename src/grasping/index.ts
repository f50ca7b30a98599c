/** Depth + mask -> ranked grasps for a parallel gripper. */

export { viewsAround } from "./geometric/next-view.js";
export { cleanMask } from "./geometric/pixels.js";
export { createGraspPlanner, type GraspPlannerOptions, inputProblem } from "./geometric/planner.js";
export { blockedQuestion, blockedReason } from "./geometric/refusal.js";
export { type GraspScene, readScene } from "./geometric/scene.js";
export type { ScoreWeights } from "./geometric/score.js";
export { maskInSecondView } from "./geometric/second-mask.js";
export { frankaHand, gripperProblem, grippers, robotiq2f85 } from "./grippers.js";
export { heldInCamera, planPlace, upInCamera } from "./place/plan.js";
export type { HeldObject, PlacePlan, PlaceRelation } from "./place/types.js";
export type {
  Blocker,
  BlockerSide,
  DepthView,
  Grasp,
  GraspPlan,
  GraspPlanner,
  GraspRefusal,
  GraspTarget,
  GripperModel,
  SecondView,
} from "./types.js";
