/** Camera and hand-eye calibration: targets, their detection by OpenCV, solvers, files and plots. */
export {
  calibrateHandEye,
  type HandEyeError,
  type HandEyeOptions,
  type HandEyeResult,
  type HandEyeType,
  type HandEyeView,
} from "./hand-eye.js";
export {
  calibrateIntrinsics,
  type DistortionModel,
  type IntrinsicsOptions,
  type IntrinsicsResult,
} from "./intrinsics.js";
export { planarPose, refinePose, reprojection, rms } from "./planar-pose.js";
export type { Sighting, ViewError } from "./types.js";
