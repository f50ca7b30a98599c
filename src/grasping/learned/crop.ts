import { type ColourImage, type DepthImage, type Mask, maskBox, type Pixels } from "../../geometry/index.js";

/**
 * A square of the image, as the network sees it: network pixel (i, j) is image pixel (x + (i + 0.5) · scale - 0.5,
 * …).
 */
export interface Crop {
  readonly x: Pixels;
  readonly y: Pixels;
  /** Image pixels to a network pixel. */
  readonly scale: number;
  readonly size: number;
}

/**
 * The square about the mask: as large as in the network's training (its size in an image 480 pixels high), or
 * larger when the object needs it, moved into the image as far as it fits. Undefined for an empty mask.
 */
export function cropAbout(mask: Mask, size: number): Crop | undefined {
  const box = maskBox(mask);
  if (box === undefined) return undefined;
  const [x1, y1, x2, y2] = box;
  const usual = (size * mask.height) / 480;
  const side = Math.max(Math.round(usual), Math.ceil(1.5 * Math.max(x2 - x1, y2 - y1)));
  const place = (middle: number, length: number) =>
    side >= length
      ? Math.round((length - side) / 2)
      : Math.min(length - side, Math.max(0, Math.round(middle - side / 2)));
  return {
    x: place((x1 + x2) / 2, mask.width),
    y: place((y1 + y2) / 2, mask.height),
    scale: side / size,
    size,
  };
}

/** Image pixel of a network pixel. */
export const toImage = (crop: Crop, i: number, j: number): readonly [Pixels, Pixels] => [
  crop.x + (i + 0.5) * crop.scale - 0.5,
  crop.y + (j + 0.5) * crop.scale - 0.5,
];

const clampTo = (value: number, length: number): number => Math.min(length - 1, Math.max(0, value));

/** Colour 0..1 in the crop, size × size × 3, bilinear; pixels beyond the image repeat its edge. */
export function cropColour({ width, height, data }: ColourImage, crop: Crop): Float32Array {
  const { size } = crop;
  const out = new Float32Array(size * size * 3);
  for (let j = 0; j < size; j++)
    for (let i = 0; i < size; i++) {
      const [x, y] = toImage(crop, i, j);
      const [u, v] = [clampTo(x, width), clampTo(y, height)];
      const [u0, v0] = [Math.floor(u), Math.floor(v)];
      const [u1, v1] = [Math.min(width - 1, u0 + 1), Math.min(height - 1, v0 + 1)];
      const [a, b] = [u - u0, v - v0];
      for (let c = 0; c < 3; c++) {
        const at = (p: number, q: number) => data[(q * width + p) * 3 + c]!;
        const top = at(u0, v0) * (1 - a) + at(u1, v0) * a;
        const low = at(u0, v1) * (1 - a) + at(u1, v1) * a;
        out[(j * size + i) * 3 + c] = (top * (1 - b) + low * b) / 255;
      }
    }
  return out;
}

/** Depth in the crop in metres, nearest pixels (a mean across an edge is no surface), holes filled from around them. */
export function cropDepth({ width, height, data }: DepthImage, crop: Crop): Float32Array {
  const { size } = crop;
  const out = new Float32Array(size * size);
  for (let j = 0; j < size; j++)
    for (let i = 0; i < size; i++) {
      const [x, y] = toImage(crop, i, j);
      const z = data[Math.round(clampTo(y, height)) * width + Math.round(clampTo(x, width))]!;
      out[j * size + i] = z > 0 && Number.isFinite(z) ? z : Number.NaN;
    }
  return fillHoles(out, size);
}

/** Known pixels spread into unknown ones, a ring a round; 0 throughout when nothing is known. */
function fillHoles(depth: Float32Array, size: number): Float32Array {
  let holes: number[] = [];
  for (let k = 0; k < depth.length; k++) if (Number.isNaN(depth[k]!)) holes.push(k);
  if (holes.length === depth.length) return depth.fill(0);
  while (holes.length > 0) {
    const filled: [number, number][] = [];
    const left: number[] = [];
    for (const k of holes) {
      const [i, j] = [k % size, Math.trunc(k / size)];
      let [sum, count] = [0, 0];
      const add = (inside: boolean, at: number) => {
        const z = inside ? depth[at]! : Number.NaN;
        if (Number.isNaN(z)) return;
        sum += z;
        count++;
      };
      add(i > 0, k - 1);
      add(i + 1 < size, k + 1);
      add(j > 0, k - size);
      add(j + 1 < size, k + size);
      if (count > 0) filled.push([k, sum / count]);
      else left.push(k);
    }
    for (const [k, z] of filled) depth[k] = z;
    holes = left;
  }
  return depth;
}
