import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { describe, GraspGroundingError } from "../errors/index.js";
import {
  type CameraModel,
  cameraProblem,
  type Distortion,
  distortionProblem,
  isDistorted,
} from "../geometry/index.js";
import { readText } from "../system/index.js";

const plainIntrinsics = z.looseObject({
  width: z.number(),
  height: z.number(),
  fx: z.number(),
  fy: z.number(),
  cx: z.number(),
  cy: z.number(),
  distortion: z.object({ model: z.string(), coefficients: z.array(z.number()) }).optional(),
});

const rosCameraInfo = z.looseObject({
  image_width: z.number(),
  image_height: z.number(),
  camera_matrix: z.looseObject({ data: z.array(z.number()).length(9) }),
  distortion_model: z.string().optional(),
  distortion_coefficients: z.looseObject({ data: z.array(z.number()) }).optional(),
});

/**
 * Intrinsics from JSON `{width, height, fx, fy, cx, cy}`, with `distortion: {model, coefficients}` for an image that is
 * not rectified, or from ROS's camera_info YAML.
 * @throws GraspGroundingError FILE_MISSING, CAMERA_INVALID
 */
export async function readCamera(path: string): Promise<CameraModel> {
  const text = await readText(path);
  let content: unknown;
  try {
    content = parseYaml(text, { logLevel: "error" });
  } catch (cause) {
    throw new GraspGroundingError("CAMERA_INVALID", { detail: `${path}: ${describe(cause)}` }, { cause });
  }
  const camera = toCamera(content);
  const problem =
    camera === undefined
      ? "neither {width, height, fx, fy, cx, cy} nor a camera_info YAML"
      : (cameraProblem(camera) ?? (camera.distortion && distortionProblem(camera.distortion)));
  if (camera === undefined || problem !== undefined) {
    throw new GraspGroundingError("CAMERA_INVALID", { detail: `${path}: ${problem}` });
  }
  return camera;
}

function toCamera(content: unknown): CameraModel | undefined {
  const plain = plainIntrinsics.safeParse(content);
  if (plain.success) {
    const { width, height, fx, fy, cx, cy, distortion } = plain.data;
    return withDistortion({ width, height, fx, fy, cx, cy }, distortion);
  }
  const ros = rosCameraInfo.safeParse(content);
  if (!ros.success) return undefined;
  const [fx = 0, , cx = 0, , fy = 0, cy = 0] = ros.data.camera_matrix.data;
  const { distortion_model: model, distortion_coefficients: coefficients } = ros.data;
  const camera = { width: ros.data.image_width, height: ros.data.image_height, fx, fy, cx, cy };
  const distortion =
    model !== undefined && coefficients ? { model, coefficients: coefficients.data } : undefined;
  return withDistortion(camera, distortion);
}

/** Zeros of a lens that then bends nothing are left out; those of a fisheye say that it is an ideal one. */
function withDistortion(camera: CameraModel, distortion: Distortion | undefined): CameraModel {
  if (distortion === undefined) return camera;
  // Coefficients of a model that is not known are kept as well: they are refused, not overlooked.
  const none = distortion.coefficients.every((value) => value === 0) && !isDistorted(distortion);
  return none ? camera : { ...camera, distortion };
}
