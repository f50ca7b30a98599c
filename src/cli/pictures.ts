import { readFile, stat } from "node:fs/promises";
import sharp, { type Metadata, type Sharp } from "sharp";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { describe, GraspGroundingError } from "../errors/index.js";
import {
  type CameraModel,
  type ColourImage,
  cameraProblem,
  type DepthImage,
  type Distortion,
  distortionProblem,
  isDistorted,
  type Pixels,
} from "../geometry/index.js";
import { minPictureSide } from "../grounding/index.js";

/** Longest side of a picture that is read. */
export const maxPictureSide = 16_384;

/**
 * Decodes a picture file (what sharp reads: PNG, JPEG, WebP, TIFF, …), turned upright as its EXIF data says.
 * @throws GraspGroundingError FILE_MISSING, IMAGE_UNREADABLE, IMAGE_TOO_SMALL, IMAGE_TOO_LARGE
 */
export async function readColour(path: string): Promise<ColourImage> {
  const picture = await openPicture(path);
  try {
    const { data, info } = await picture
      .autoOrient()
      .flatten({ background: "#808080" })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const rgb = info.channels === 3 ? data : greyToRgb(data, info.channels);
    const { format, orientation = 1 } = await picture.metadata();
    const jpeg = format === "jpeg" && orientation === 1 ? await readFile(path) : undefined;
    return { width: info.width, height: info.height, data: rgb, ...(jpeg && { jpeg }) };
  } catch (cause) {
    throw new GraspGroundingError("IMAGE_UNREADABLE", { path, detail: describe(cause) }, { cause });
  }
}

/**
 * Depth from a single-channel picture in millimetres (16-bit PNG or TIFF); 0 means none.
 * @throws GraspGroundingError FILE_MISSING, IMAGE_UNREADABLE
 */
export async function readDepth(path: string, metresPerUnit = 0.001): Promise<DepthImage> {
  const picture = await openPicture(path);
  let pixels: Uint16Array;
  let size: { width: Pixels; height: Pixels; channels: number };
  try {
    const { data, info } = await picture
      .toColourspace("grey16")
      .raw({ depth: "ushort" })
      .toBuffer({ resolveWithObject: true });
    pixels = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
    size = info;
  } catch (cause) {
    throw new GraspGroundingError("IMAGE_UNREADABLE", { path, detail: describe(cause) }, { cause });
  }
  const { width, height, channels } = size;
  const data = new Float32Array(width * height);
  for (let i = 0; i < data.length; i++) {
    const raw = pixels[i * channels] as number;
    data[i] = raw === 0 ? Number.NaN : raw * metresPerUnit;
  }
  return { width, height, data };
}

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
 * Intrinsics from JSON `{width, height, fx, fy, cx, cy}`, with `distortion: {model, coefficients}` for a picture that is
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

/** @throws GraspGroundingError FILE_MISSING, FILE_UNREADABLE */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw fileError(path, cause);
  }
}

async function openPicture(path: string): Promise<Sharp> {
  let size: number;
  try {
    const info = await stat(path);
    if (!info.isFile())
      throw new GraspGroundingError("FILE_UNREADABLE", { path, detail: "not a regular file" });
    size = info.size;
  } catch (cause) {
    throw cause instanceof GraspGroundingError ? cause : fileError(path, cause);
  }
  if (size === 0) throw new GraspGroundingError("IMAGE_UNREADABLE", { path, detail: "the file is empty" });
  const picture = sharp(path, { limitInputPixels: maxPictureSide * maxPictureSide, failOn: "error" });
  let header: Metadata;
  try {
    header = await picture.metadata();
  } catch (cause) {
    throw new GraspGroundingError("IMAGE_UNREADABLE", { path, detail: describe(cause) }, { cause });
  }
  const { width = 0, height = 0 } = header;
  const details = { path, width, height };
  if (Math.min(width, height) < minPictureSide) {
    throw new GraspGroundingError("IMAGE_TOO_SMALL", { ...details, limit: minPictureSide });
  }
  if (Math.max(width, height) > maxPictureSide) {
    throw new GraspGroundingError("IMAGE_TOO_LARGE", { ...details, limit: maxPictureSide });
  }
  return picture;
}

function fileError(path: string, cause: unknown): GraspGroundingError {
  const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
  return missing
    ? new GraspGroundingError("FILE_MISSING", { path }, { cause })
    : new GraspGroundingError("FILE_UNREADABLE", { path, detail: describe(cause) }, { cause });
}

function greyToRgb(data: Uint8Array, channels: number): Uint8Array {
  const pixels = data.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) rgb.fill(data[i * channels] as number, i * 3, i * 3 + 3);
  return rgb;
}
