/**
 * Stretches an RGB image exactly as Pillow's bilinear filter does (and so torchvision's Resize on a PIL image): a
 * triangle as wide as the reduction needs, in fixed point of 22 bits, rounded to bytes between the two passes.
 * A model sees in the field what it saw in training; libvips' linear kernel is up to 160 levels off when enlarging.
 * Columns are narrowed first, then rows; recent Pillow narrows tall images' rows first, with one level of difference
 * at most.
 *
 * @param data width × height × 3 bytes, RGB, row by row
 * @returns toWidth × toHeight × 3 bytes
 */
export function resizeBilinear(
  data: Uint8Array,
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
): Uint8Array {
  const wide = toWidth === width ? data : resizeRows(data, width, height, toWidth);
  return toHeight === height ? wide : resizeColumns(wide, toWidth, height, toHeight);
}

const bits = 22;
const half = 1 << (bits - 1);

interface Weights {
  /** First source index of each output index. */
  readonly first: Int32Array;
  /** Number of source values for each output index. */
  readonly count: Int32Array;
  /** `taps` fixed-point weights for each output index. */
  readonly values: Int32Array;
  readonly taps: number;
}

function triangle(from: number, to: number): Weights {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const taps = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const values = new Int32Array(to * taps);
  const row = new Float64Array(taps);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const length = Math.min(from, Math.trunc(centre + support + 0.5)) - start;
    let sum = 0;
    for (let k = 0; k < length; k++) {
      const weight = Math.max(0, 1 - Math.abs((k + start - centre + 0.5) / support));
      row[k] = weight;
      sum += weight;
    }
    first[i] = start;
    count[i] = length;
    for (let k = 0; k < length; k++)
      values[i * taps + k] = Math.trunc(0.5 + ((row[k] as number) / sum) * (1 << bits));
  }
  return { first, count, values, taps };
}

function resizeRows(data: Uint8Array, width: number, height: number, toWidth: number): Uint8Array {
  const { first, count, values, taps } = triangle(width, toWidth);
  const out = new Uint8Array(toWidth * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < toWidth; x++, at += 3) {
      let p = (row + (first[x] as number)) * 3;
      let r = half;
      let g = half;
      let b = half;
      const end = x * taps + (count[x] as number);
      for (let k = x * taps; k < end; k++, p += 3) {
        const weight = values[k] as number;
        r += (data[p] as number) * weight;
        g += (data[p + 1] as number) * weight;
        b += (data[p + 2] as number) * weight;
      }
      // The weights are not negative and add up to one, so every sum lies in 0..255.
      out[at] = r >> bits;
      out[at + 1] = g >> bits;
      out[at + 2] = b >> bits;
    }
  }
  return out;
}

function resizeColumns(data: Uint8Array, width: number, height: number, toHeight: number): Uint8Array {
  const { first, count, values, taps } = triangle(height, toHeight);
  const stride = width * 3;
  const out = new Uint8Array(stride * toHeight);
  const sums = new Int32Array(stride);
  for (let y = 0; y < toHeight; y++) {
    sums.fill(half);
    let p = (first[y] as number) * stride;
    const end = y * taps + (count[y] as number);
    for (let k = y * taps; k < end; k++) {
      const weight = values[k] as number;
      for (let i = 0; i < stride; i++, p++) sums[i] = (sums[i] as number) + (data[p] as number) * weight;
    }
    for (let i = 0, at = y * stride; i < stride; i++, at++) out[at] = (sums[i] as number) >> bits;
  }
  return out;
}
