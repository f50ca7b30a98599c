import type { Box } from "./box.js";
import type { Pixels } from "./units.js";

/** Binary mask: height × width bytes, rows top to bottom, 0 outside and 1 inside. */
export interface Mask {
  readonly width: Pixels;
  readonly height: Pixels;
  readonly data: Uint8Array;
}

/** COCO run-length encoding, uncompressed: run lengths down the columns, beginning with zeros. */
export interface MaskRle {
  /** height, width: COCO's order. */
  readonly size: readonly [Pixels, Pixels];
  readonly counts: readonly number[];
}

export function maskArea({ data }: Mask): number {
  let area = 0;
  for (let i = 0; i < data.length; i++) area += data[i] as number;
  return area;
}

/** Tight box around the mask's pixels, or undefined for an empty mask. */
export function maskBox(mask: Mask): Box | undefined {
  const { width, height, data } = mask;
  let x1 = width;
  let y1 = height;
  let x2 = -1;
  let y2 = -1;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) {
      if (data[row + x] === 0) continue;
      if (x < x1) x1 = x;
      if (x > x2) x2 = x;
      if (y < y1) y1 = y;
      y2 = y;
    }
  }
  return x2 < 0 ? undefined : [x1, y1, x2 + 1, y2 + 1];
}

/** Intersection over union of two masks of one size; 0 when both are empty. @throws RangeError on different sizes. */
export function maskIou(a: Mask, b: Mask): number {
  if (a.width !== b.width || a.height !== b.height) throw new RangeError("masks differ in size");
  let inside = 0;
  let union = 0;
  for (let i = 0; i < a.data.length; i++) {
    const both = (a.data[i] ?? 0) + (b.data[i] ?? 0);
    if (both > 0) union++;
    if (both > 1) inside++;
  }
  return union > 0 ? inside / union : 0;
}

/** The pixels that are in any of the masks, all of `width` × `height`. @throws RangeError on another size. */
export function maskUnion(width: Pixels, height: Pixels, masks: readonly Mask[]): Mask {
  const data = new Uint8Array(width * height);
  for (const mask of masks) {
    if (mask.width !== width || mask.height !== height) throw new RangeError("masks differ in size");
    for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) | (mask.data[i] as number);
  }
  return { width, height, data };
}

/** The mask with every pixel of `box` (clipped to the image) set. */
export function maskFromBox(width: Pixels, height: Pixels, box: Box): Mask {
  const data = new Uint8Array(width * height);
  const x1 = Math.max(0, Math.round(box[0]));
  const x2 = Math.min(width, Math.round(box[2]));
  const y2 = Math.min(height, Math.round(box[3]));
  for (let y = Math.max(0, Math.round(box[1])); y < y2; y++)
    data.fill(1, y * width + x1, y * width + Math.max(x1, x2));
  return { width, height, data };
}

/** Encodes as COCO's uncompressed RLE. */
export function maskToRle(mask: Mask): MaskRle {
  const { width, height, data } = mask;
  const counts: number[] = [];
  let current = 0;
  let run = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const value = data[y * width + x] ? 1 : 0;
      if (value === current) {
        run++;
      } else {
        counts.push(run);
        current = value;
        run = 1;
      }
    }
  }
  counts.push(run);
  return { size: [height, width], counts };
}

/**
 * Decodes COCO's uncompressed RLE, or its compressed text form.
 * @throws RangeError when the runs do not fill the mask exactly.
 */
export function maskFromRle(rle: {
  readonly size: readonly [Pixels, Pixels];
  readonly counts: readonly number[] | string;
}): Mask {
  const [height, width] = rle.size;
  const counts = typeof rle.counts === "string" ? decodeCocoCounts(rle.counts) : rle.counts;
  const data = new Uint8Array(width * height);
  let position = 0;
  let value = 0;
  for (const run of counts) {
    if (run < 0 || position + run > data.length) throw new RangeError("run-length code overruns its mask");
    if (value === 1) {
      for (let i = position; i < position + run; i++) data[(i % height) * width + Math.trunc(i / height)] = 1;
    }
    position += run;
    value = 1 - value;
  }
  if (position !== data.length) throw new RangeError("run-length code does not fill its mask");
  return { width, height, data };
}

/** COCO's text form: 5 bits a character from '0', bit 5 continues; from the third run on, differences to run i - 2. */
function decodeCocoCounts(text: string): number[] {
  const counts: number[] = [];
  let i = 0;
  while (i < text.length) {
    let value = 0;
    let shift = 0;
    let more = true;
    while (more) {
      if (i >= text.length || shift > 30) throw new RangeError("run-length code is cut off");
      const c = text.charCodeAt(i++) - 48;
      value |= (c & 0x1f) << shift;
      more = (c & 0x20) !== 0;
      shift += 5;
      if (!more && (c & 0x10) !== 0 && shift < 32) value |= -1 << shift;
    }
    if (counts.length > 2) value += counts[counts.length - 2] ?? 0;
    counts.push(value);
  }
  return counts;
}
