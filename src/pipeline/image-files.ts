import { open, readFile, stat } from "node:fs/promises";
import sharp, { type Metadata, type Sharp } from "sharp";
import { describe, GraspGroundingError } from "../errors/index.js";
import type { ColourImage, DepthImage } from "../geometry/index.js";
import { minImageSide } from "../grounding/index.js";
import { depthFromEncoded, unreadDepthFormat } from "../messages/index.js";
import { fileError } from "../system/index.js";

/** Longest side of an image that is read. */
export const maxImageSide = 16_384;

/**
 * Decodes an image file (what sharp reads: PNG, JPEG, WebP, TIFF, …), turned upright as its EXIF data says.
 * @throws GraspGroundingError FILE_MISSING, IMAGE_UNREADABLE, IMAGE_TOO_SMALL, IMAGE_TOO_LARGE
 */
export async function readColour(path: string): Promise<ColourImage> {
  const image = await openImage(path);
  try {
    const { data, info } = await image
      .autoOrient()
      .flatten({ background: "#808080" })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const rgb = info.channels === 3 ? data : greyToRgb(data, info.channels);
    const { format, orientation = 1 } = await image.metadata();
    const jpeg = format === "jpeg" && orientation === 1 ? await readFile(path) : undefined;
    return { width: info.width, height: info.height, data: rgb, ...(jpeg && { jpeg }) };
  } catch (cause) {
    throw new GraspGroundingError("IMAGE_UNREADABLE", { path, detail: describe(cause) }, { cause });
  }
}

/**
 * The image of {@link readColour} for use with depth: one that its EXIF data turns is refused, because the pixels of
 * depth and camera are those before the turn.
 * @throws GraspGroundingError as readColour; IMAGE_TURNED
 */
export async function readColourForDepth(path: string): Promise<ColourImage> {
  const { orientation = 1 } = await (await openImage(path)).metadata();
  if (orientation !== 1) throw new GraspGroundingError("IMAGE_TURNED", { path, orientation });
  return await readColour(path);
}

/**
 * Depth along the optical axis from an image of one channel: 16-bit PNG or TIFF in millimetres, float TIFF in metres;
 * 0 means none. Values are read as they are stored.
 * @param metresPerUnit metres of one stored unit, where it is another; 8-bit images need it
 * @throws GraspGroundingError FILE_MISSING, IMAGE_UNREADABLE, IMAGE_TOO_SMALL, IMAGE_TOO_LARGE; DEPTH_FORMAT for
 * colour, lossy and other formats that hold no depth; DEPTH_UNIT for floats that look like millimetres
 */
export async function readDepth(path: string, metresPerUnit?: number): Promise<DepthImage> {
  try {
    await openImage(path);
  } catch (error) {
    if (error instanceof GraspGroundingError && error.code === "IMAGE_UNREADABLE") await refuseByName(path);
    throw error;
  }
  return await depthFromEncoded(path, { name: path, metresPerUnit });
}

/** @throws GraspGroundingError DEPTH_FORMAT when the file is of a known depth format that is not read */
async function refuseByName(path: string): Promise<void> {
  const handle = await open(path, "r");
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0).finally(() => handle.close());
  const format = unreadDepthFormat(buffer.subarray(0, bytesRead));
  if (format !== undefined)
    throw new GraspGroundingError("DEPTH_FORMAT", { path, detail: `${format}, which is not read` });
}

async function openImage(path: string): Promise<Sharp> {
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
  const image = sharp(path, { limitInputPixels: maxImageSide * maxImageSide, failOn: "error" });
  let header: Metadata;
  try {
    header = await image.metadata();
  } catch (cause) {
    throw new GraspGroundingError("IMAGE_UNREADABLE", { path, detail: describe(cause) }, { cause });
  }
  const { width = 0, height = 0 } = header;
  const details = { path, width, height };
  if (Math.min(width, height) < minImageSide) {
    throw new GraspGroundingError("IMAGE_TOO_SMALL", { ...details, limit: minImageSide });
  }
  if (Math.max(width, height) > maxImageSide) {
    throw new GraspGroundingError("IMAGE_TOO_LARGE", { ...details, limit: maxImageSide });
  }
  return image;
}

function greyToRgb(data: Uint8Array, channels: number): Uint8Array {
  const pixels = data.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) rgb.fill(data[i * channels] as number, i * 3, i * 3 + 3);
  return rgb;
}
