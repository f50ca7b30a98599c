import { GraspGroundingError } from "../errors/index.js";
import type { ColourImage } from "../geometry/index.js";
import type { Tensor } from "../inference/index.js";
import type { Manifest } from "./manifest.js";
import { resizeBilinear } from "./resize.js";

/** Pictures smaller than this on a side hold nothing to find. */
export const minPictureSide = 8;

/**
 * The picture stretched to the model's size with a triangle filter that widens with the reduction (what PIL and
 * torchvision call bilinear with antialiasing): width × height × 3 bytes, RGB.
 */
export async function resizePicture(image: ColourImage, input: Manifest["input"]): Promise<Uint8Array> {
  const { width, height, data } = image;
  if (width < minPictureSide || height < minPictureSide) {
    throw new GraspGroundingError("IMAGE_TOO_SMALL", {
      path: "picture",
      width,
      height,
      limit: minPictureSide,
    });
  }
  if (width === input.width && height === input.height) return data;
  return resizeBilinear(data, width, height, input.width, input.height);
}

/** Interleaved RGB bytes -> float32 [1, 3, height, width], (pixel * scale - mean) / std by channel. */
export function toTensor(rgb: Uint8Array, input: Manifest["input"]): Tensor {
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
