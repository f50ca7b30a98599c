import sharp from "sharp";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { ColourImage } from "../../geometry/index.js";
import type { ImageFormat, Tensor } from "../port.js";
import { resizeBilinear } from "./resize.js";

/** Images with a shorter side are refused. */
export const minImageSide = 8;

/** Longest side of a compressed image that is decoded here. */
const maxSide = 16_384;

/**
 * Decodes a JPEG in the same form everywhere in this program: sRGB, 8 bits, not turned by its EXIF data.
 * @throws GraspGroundingError IMAGE_UNREADABLE
 */
export async function decodeJpeg(jpeg: Uint8Array): Promise<ColourImage> {
  try {
    const { data, info } = await sharp(jpeg, { limitInputPixels: maxSide * maxSide, failOn: "truncated" })
      .toColourspace("srgb")
      .removeAlpha()
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return { width, height, data: (channels as number) === 1 ? threeTimes(data) : data };
  } catch (cause) {
    throw new GraspGroundingError("IMAGE_UNREADABLE", { path: "JPEG", detail: describe(cause) }, { cause });
  }
}

function threeTimes(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  for (let i = 0; i < grey.length; i++) rgb.fill(grey[i] as number, i * 3, i * 3 + 3);
  return rgb;
}

/**
 * The image stretched to the model's size with a triangle filter that widens with the reduction (what PIL and
 * torchvision call bilinear with antialiasing): width × height × 3 bytes, RGB.
 */
export async function resizeImage(
  image: ColourImage,
  input: Pick<ImageFormat, "width" | "height">,
): Promise<Uint8Array> {
  const { width, height, data } = image;
  if (width < minImageSide || height < minImageSide) {
    throw new GraspGroundingError("IMAGE_TOO_SMALL", {
      path: "image",
      width,
      height,
      limit: minImageSide,
    });
  }
  if (width === input.width && height === input.height) return data;
  return resizeBilinear(data, width, height, input.width, input.height);
}

/** Interleaved RGB bytes -> float32 [1, 3, height, width], (pixel * scale - mean) / std by channel. */
export function toTensor(rgb: Uint8Array, input: ImageFormat): Tensor {
  const { width, height, scale, mean, std } = input;
  const plane = width * height;
  const data = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const gain = scale / (std[channel] ?? 1);
    const offset = -(mean[channel] ?? 0) / (std[channel] ?? 1);
    const start = channel * plane;
    for (let i = 0, p = channel; i < plane; i++, p += 3) data[start + i] = (rgb[p] ?? 0) * gain + offset;
  }
  return { type: "float32", dims: [1, 3, height, width], data };
}
