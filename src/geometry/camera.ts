import type { Vec3 } from "./pose.js";
import type { Metres, Pixels } from "./units.js";

/**
 * Pinhole camera of a rectified picture, in the optical frame of REP-103: x right, y down, z forward.
 * Pixel centres are at integer coordinates, as ROS and OpenCV have it.
 */
export interface CameraModel {
  readonly width: Pixels;
  readonly height: Pixels;
  readonly fx: Pixels;
  readonly fy: Pixels;
  readonly cx: Pixels;
  readonly cy: Pixels;
  /** sensor_msgs/CameraInfo distortion; absent means rectified. */
  readonly distortion?: { readonly model: string; readonly coefficients: readonly number[] };
}

/** Why a camera cannot be used, or undefined when it can. */
export function cameraProblem(camera: CameraModel): string | undefined {
  const { fx, fy, cx, cy, width, height } = camera;
  if (!(width > 0 && height > 0)) return "the picture size is zero";
  if (![fx, fy, cx, cy].every(Number.isFinite)) return "the intrinsics are not finite numbers";
  if (!(fx > 0 && fy > 0)) return "the focal length is not positive (uncalibrated cameras publish zeros)";
  return undefined;
}

/** Point of the optical frame in metres at a pixel and depth z (along the optical axis). */
export const deproject = (camera: CameraModel, u: Pixels, v: Pixels, z: Metres): Vec3 => [
  ((u - camera.cx) / camera.fx) * z,
  ((v - camera.cy) / camera.fy) * z,
  z,
];

/** Pixel of a point of the optical frame, or undefined behind the camera. */
export function project(camera: CameraModel, point: Vec3): readonly [Pixels, Pixels] | undefined {
  const [x, y, z] = point;
  if (!(z > 0)) return undefined;
  return [(camera.fx * x) / z + camera.cx, (camera.fy * y) / z + camera.cy];
}

/** The same camera for a picture scaled to width × height. */
export function scaleCamera(camera: CameraModel, width: Pixels, height: Pixels): CameraModel {
  const sx = width / camera.width;
  const sy = height / camera.height;
  return {
    ...camera,
    width,
    height,
    fx: camera.fx * sx,
    fy: camera.fy * sy,
    cx: (camera.cx + 0.5) * sx - 0.5,
    cy: (camera.cy + 0.5) * sy - 0.5,
  };
}
