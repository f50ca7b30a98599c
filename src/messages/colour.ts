import { GraspGroundingError } from "../errors/index.js";
import type { ColourImage } from "../geometry/index.js";
import { bayerPatterns, demosaic } from "./bayer.js";
import { checkRows, checkSize, malformed, packed16, packedRows } from "./layout.js";
import type { ImageMessage } from "./types.js";
import { rgbFrom422, rgbFromNv, uyvy, yuyv } from "./yuv.js";

type Convert = (image: ImageMessage) => Uint8Array;

/** The generic OpenCV names are read as OpenCV orders colours: blue first. */
const converters: Readonly<Record<string, Convert>> = {
  rgb8: (image) => packedRows(image, image.width * 3),
  bgr8: (image) => pick(image, 3, 2, 1, 0),
  "8UC3": (image) => pick(image, 3, 2, 1, 0),
  rgba8: (image) => pick(image, 4, 0, 1, 2),
  bgra8: (image) => pick(image, 4, 2, 1, 0),
  "8UC4": (image) => pick(image, 4, 2, 1, 0),
  mono8: grey,
  "8UC1": grey,
  mono16: grey16,
  rgb16: (image) => pick16(image, 3, 0, 1, 2),
  bgr16: (image) => pick16(image, 3, 2, 1, 0),
  rgba16: (image) => pick16(image, 4, 0, 1, 2),
  bgra16: (image) => pick16(image, 4, 2, 1, 0),
  ...Object.fromEntries(Object.keys(bayerPatterns).map((name) => [name, bayer])),
  uyvy: (image) => packed422(image, uyvy),
  yuv422: (image) => packed422(image, uyvy),
  yuyv: (image) => packed422(image, yuyv),
  yuv422_yuy2: (image) => packed422(image, yuyv),
  nv12: (image) => nv(image, false),
  nv21: (image) => nv(image, true),
};

/** Encodings of sensor_msgs/Image that are read as colour. */
export const colourEncodings: readonly string[] = Object.keys(converters);

/**
 * A sensor_msgs/Image as R, G, B. The data is a view of the message's where nothing had to be converted (rgb8).
 * @throws GraspGroundingError IMAGE_ENCODING, IMAGE_LAYOUT
 */
export function colourFromImage(image: ImageMessage): ColourImage {
  const convert = Object.hasOwn(converters, image.encoding) ? converters[image.encoding] : undefined;
  if (convert === undefined)
    throw new GraspGroundingError("IMAGE_ENCODING", {
      encoding: image.encoding === "" ? "(empty)" : image.encoding,
      supported: colourEncodings.join(", "),
    });
  checkSize(image);
  return { width: image.width, height: image.height, data: convert(image) };
}

function pick(image: ImageMessage, channels: 3 | 4, r: number, g: number, b: number): Uint8Array {
  const { width, height, data } = image;
  const step = checkRows(image, width * channels, height);
  const out = new Uint8Array(width * height * 3);
  let o = 0;
  for (let y = 0; y < height; y++) {
    const end = y * step + width * channels;
    for (let i = y * step; i < end; i += channels, o += 3) {
      out[o] = data[i + r]!;
      out[o + 1] = data[i + g]!;
      out[o + 2] = data[i + b]!;
    }
  }
  return out;
}

/** 0..65535 to 0..255 with rounding. */
const to8 = (value: number): number => ((value * 255 + 32_767) / 65_535) | 0;

function pick16(image: ImageMessage, channels: 3 | 4, r: number, g: number, b: number): Uint8Array {
  const { width, height } = image;
  const data = packed16(image, width * channels);
  const out = new Uint8Array(width * height * 3);
  for (let i = 0, o = 0; o < out.length; i += channels, o += 3) {
    out[o] = to8(data[i + r]!);
    out[o + 1] = to8(data[i + g]!);
    out[o + 2] = to8(data[i + b]!);
  }
  return out;
}

function grey(image: ImageMessage): Uint8Array {
  return expandGrey(packedRows(image, image.width));
}

function grey16(image: ImageMessage): Uint8Array {
  return expandGrey(Uint8Array.from(packed16(image, image.width), to8));
}

/** Grey bytes as R, G, B. */
export function expandGrey(values: Uint8Array): Uint8Array {
  const out = new Uint8Array(values.length * 3);
  for (let i = 0, o = 0; i < values.length; i++, o += 3) {
    const value = values[i]!;
    out[o] = value;
    out[o + 1] = value;
    out[o + 2] = value;
  }
  return out;
}

function bayer(image: ImageMessage): Uint8Array {
  const { width, height } = image;
  if (width < 2 || height < 2) throw malformed(image, "a Bayer image has at least 2×2 pixels");
  return demosaic(packedRows(image, width), width, height, bayerPatterns[image.encoding]!);
}

function packed422(image: ImageMessage, order: typeof uyvy): Uint8Array {
  const { width, height } = image;
  if (width % 2 !== 0) throw malformed(image, "4:2:2 images have an even width");
  return rgbFrom422(image.data, width, height, checkRows(image, width * 2, height), order);
}

function nv(image: ImageMessage, swapped: boolean): Uint8Array {
  const { width, height } = image;
  if (width % 2 !== 0 || height % 2 !== 0)
    throw malformed(image, "4:2:0 images have an even width and height");
  return rgbFromNv(image.data, width, height, checkRows(image, width, (height * 3) / 2), swapped);
}
