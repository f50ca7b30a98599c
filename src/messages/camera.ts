import { GraspGroundingError } from "../errors/index.js";
import { type CameraModel, cameraProblem } from "../geometry/index.js";
import type { CameraInfoMessage } from "./types.js";

/**
 * The pinhole camera of a sensor_msgs/CameraInfo. Region of interest and binning are taken into account: K describes
 * the full sensor, the image is a part of it.
 * @param rectified the image was rectified (topics named `…rect…`): P describes it and there is no distortion.
 * @throws GraspGroundingError CAMERA_INVALID
 */
export function cameraFromInfo(info: CameraInfoMessage, rectified = false): CameraModel {
  const { k, p, roi, d } = info;
  const usesP = rectified && (p[0] ?? 0) > 0;
  const [fx, cx, fy, cy] = usesP ? [p[0], p[2], p[5], p[6]] : [k[0], k[2], k[4], k[5]];
  const binX = Math.max(1, info.binning_x);
  const binY = Math.max(1, info.binning_y);
  const camera: CameraModel = {
    width: Math.floor((roi.width || info.width) / binX),
    height: Math.floor((roi.height || info.height) / binY),
    fx: (fx ?? 0) / binX,
    fy: (fy ?? 0) / binY,
    cx: ((cx ?? 0) - roi.x_offset) / binX,
    cy: ((cy ?? 0) - roi.y_offset) / binY,
  };
  const problem = cameraProblem(camera);
  if (problem !== undefined) throw new GraspGroundingError("CAMERA_INVALID", { detail: problem });
  const coefficients = Array.from(d);
  if (usesP || coefficients.every((value) => value === 0)) return camera;
  return { ...camera, distortion: { model: info.distortion_model, coefficients } };
}
