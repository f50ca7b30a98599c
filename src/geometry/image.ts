import type { Box } from "./box.js";
import type { Metres, Pixels } from "./units.js";

/** Colour image: `data` is height × width × 3, rows top to bottom, channels R, G, B, 0..255, no padding. */
export interface ColourImage {
  readonly width: Pixels;
  readonly height: Pixels;
  readonly data: Uint8Array;
  /** The JPEG that `data` was decoded from, where there was one: what goes over a network in its place. */
  readonly jpeg?: Uint8Array;
}

/** Depth along the optical axis (z, not range) in metres, height × width, rows top to bottom; NaN where unknown. */
export interface DepthImage {
  readonly width: Pixels;
  readonly height: Pixels;
  readonly data: Float32Array;
}

/** Depth at a pixel, or undefined outside the image and where the sensor saw nothing. */
export function depthAt(image: DepthImage, u: Pixels, v: Pixels): Metres | undefined {
  if (u < 0 || v < 0 || u >= image.width || v >= image.height) return undefined;
  const z = image.data[Math.trunc(v) * image.width + Math.trunc(u)];
  return z !== undefined && z > 0 && Number.isFinite(z) ? z : undefined;
}

/** The part of an image inside a box of whole pixels, clipped to the image; at least one pixel. */
export function cropColour({ width, height, data }: ColourImage, [x1, y1, x2, y2]: Box): ColourImage {
  const left = Math.min(Math.max(0, Math.trunc(x1)), width - 1);
  const top = Math.min(Math.max(0, Math.trunc(y1)), height - 1);
  const right = Math.min(Math.max(left + 1, Math.trunc(x2)), width);
  const bottom = Math.min(Math.max(top + 1, Math.trunc(y2)), height);
  const [w, h] = [right - left, bottom - top];
  const out = new Uint8Array(w * h * 3);
  for (let row = 0; row < h; row++) {
    const from = ((row + top) * width + left) * 3;
    out.set(data.subarray(from, from + w * 3), row * w * 3);
  }
  return { width: w, height: h, data: out };
}
