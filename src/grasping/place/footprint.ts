import type { Metres, Points } from "../../geometry/index.js";
import { cellSize } from "./surface.js";

/** What is held, turned about the upright axis, as it stands over the table. */
export interface Footprint {
  /** Radians from how it was taken. */
  readonly turn: number;
  /** Middles of the cells that it covers, relative to the tool. */
  readonly cells: readonly (readonly [Metres, Metres])[];
  /** Middle of its extent, relative to the tool, and half of the extent. */
  readonly middle: readonly [Metres, Metres];
  readonly half: readonly [Metres, Metres];
}

/** Lowest share of the points that may be noise. */
const lowest = 0.02;

/** How far the lowest point of what is held is below the tool. @param points relative to the tool, z up */
export function bottomOf(points: Points): Metres {
  const heights: number[] = [];
  for (let i = 2; i < points.length; i += 3) if (!Number.isNaN(points[i]!)) heights.push(points[i]!);
  heights.sort((a, b) => a - b);
  return heights.length === 0 ? 0 : Math.max(0, -heights[Math.trunc(lowest * heights.length)]!);
}

/** @param points relative to the tool, in the axes of the table */
export function footprint(points: Points, turn: number): Footprint {
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  const seen = new Map<string, readonly [number, number]>();
  let [x1, x2, y1, y2] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i + 2 < points.length; i += 3) {
    const [px, py] = [points[i]!, points[i + 1]!];
    if (Number.isNaN(px)) continue;
    const [x, y] = [c * px - s * py, s * px + c * py];
    [x1, x2, y1, y2] = [Math.min(x1, x), Math.max(x2, x), Math.min(y1, y), Math.max(y2, y)];
    const [a, b] = [Math.round(x / cellSize), Math.round(y / cellSize)];
    seen.set(`${a},${b}`, [a * cellSize, b * cellSize]);
  }
  if (seen.size === 0) return { turn, cells: [[0, 0]], middle: [0, 0], half: [cellSize, cellSize] };
  return {
    turn,
    cells: [...seen.values()],
    middle: [(x1 + x2) / 2, (y1 + y2) / 2],
    half: [(x2 - x1) / 2, (y2 - y1) / 2],
  };
}
