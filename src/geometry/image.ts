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
