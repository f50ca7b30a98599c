/** Camera and hand-eye calibration: targets, their detection by OpenCV, solvers, files and plots. */
export { checkCamera, checkHandEye, targetPose } from "./check.js";
export { TargetDetector } from "./detection/detect.js";
export { isAmbiguous, parseTarget, type Target } from "./detection/targets.js";
export { cameraInfoYaml, type HandEyeCalibration, handEyeYaml, parseHandEye } from "./files.js";
export { drawTarget, targetPdf, targetSvg } from "./plots/drawing.js";
export { checkPlot, handEyePlot, intrinsicsPlot } from "./plots/plots.js";
export { parsePoses } from "./poses.js";
export { areAlike, standsStill } from "./selection.js";
export {
  calibrateHandEye,
  type HandEyeType,
  type HandEyeView,
} from "./solvers/hand-eye.js";
export { calibrateIntrinsics } from "./solvers/intrinsics.js";
export type { DistortionModel } from "./solvers/intrinsics-types.js";
export type { Sighting, ViewError } from "./types.js";
