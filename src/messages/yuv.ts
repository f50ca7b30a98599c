/** Where Y0, U, Y1 and V sit in the four bytes of two pixels. */
export interface Packed422 {
  readonly y0: number;
  readonly u: number;
  readonly y1: number;
  readonly v: number;
}

export const uyvy: Packed422 = { u: 0, y0: 1, v: 2, y1: 3 };
export const yuyv: Packed422 = { y0: 0, u: 1, y1: 2, v: 3 };

/** ITU-R BT.601, limited range (Y 16..235, U and V 16..240), in 20-bit fixed point: what OpenCV and cv_bridge use. */
const shift = 20;
const half = 1 << (shift - 1);
const fixed = (value: number): number => Math.trunc(value * (1 << shift));
const yScale = fixed(1.164);
const uToBlue = fixed(2.018);
const uToGreen = fixed(-0.391);
const vToGreen = fixed(-0.813);
const vToRed = fixed(1.596);

/**
 * Packed 4:2:2, two pixels in four bytes, rows `step` bytes apart.
 * @param width even.
 * @returns height × width × 3, R, G, B.
 */
export function rgbFrom422(
  data: Uint8Array,
  width: number,
  height: number,
  step: number,
  order: Packed422,
): Uint8Array {
  const out = new Uint8ClampedArray(width * height * 3);
  let o = 0;
  for (let row = 0; row < height; row++) {
    let i = row * step;
    for (let x = 0; x < width; x += 2, i += 4, o += 6) {
      const u = data[i + order.u]! - 128;
      const v = data[i + order.v]! - 128;
      const r = half + vToRed * v;
      const g = half + vToGreen * v + uToGreen * u;
      const b = half + uToBlue * u;
      const first = Math.max(0, data[i + order.y0]! - 16) * yScale;
      const second = Math.max(0, data[i + order.y1]! - 16) * yScale;
      out[o] = (first + r) >> shift;
      out[o + 1] = (first + g) >> shift;
      out[o + 2] = (first + b) >> shift;
      out[o + 3] = (second + r) >> shift;
      out[o + 4] = (second + g) >> shift;
      out[o + 5] = (second + b) >> shift;
    }
  }
  return new Uint8Array(out.buffer);
}

/**
 * A plane of Y followed by a plane of interleaved chroma at half the resolution, both with rows `step` bytes apart.
 * @param width even. @param height even. @param swapped chroma as V, U (NV21) instead of U, V (NV12).
 * @returns height × width × 3, R, G, B.
 */
export function rgbFromNv(
  data: Uint8Array,
  width: number,
  height: number,
  step: number,
  swapped: boolean,
): Uint8Array {
  const out = new Uint8ClampedArray(width * height * 3);
  const chroma = step * height;
  const uAt = swapped ? 1 : 0;
  for (let row = 0; row < height; row++) {
    const luma = row * step;
    let c = chroma + (row >> 1) * step;
    let o = row * width * 3;
    for (let x = 0; x < width; x += 2, c += 2) {
      const u = data[c + uAt]! - 128;
      const v = data[c + 1 - uAt]! - 128;
      const r = half + vToRed * v;
      const g = half + vToGreen * v + uToGreen * u;
      const b = half + uToBlue * u;
      for (let k = 0; k < 2; k++, o += 3) {
        const y = Math.max(0, data[luma + x + k]! - 16) * yScale;
        out[o] = (y + r) >> shift;
        out[o + 1] = (y + g) >> shift;
        out[o + 2] = (y + b) >> shift;
      }
    }
  }
  return new Uint8Array(out.buffer);
}
