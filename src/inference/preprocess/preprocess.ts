import sharp from "sharp";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { ColourImage } from "../../geometry/index.js";
import type { ImageFormat, ImageInput, Tensor, Tensors } from "../port.js";
import { resizeRgb } from "./resize.js";
import { resizeSmooth } from "./smooth-resize.js";

/** Images with a shorter side are refused. */
export const minImageSide = 8;

/** @throws GraspGroundingError IMAGE_TOO_SMALL for a side under minImageSide pixels */
export function checkImageSide({ width, height }: Pick<ColourImage, "width" | "height">): void {
  if (width >= minImageSide && height >= minImageSide) return;
  throw new GraspGroundingError("IMAGE_TOO_SMALL", { path: "image", width, height, limit: minImageSide });
}

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
 * torchvision call bilinear with antialiasing), or Pillow's cubic one: width × height × 3 bytes, RGB.
 * @throws GraspGroundingError IMAGE_TOO_SMALL
 */
export async function resizeImage(
  image: ColourImage,
  input: Pick<ImageFormat, "width" | "height" | "resample">,
): Promise<Uint8Array> {
  const { width, height, data } = image;
  checkImageSide(image);
  if (width === input.width && height === input.height) return data;
  return resizeRgb(image, input.width, input.height, input.resample ?? "bilinear");
}

/** Whether the bytes of the stretched image are all that the model's input is made of. */
export const isStretched = ({ fit }: ImageFormat): boolean => fit === undefined || fit === "stretch";

/**
 * The model's input: float32 [1, 3, height, width], as its format says.
 * @throws GraspGroundingError IMAGE_TOO_SMALL
 */
export async function imageTensor(image: ColourImage, format: ImageFormat): Promise<Tensor> {
  if (format.fit === "pad-square") return paddedSquare(image, format);
  const fitted = { ...format, ...fittedSize(image, format) };
  const tensor = toTensor(await resizeImage(image, fitted), fitted);
  return format.padTo === undefined ? tensor : padTensor(tensor, format.padTo);
}

/**
 * The inputs that a model takes of an image, by name: its pixels, and the mask of those where it takes one.
 * @throws GraspGroundingError IMAGE_TOO_SMALL
 */
export async function imageInputs(image: ColourImage, input: ImageInput): Promise<Tensors> {
  const pixels = await imageTensor(image, input);
  const { name, pixelMask } = input;
  if (pixelMask === undefined) return { [name]: pixels };
  const [, , height = 0, width = 0] = pixels.dims;
  const data = new BigInt64Array(height * width);
  const fitted = fittedSize(image, input);
  for (let y = 0; y < fitted.height; y++) data.fill(1n, y * width, y * width + fitted.width);
  return { [name]: pixels, [pixelMask]: { type: "int64", dims: [1, height, width], data } };
}

/**
 * Size of an image in a model's input, without padding, in pixels of the input. Rounds as transformers' processors do.
 */
export function fittedSize(
  image: { readonly width: number; readonly height: number },
  format: ImageFormat,
): { readonly width: number; readonly height: number } {
  if (isStretched(format)) return { width: format.width, height: format.height };
  const longest = Math.max(image.width, image.height);
  const shortest = Math.min(image.width, image.height);
  if (format.fit === "shortest-edge") {
    const limited = (longest / shortest) * format.height > format.width;
    const exact = limited ? (format.width * shortest) / longest : format.height;
    const short = limited ? roundHalfEven(exact) : exact;
    const long = Math.trunc((exact * longest) / shortest);
    if (shortest === short) return { width: image.width, height: image.height };
    return image.width < image.height ? { width: short, height: long } : { width: long, height: short };
  }
  const scale = format.width / longest;
  return {
    width: Math.trunc(image.width * scale + 0.5),
    height: Math.trunc(image.height * scale + 0.5),
  };
}

/** As Python rounds. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The square of the image's longer side, the image in its upper left, resized without rounding to bytes. */
async function paddedSquare(image: ColourImage, format: ImageFormat): Promise<Tensor> {
  const side = Math.max(image.width, image.height);
  if (Math.min(image.width, image.height) < minImageSide) await resizeImage(image, format);
  const square = new Float32Array(side * side * 3);
  const row = image.width * 3;
  for (let y = 0; y < image.height; y++)
    square.set(image.data.subarray(y * row, (y + 1) * row), y * side * 3);
  return toTensor(resizeSmooth(square, side, side, format.width, format.height), format);
}

/** Adds zeros right of the planes and below them. @throws RangeError for planes that are larger */
function padTensor({ dims, data }: Tensor, to: { readonly width: number; readonly height: number }): Tensor {
  const { width: toWidth, height: toHeight } = to;
  const [, , height, width] = dims as [number, number, number, number];
  if (width > toWidth || height > toHeight)
    throw new RangeError(`${width}×${height} pixels do not fit into ${toWidth}×${toHeight}`);
  const padded = new Float32Array(3 * toWidth * toHeight);
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < height; y++) {
      const start = (channel * height + y) * width;
      padded.set((data as Float32Array).subarray(start, start + width), (channel * toHeight + y) * toWidth);
    }
  return { type: "float32", dims: [1, 3, toHeight, toWidth], data: padded };
}

/** Interleaved RGB in 0..255 -> float32 [1, 3, height, width], (pixel * scale - mean) / std by channel. */
export function toTensor(rgb: Uint8Array | Float32Array, input: ImageFormat): Tensor {
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
