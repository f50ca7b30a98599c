/** Camera and hand-eye calibration: targets, their detection by OpenCV, solvers, files and plots. */
export { type CameraCheck, checkCamera, checkHandEye, type HandEyeCheck, targetPose } from "./check.js";
export { TargetDetector } from "./detect.js";
export { drawTarget, type TargetDrawing, targetPdf, targetSvg } from "./drawing.js";
export { cameraInfoYaml, type HandEyeCalibration, handEyeYaml, parseHandEye } from "./files.js";
export {
  calibrateHandEye,
  type HandEyeError,
  type HandEyeOptions,
  type HandEyeResult,
  type HandEyeType,
  type HandEyeView,
} from "./hand-eye.js";
export { calibrateIntrinsics } from "./intrinsics.js";
export type { DistortionModel, IntrinsicsOptions, IntrinsicsResult } from "./intrinsics-types.js";
export { planarPose, refinePose, reprojection, rms } from "./planar-pose.js";
export { checkPlot, handEyePlot, intrinsicsPlot } from "./plots.js";
export { isAmbiguous, parseTarget, type Target, targetPoint, targetSize } from "./targets.js";
export type { Sighting, ViewError } from "./types.js";
