import type { Mask, Metres, OrganisedCloud } from "../../geometry/index.js";

/**
 * Sorts the pixels of the cloud: 1 target (mask, eroded, valid, no flying pixel), 0 surroundings, 2 neither (mask's
 * edge, its close neighbourhood where that continues the target, flying pixels, unknown depth). `missing` is the
 * share of the mask without depth, 0..1.
 */
export function cleanMask(
  cloud: OrganisedCloud,
  mask: Mask,
  range: Metres,
): { readonly marks: Uint8Array; readonly missing: number } {
  const { width, height, points, step } = cloud;
  const inMask = new Uint8Array(width * height);
  let area = 0;
  let valid = 0;
  for (let r = 0; r < height; r++)
    for (let c = 0; c < width; c++) {
      const i = r * width + c;
      if (mask.data[(cloud.y1 + r * step) * mask.width + cloud.x1 + c * step] === 0) continue;
      inMask[i] = 1;
      area++;
      if (points[i * 3 + 2]! > 0) valid++;
    }
  // A coarser step has thinned the edge already; another pixel would shorten round objects by millimetres.
  const core = step === 1 ? thinned(inMask, width, height, area) : inMask;
  const tolerance = 0.006 + 0.009 * range * step;
  const marks = new Uint8Array(width * height).fill(2);
  for (let r = 0; r < height; r++)
    for (let c = 0; c < width; c++) {
      const i = r * width + c;
      const z = points[i * 3 + 2]!;
      if (!(z > 0)) continue;
      if (support(points, width, height, r, c, z, tolerance) < 5) continue;
      if (core[i] === 1) marks[i] = 1;
      else if (inMask[i] === 0) marks[i] = 0;
    }
  growBand(cloud, inMask, marks, Math.max(1, Math.round(5 / step)));
  return { marks, missing: area > 0 ? 1 - valid / area : 1 };
}

/** Number of the eight neighbours at nearly the same depth. */
function support(
  points: Float32Array,
  width: number,
  height: number,
  r: number,
  c: number,
  z: number,
  tolerance: number,
): number {
  let n = 0;
  for (let dr = -1; dr <= 1; dr++) {
    const rr = r + dr;
    if (rr < 0 || rr >= height) continue;
    for (let dc = -1; dc <= 1; dc++) {
      if (dr === 0 && dc === 0) continue;
      const cc = c + dc;
      if (cc < 0 || cc >= width) continue;
      if (Math.abs(points[(rr * width + cc) * 3 + 2]! - z) <= tolerance) n++;
    }
  }
  return n;
}

/**
 * A mask from a network ends a few pixels short of the object. Pixels that continue the target's surface without a
 * step, up to `reach` pixels outside the mask, are removed from the surroundings: they would be false obstacles.
 */
function growBand(cloud: OrganisedCloud, inMask: Uint8Array, marks: Uint8Array, reach: number): void {
  const { width, height, points } = cloud;
  let front: number[] = [];
  for (let r = 1; r < height - 1; r++)
    for (let c = 1; c < width - 1; c++) {
      const i = r * width + c;
      if (inMask[i] === 1 && !(inMask[i - 1]! && inMask[i + 1]! && inMask[i - width]! && inMask[i + width]!))
        front.push(i);
    }
  for (let round = 0; round < reach && front.length > 0; round++) {
    const next: number[] = [];
    for (const i of front) {
      const z = points[i * 3 + 2]!;
      for (const j of [i - 1, i + 1, i - width, i + width]) {
        if (j < 0 || j >= marks.length || marks[j] !== 0) continue;
        if (!(Math.abs(points[j * 3 + 2]! - z) < 0.004)) continue;
        marks[j] = 2;
        next.push(j);
      }
    }
    front = next;
  }
}

/** The mask without its edge; thin objects stay unchanged, because they would vanish (a pen is four pixels wide). */
function thinned(mask: Uint8Array, width: number, height: number, area: number): Uint8Array {
  const out = new Uint8Array(mask.length);
  for (let r = 1; r < height - 1; r++)
    for (let c = 1; c < width - 1; c++) {
      const i = r * width + c;
      out[i] = mask[i]! & mask[i - 1]! & mask[i + 1]! & mask[i - width]! & mask[i + width]!;
    }
  let left = 0;
  for (const value of out) left += value;
  return left >= 0.55 * area ? out : mask;
}

/** Middle value, the upper one of an even number, unlike geometry's median: a measured depth. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.trunc(sorted.length / 2)] ?? Number.NaN;
}
