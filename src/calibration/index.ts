/** Camera and hand-eye calibration: targets, their detection by OpenCV, solvers, files and plots. */
export { type CameraCheck, checkCamera, checkHandEye, type HandEyeCheck, targetPose } from "./check.js";
export { TargetDetector } from "./detection/detect.js";
export { isAmbiguous, parseTarget, type Target, targetPoint, targetSize } from "./detection/targets.js";
export { cameraInfoYaml, type HandEyeCalibration, handEyeYaml, parseHandEye } from "./files.js";
export { drawTarget, type TargetDrawing, targetPdf, targetSvg } from "./plots/drawing.js";
export { checkPlot, handEyePlot, intrinsicsPlot } from "./plots/plots.js";
export {
  calibrateHandEye,
  type HandEyeError,
  type HandEyeOptions,
  type HandEyeResult,
  type HandEyeType,
  type HandEyeView,
} from "./solvers/hand-eye.js";
export { calibrateIntrinsics } from "./solvers/intrinsics.js";
export type { DistortionModel, IntrinsicsOptions, IntrinsicsResult } from "./solvers/intrinsics-types.js";
export { planarPose, refinePose, reprojection, rms } from "./solvers/planar-pose.js";
export type { Sighting, ViewError } from "./types.js";
