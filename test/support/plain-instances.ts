import fc from "fast-check";
import { expect } from "vitest";
import type { Box } from "../../src/geometry/index.js";
import type { Detection, Heatmap } from "../../src/grounding/index.js";

interface PlainInstance {
  readonly box: Box;
  readonly score: number;
  readonly mask: Uint8Array;
}

/** The same boxes, scores and masks, in the same order. */
export function expectSame(seen: readonly Detection[], expected: readonly PlainInstance[]): void {
  const places = (all: readonly Pick<Detection, "box" | "score">[]) =>
    all.map(({ box, score }) => ({ box, score }));
  expect(places(seen)).toEqual(places(expected));
  for (const [i, { mask }] of seen.entries())
    expect(Buffer.compare(mask.data, expected[i]?.mask ?? new Uint8Array(0))).toBe(0);
}

export const sizes = (width: number, height: number) =>
  fc.record({ width: fc.integer({ min: 1, max: width }), height: fc.integer({ min: 1, max: height }) });

/** Components by flood fill, and every pixel of the image looked at on its own. */
export function plainInstances(
  { width, height, data }: Heatmap,
  size: { width: number; height: number },
  threshold: number,
) {
  const labels = new Int32Array(width * height);
  const parts: { label: number; area: number; score: number }[] = [];
  for (let start = 0; start < labels.length; start++) {
    if (labels[start] !== 0 || !((data[start] as number) >= threshold)) continue;
    const label = start + 1;
    const open = [start];
    labels[start] = label;
    for (let at = open.pop(); at !== undefined; at = open.pop())
      for (const next of neighbours(at, width, height))
        if (labels[next] === 0 && (data[next] as number) >= threshold) {
          labels[next] = label;
          open.push(next);
        }
    const own = [...labels.keys()].filter((i) => labels[i] === label);
    const sum = own.reduce((total, i) => total + (data[i] as number), 0);
    parts.push({ label, area: own.length, score: sum / own.length });
  }
  parts.sort((a, b) => b.score - a.score || b.area - a.area);
  return parts.flatMap(({ label, score }) => {
    const mask = new Uint8Array(size.width * size.height);
    const xs: number[] = [];
    const ys: number[] = [];
    for (let y = 0; y < size.height; y++)
      for (let x = 0; x < size.width; x++) {
        if (!isOf(label, labels, { width, height, data }, x, y, size, threshold)) continue;
        mask[y * size.width + x] = 1;
        xs.push(x);
        ys.push(y);
      }
    if (xs.length === 0) return [];
    const box: Box = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
    return [{ box, score, mask }];
  });
}

function isOf(
  label: number,
  labels: Int32Array,
  { width, height, data }: Heatmap,
  x: number,
  y: number,
  size: { width: number; height: number },
  threshold: number,
): boolean {
  const u = Math.min(Math.max((x + 0.5) / (size.width / width) - 0.5, 0), width - 1);
  const v = Math.min(Math.max((y + 0.5) / (size.height / height) - 0.5, 0), height - 1);
  const [u0, v0] = [Math.floor(u), Math.floor(v)];
  const [u1, v1] = [Math.min(u0 + 1, width - 1), Math.min(v0 + 1, height - 1)];
  const around = [v0 * width + u0, v0 * width + u1, v1 * width + u0, v1 * width + u1];
  const kinds = around.map((at) => labels[at] as number);
  if (!kinds.includes(label)) return false;
  if (kinds.every((kind) => kind !== 0)) return kinds[0] === label;
  const [a, b, d, e] = around.map((at) => data[at] as number) as [number, number, number, number];
  const [fx, fy] = [Math.fround(u - u0), v - v0];
  const lerp = (from: number, to: number, t: number) => from + (to - from) * t;
  if (lerp(lerp(a, b, fx), lerp(d, e, fx), fy) < threshold) return false;
  const nearest = labels[(fy < 0.5 ? v0 : v1) * width + (fx < 0.5 ? u0 : u1)] as number;
  return nearest === 0 || nearest === label;
}

function neighbours(at: number, width: number, height: number): number[] {
  const [x, y] = [at % width, Math.floor(at / width)];
  return [-1, 0, 1].flatMap((dy) =>
    [-1, 0, 1].flatMap((dx) => {
      const [nx, ny] = [x + dx, y + dy];
      return nx >= 0 && nx < width && ny >= 0 && ny < height ? [ny * width + nx] : [];
    }),
  );
}
