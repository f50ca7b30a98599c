import type { Mask } from "../../geometry/index.js";
import { toImage } from "./crop.js";
import type { GraspMaps } from "./network.js";

/** A local maximum of quality on the object. */
export interface Peak {
  /** Network pixel. */
  readonly i: number;
  readonly j: number;
  readonly quality: number;
  /** Closing direction in radians, counterclockwise from the image's right, -π/2..π/2. */
  readonly angle: number;
  /** Opening in network pixels. */
  readonly width: number;
}

/** Distance in network pixels below which two peaks are one. */
const APART = 8;

/** The best places within the mask, best first. Maps are smoothed as GR-ConvNet's own evaluation does. */
export function findPeaks(maps: GraspMaps, mask: Mask, least: number, limit: number): Peak[] {
  const { size } = maps.crop;
  const quality = blur(maps.quality, size, 2);
  const cos = blur(maps.cos, size, 2);
  const sin = blur(maps.sin, size, 2);
  const width = blur(maps.width, size, 1);
  const inside: number[] = [];
  for (let k = 0; k < quality.length; k++) {
    if (!(quality[k]! >= least)) continue;
    const [x, y] = toImage(maps.crop, k % size, Math.trunc(k / size));
    const [u, v] = [Math.round(x), Math.round(y)];
    if (u < 0 || v < 0 || u >= mask.width || v >= mask.height) continue;
    if (mask.data[v * mask.width + u] !== 0) inside.push(k);
  }
  inside.sort((a, b) => quality[b]! - quality[a]! || a - b);
  const peaks: Peak[] = [];
  for (const k of inside) {
    if (peaks.length >= limit) break;
    const [i, j] = [k % size, Math.trunc(k / size)];
    if (peaks.some((p) => Math.hypot(p.i - i, p.j - j) < APART)) continue;
    peaks.push({ i, j, quality: quality[k]!, angle: Math.atan2(sin[k]!, cos[k]!) / 2, width: width[k]! });
  }
  return peaks;
}

/** Separable Gaussian; at the edges the weights of missing pixels go to the others. */
export function blur(map: Float32Array, size: number, sigma: number): Float32Array {
  const reach = Math.ceil(4 * sigma);
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, k) =>
    Math.exp(-((k - reach) ** 2) / (2 * sigma ** 2)),
  );
  const total = kernel.reduce((sum, w) => sum + w, 0);
  const pass = (from: Float32Array, along: number, across: number): Float32Array => {
    const to = new Float32Array(from.length);
    for (let b = 0; b < size; b++)
      for (let a = 0; a < size; a++) {
        let sum = 0;
        for (let k = -reach; k <= reach; k++) {
          const at = Math.min(size - 1, Math.max(0, a + k));
          sum += kernel[k + reach]! * from[at * along + b * across]!;
        }
        to[a * along + b * across] = sum / total;
      }
    return to;
  };
  return pass(pass(map, 1, size), size, 1);
}
