import { type Distortion, distort, distortionProblem, isDistorted, undistort } from "./distortion.js";
import type { Vec3 } from "./pose.js";
import type { Metres, Pixels } from "./units.js";

/**
 * A camera, in the optical frame of REP-103: x right, y down, z forward.
 * Pixel centres are at integer coordinates, as ROS and OpenCV have it.
 */
export interface CameraModel {
  readonly width: Pixels;
  readonly height: Pixels;
  readonly fx: Pixels;
  readonly fy: Pixels;
  readonly cx: Pixels;
  readonly cy: Pixels;
  /** Lens distortion as sensor_msgs/CameraInfo has it; absent means that the image has none. */
  readonly distortion?: Distortion;
}

/** Why a camera cannot be used, or undefined when it can. */
export function cameraProblem(camera: CameraModel): string | undefined {
  const { fx, fy, cx, cy, width, height } = camera;
  if (!(width > 0 && height > 0)) return "the image size is zero";
  if (!Number.isInteger(width) || !Number.isInteger(height))
    return `its image size ${width}×${height} is not whole pixels`;
  if (![fx, fy, cx, cy].every(Number.isFinite)) return "the intrinsics are not finite numbers";
  if (!(fx > 0 && fy > 0)) return "the focal length is not positive (uncalibrated cameras publish zeros)";
  if (fx < narrowest * width || fy < narrowest * height)
    return `the focal length ${fx}, ${fy} is not in pixels of a ${width}×${height} image`;
  return camera.distortion && distortionProblem(camera.distortion);
}

/** Focal length as a share of the image's side: a fisheye of 180 degrees has about a third. */
const narrowest = 0.05;

/** Why a camera does not belong to an image of a size, or undefined when it does. */
export function sizeProblem(
  camera: CameraModel,
  image: { readonly width: Pixels; readonly height: Pixels },
): { readonly camera: string; readonly image: string } | undefined {
  if (camera.width === image.width && camera.height === image.height) return undefined;
  return { camera: `${camera.width}×${camera.height}`, image: `${image.width}×${image.height}` };
}

/**
 * Point of the optical frame in metres at a pixel and depth z (along the optical axis). Distortion is undone; at pixels
 * that no ray falls on, outside a lens's field, it is left as it is.
 */
export function deproject(camera: CameraModel, u: Pixels, v: Pixels, z: Metres): Vec3 {
  const ray = pixelRay(camera, u, v) ?? [(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy];
  return [ray[0] * z, ray[1] * z, z];
}

/** The ray (x, y, 1) that falls on a pixel; undefined where none does. */
export function pixelRay(camera: CameraModel, u: Pixels, v: Pixels): readonly [number, number] | undefined {
  const x = (u - camera.cx) / camera.fx;
  const y = (v - camera.cy) / camera.fy;
  return isDistorted(camera.distortion) ? undistort(camera.distortion, x, y) : [x, y];
}

/** Pixel of a point of the optical frame, distortion included, or undefined behind the camera. */
export function project(camera: CameraModel, point: Vec3): readonly [Pixels, Pixels] | undefined {
  const [x, y, z] = point;
  if (!(z > 0)) return undefined;
  if (!isDistorted(camera.distortion))
    return [(camera.fx * x) / z + camera.cx, (camera.fy * y) / z + camera.cy];
  const [u, v] = distort(camera.distortion, x / z, y / z);
  return [camera.fx * u + camera.cx, camera.fy * v + camera.cy];
}

/** The same camera for an image scaled to width × height. */
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
