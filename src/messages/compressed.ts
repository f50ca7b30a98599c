import sharp from "sharp";
import { describe, GraspGroundingError } from "../errors/index.js";
import type { ColourImage, DepthImage } from "../geometry/index.js";
import { expandGrey } from "./colour.js";
import { metresFromMillimetres } from "./depth.js";
import { depthFromEncoded, readDepthValues } from "./depth-file.js";
import { checkSize, maxImagePixels } from "./layout.js";
import { decodeRvl } from "./rvl.js";
import type { CompressedImageMessage } from "./types.js";

/** Whether the message is depth by what its format says. */
export const isCompressedDepth = (format: string): boolean =>
  /compressedDepth/i.test(format) || /^\s*(16UC1|32FC1)\b/.test(format);

/** Cameras' JPEGs often warn about harmless bytes between markers; only missing data is refused. */
const options = { limitInputPixels: maxImagePixels, failOn: "truncated" } as const;

/**
 * A sensor_msgs/CompressedImage (JPEG, PNG or WebP) as R, G, B.
 * @throws GraspGroundingError IMAGE_UNREADABLE
 */
export async function colourFromCompressed(message: CompressedImageMessage): Promise<ColourImage> {
  try {
    const { data, info } = await sharp(message.data, options)
      .toColourspace("srgb")
      .removeAlpha()
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const rgb = (channels as number) === 1 ? expandGrey(data) : bytesOf(data);
    return { width, height, data: rgb, ...(isJpeg(message.data) && { jpeg: message.data }) };
  } catch (error) {
    throw unreadable(message, error);
  }
}

/**
 * A sensor_msgs/CompressedImage of depth in metres, NaN where there is none: PNG or TIFF of 16-bit millimetres, TIFF of
 * floats in metres, or what compressed_depth_image_transport writes (12 bytes of settings, then PNG or RVL; floats as
 * quantised inverse depth).
 * @throws GraspGroundingError IMAGE_UNREADABLE; DEPTH_FORMAT for JPEG and colour; DEPTH_UNIT
 */
export async function depthFromCompressed(message: CompressedImageMessage): Promise<DepthImage> {
  try {
    const { format, data } = message;
    if (!/compressedDepth/i.test(format)) return await depthFromEncoded(data, imageOptions(format));
    if (data.length < headerSize) throw new RangeError("the compressedDepth header is cut off");
    const body = data.subarray(headerSize);
    const values = /\brvl\b/i.test(format) ? rvl(body) : await png16(body, format);
    if (!/^\s*32FC1\b/.test(format)) return millimetres(values);
    const view = new DataView(data.buffer, data.byteOffset, headerSize);
    return { ...values, data: inverseDepth(values.data, view.getFloat32(4, true), view.getFloat32(8, true)) };
  } catch (error) {
    throw unreadable(message, error);
  }
}

/** int32 kind of compression, float32 A, float32 B, little endian. */
const headerSize = 12;

interface Depth16 {
  readonly width: number;
  readonly height: number;
  readonly data: Uint16Array;
}

const imageOptions = (format: string) => ({ name: named(format), failOn: options.failOn });

async function png16(bytes: Uint8Array, format: string): Promise<Depth16> {
  const { width, height, data } = await readDepthValues(bytes, imageOptions(format));
  if (!(data instanceof Uint16Array)) throw new RangeError("compressedDepth has 16 bits a pixel");
  return { width, height, data };
}

function rvl(body: Uint8Array): Depth16 {
  if (body.length < 8) throw new RangeError("the depth code is cut off");
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const width = view.getUint32(0, true);
  const height = view.getUint32(4, true);
  checkSize({ width, height, encoding: "rvl" });
  return { width, height, data: decodeRvl(body.subarray(8), width * height) };
}

const millimetres = (depth: Depth16): DepthImage => ({ ...depth, data: metresFromMillimetres(depth.data) });

/** depth = A / (value - B), 0 for none. */
function inverseDepth(values: Uint16Array, a: number, b: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const depth = value === 0 ? Number.NaN : a / (value - b);
    out[i] = depth > 0 && depth < Number.POSITIVE_INFINITY ? depth : Number.NaN;
  }
  return out;
}

const named = (format: string): string => `compressed image (${format || "no format"})`;

const isJpeg = (data: Uint8Array): boolean => data[0] === 0xff && data[1] === 0xd8;

const bytesOf = (data: Buffer): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const unreadable = (message: CompressedImageMessage, error: unknown): GraspGroundingError =>
  error instanceof GraspGroundingError
    ? error
    : new GraspGroundingError(
        "IMAGE_UNREADABLE",
        { path: named(message.format), detail: describe(error) },
        { cause: error },
      );
