import type { Mask, Pixels } from "../../geometry/index.js";

interface Size {
  readonly width: Pixels;
  readonly height: Pixels;
}

/**
 * Mask logits of SAM at the size of the image, as transformers brings them there: linearly to the model's square, cut
 * to the part that the image fills, and linearly to the image. 1 where the logit is above 0.
 * @param logits height × width over the whole square
 * @param square size of the model's input
 * @param filled part of it that the image fills, from its upper left
 */
export function upsampleMask(
  logits: Float32Array,
  { width, height }: Size,
  square: Size,
  filled: Size,
  image: Size,
): Mask {
  const inSquare = resize(logits, { width, height }, square, filled);
  const inImage = resize(inSquare, filled, image, image);
  return { ...image, data: Uint8Array.from(inImage, (logit) => (logit > 0 ? 1 : 0)) };
}

/** Linear interpolation between pixels' centres, from `from` to `to`, of which the upper left `part` is made. */
function resize(data: Float32Array, from: Size, to: Size, part: Size): Float32Array {
  const columns = samples(from.width, to.width, part.width);
  const rows = samples(from.height, to.height, part.height);
  const out = new Float32Array(part.width * part.height);
  for (let y = 0, at = 0; y < part.height; y++) {
    const top = (rows.low[y] as number) * from.width;
    const bottom = (rows.high[y] as number) * from.width;
    const fy = rows.fraction[y] as number;
    for (let x = 0; x < part.width; x++, at++) {
      const left = columns.low[x] as number;
      const right = columns.high[x] as number;
      const fx = columns.fraction[x] as number;
      const above = (1 - fx) * (data[top + left] as number) + fx * (data[top + right] as number);
      const below = (1 - fx) * (data[bottom + left] as number) + fx * (data[bottom + right] as number);
      out[at] = (1 - fy) * above + fy * below;
    }
  }
  return out;
}

function samples(from: number, to: number, count: number) {
  const low = new Int32Array(count);
  const high = new Int32Array(count);
  const fraction = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    low[i] = Math.min(from - 1, Math.floor(at));
    high[i] = Math.min(from - 1, Math.floor(at) + 1);
    fraction[i] = at - Math.floor(at);
  }
  return { low, high, fraction };
}
