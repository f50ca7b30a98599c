/**
 * Resizes as OWLv2 was trained (scikit-image's resize with anti-aliasing): a Gaussian as wide as the reduction
 * needs, then linear interpolation between pixels' centres, both mirrored at the edges, without rounding to bytes.
 *
 * @param data width × height × 3 values, row by row
 * @returns toWidth × toHeight × 3 values, inside the range of `data`
 */
export function resizeSmooth(
  data: Float32Array,
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
): Float32Array {
  const wide = toWidth === width ? data : resizeRows(data, width, height, taps(width, toWidth));
  return toHeight === height ? wide : resizeColumns(wide, toWidth, taps(height, toHeight));
}

/** Source indices and weights of each output index, `size` of them. */
interface Taps {
  readonly size: number;
  readonly index: Int32Array;
  readonly weight: Float32Array;
}

/** Standard deviations after which SciPy's Gaussian ends. */
const truncate = 4;

function taps(from: number, to: number): Taps {
  const factor = from / to;
  const kernel = gaussian(Math.max(0, (factor - 1) / 2));
  const radius = (kernel.length - 1) / 2;
  const size = kernel.length + 1;
  const index = new Int32Array(to * size);
  const weight = new Float32Array(to * size);
  for (let i = 0; i < to; i++) {
    const at = (i + 0.5) * factor - 0.5;
    const near = Math.floor(at);
    const fraction = at - near;
    for (let k = 0; k < size; k++) {
      index[i * size + k] = mirror(near - radius + k, from);
      weight[i * size + k] = (1 - fraction) * (kernel[k] ?? 0) + fraction * (kernel[k - 1] ?? 0);
    }
  }
  return { size, index, weight };
}

function gaussian(sigma: number): Float64Array {
  if (sigma === 0) return new Float64Array([1]);
  const radius = Math.trunc(truncate * sigma + 0.5);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, k) =>
    Math.exp(-0.5 * ((k - radius) / sigma) ** 2),
  );
  const sum = kernel.reduce((total, value) => total + value, 0);
  return kernel.map((value) => value / sum);
}

/** Index of a row of `length` values that goes on mirrored about the centres of its ends. */
function mirror(index: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const inside = ((index % period) + period) % period;
  return inside < length ? inside : period - inside;
}

function resizeRows(
  data: Float32Array,
  width: number,
  height: number,
  { size, index, weight }: Taps,
): Float32Array {
  const toWidth = index.length / size;
  const out = new Float32Array(toWidth * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < toWidth; x++, at += 3) {
      let r = 0;
      let g = 0;
      let b = 0;
      for (let k = x * size; k < (x + 1) * size; k++) {
        const p = (row + (index[k] as number)) * 3;
        const w = weight[k] as number;
        r += w * (data[p] as number);
        g += w * (data[p + 1] as number);
        b += w * (data[p + 2] as number);
      }
      out[at] = r;
      out[at + 1] = g;
      out[at + 2] = b;
    }
  }
  return out;
}

function resizeColumns(data: Float32Array, width: number, { size, index, weight }: Taps): Float32Array {
  const toHeight = index.length / size;
  const stride = width * 3;
  const out = new Float32Array(stride * toHeight);
  for (let y = 0; y < toHeight; y++) {
    const row = y * stride;
    for (let k = y * size; k < (y + 1) * size; k++) {
      const p = (index[k] as number) * stride;
      const w = weight[k] as number;
      if (w === 0) continue;
      for (let i = 0; i < stride; i++) out[row + i] = (out[row + i] as number) + w * (data[p + i] as number);
    }
  }
  return out;
}
