import type { Metres, Points } from "../../geometry/index.js";

/** Edge length of a cell: two pixels of depth at a metre, on a table seen at 45 degrees. */
export const cellSize: Metres = 0.008;
/** Cells from the middle of the grid to its border: 0.48 m. */
const reach = 60;
export const side = 2 * reach + 1;
/** Higher than this above the table is an obstacle; noise of depth is below it. */
const obstacleHeight: Metres = 0.014;
/** Higher than this is above anything that is put down: an arm, or what it holds. */
const overhead: Metres = 0.35;
/** Deeper than this below the table is beyond its edge. */
const below: Metres = -0.03;

/** Index of the cell of a place, -1 outside. */
export function cellAt(x: Metres, y: Metres): number {
  const i = Math.round(x / cellSize) + reach;
  const j = Math.round(y / cellSize) + reach;
  return i < 0 || j < 0 || i >= side || j >= side ? -1 : i * side + j;
}

/** Place of a cell's middle. */
export const placeOf = (cell: number): readonly [Metres, Metres] => [
  (Math.trunc(cell / side) - reach) * cellSize,
  ((cell % side) - reach) * cellSize,
];

/** The highest seen point of each cell of a grid on the table; NaN where nothing was seen. */
export function heights(points: Points, among?: (k: number) => boolean): Float32Array {
  const top = new Float32Array(side * side).fill(Number.NaN);
  for (let k = 0; k * 3 + 2 < points.length; k++) {
    const z = points[k * 3 + 2]!;
    if (!(z > below && z < overhead) || (among !== undefined && !among(k))) continue;
    const cell = cellAt(points[k * 3]!, points[k * 3 + 1]!);
    if (cell >= 0 && !(top[cell]! >= z)) top[cell] = z;
  }
  return top;
}

/** Fills cells where nothing was seen from at least `least` of their eight neighbours, with the mean of those. */
export function filled(top: Float32Array, least: number): Float32Array {
  const out = top.slice();
  for (let cell = 0; cell < top.length; cell++) {
    if (!Number.isNaN(top[cell]!)) continue;
    const around = neighbours(cell).filter((each) => !Number.isNaN(top[each]!));
    if (around.length >= least) out[cell] = around.reduce((sum, each) => sum + top[each]!, 0) / around.length;
  }
  return out;
}

function neighbours(cell: number): number[] {
  const i = Math.trunc(cell / side);
  const j = cell % side;
  const found: number[] = [];
  for (let di = -1; di <= 1; di++)
    for (let dj = -1; dj <= 1; dj++) {
      const [a, b] = [i + di, j + dj];
      if ((di !== 0 || dj !== 0) && a >= 0 && b >= 0 && a < side && b < side) found.push(a * side + b);
    }
  return found;
}

/** Cells of the bare table; those where nothing was seen are not free. */
export const freeCells = (top: Float32Array): Uint8Array =>
  Uint8Array.from(top, (z) => (z <= obstacleHeight ? 1 : 0));

/**
 * Distance of each cell to the nearest marked one, in metres: two passes of the chamfer transform (Borgefors 1986),
 * within 4 % of the true distance.
 */
export function distances(marked: (cell: number) => boolean): Float32Array {
  const far = 1e3;
  const out = new Float32Array(side * side);
  for (let cell = 0; cell < out.length; cell++) out[cell] = marked(cell) ? 0 : far;
  const relax = (cell: number, i: number, j: number, cost: number): void => {
    if (i >= 0 && j >= 0 && i < side && j < side) out[cell] = Math.min(out[cell]!, out[i * side + j]! + cost);
  };
  for (const step of [1, -1])
    for (let k = 0; k < out.length; k++) {
      const cell = step === 1 ? k : out.length - 1 - k;
      const i = Math.trunc(cell / side);
      const j = cell % side;
      relax(cell, i, j - step, 1);
      relax(cell, i - step, j, 1);
      relax(cell, i - step, j - step, Math.SQRT2);
      relax(cell, i - step, j + step, Math.SQRT2);
    }
  return out.map((d) => d * cellSize);
}
