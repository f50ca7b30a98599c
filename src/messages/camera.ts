import { GraspGroundingError } from "../errors/index.js";
import { type CameraModel, type Pixels, resolveCamera, scaleCamera, sizeProblem } from "../geometry/index.js";
import type { CameraInfoMessage } from "./types.js";

export interface CameraReading {
  /**
   * Whether the image is rectified: P then describes it. Undefined: the message does not say; the distortion is taken
   * to be in the image, and `onAssumed` is told so.
   */
  readonly rectified?: boolean | undefined;
  /** Takes, in words, what the calibration leaves open and how it is read. */
  readonly onAssumed?: (text: string) => void;
}

/**
 * The camera of the image that a sensor_msgs/CameraInfo describes. Region of interest and binning are applied.
 * @throws GraspGroundingError CAMERA_INVALID
 */
export function cameraFromInfo(info: CameraInfoMessage, options: CameraReading = {}): CameraModel {
  const { width, height, k, p, d, roi, binning_x, binning_y, distortion_model: distortionModel } = info;
  const fields = { width, height, k, p, d, roi, distortionModel, binning: [binning_x, binning_y] } as const;
  const resolved = resolveCamera(fields, options.rectified);
  if (!resolved.ok) throw new GraspGroundingError("CAMERA_INVALID", { detail: resolved.problem });
  if (resolved.assumed !== undefined) options.onAssumed?.(resolved.assumed);
  return resolved.value;
}

/**
 * The camera, when it is for images of this size; scaled to it when asked.
 * @param scale allows another size of the same proportions: the calibration of one resolution on images of another
 * @throws GraspGroundingError CAMERA_SIZE
 */
export function cameraForImage(
  camera: CameraModel,
  image: { readonly width: Pixels; readonly height: Pixels },
  scale = false,
): CameraModel {
  const problem = sizeProblem(camera, image);
  if (problem === undefined) return camera;
  const stretch = (image.width * camera.height) / (image.height * camera.width);
  if (scale && Math.abs(stretch - 1) < 0.01) return scaleCamera(camera, image.width, image.height);
  throw new GraspGroundingError("CAMERA_SIZE", problem);
}

/**
 * Whether images of a topic are rectified by image_proc's naming: the topic's own name is `image_rect` or
 * `image_rect_color`, not a part of another word. Undefined where the name says nothing.
 */
export function rectifiedByName(topic: string): true | undefined {
  const name =
    topic
      .replace(/\/(compressed|compressedDepth|theora|ffmpeg|zstd)$/, "")
      .split("/")
      .at(-1) ?? "";
  return /^image_rect(_color|_colour|_mono|_raw)?$/.test(name) ? true : undefined;
}
