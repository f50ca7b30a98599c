import type { Heatmap } from "../types.js";

/**
 * The marked pixels of a heat map as runs along its rows, and the 8-connected components that these form. In memory of
 * the module: valid until the next call of `findRuns`.
 */
export interface Runs {
  /** First column of each run and the one after its last, in turn. */
  readonly edges: Int32Array;
  /** First run of each run's component. */
  readonly root: Int32Array;
  /** First run of each row, and the number of runs. */
  readonly rows: Int32Array;
  /** By a component's first run: its pixels, and its first and last column and row, inclusive. */
  readonly area: Int32Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly top: Int32Array;
  readonly bottom: Int32Array;
}

type Memory = { -readonly [name in keyof Runs]: Int32Array } & { place: Int32Array };

/** Memory of the last call, for the next one: to ask for new megabytes takes longer than to look for components. */
const memory: Memory = {
  edges: new Int32Array(0),
  place: new Int32Array(0),
  root: new Int32Array(0),
  rows: new Int32Array(0),
  area: new Int32Array(0),
  left: new Int32Array(0),
  right: new Int32Array(0),
  top: new Int32Array(0),
  bottom: new Int32Array(0),
};

function grow(name: keyof Memory, length: number): void {
  if (memory[name].length < length) memory[name] = new Int32Array(length);
}

/** Finds the runs of pixels of at least `threshold`, and joins those that touch by union-find. */
export function findRuns({ width, height, data }: Heatmap, threshold: number): Runs {
  const most = Math.ceil(width / 2) * height;
  grow("rows", height + 1);
  grow("edges", 2 * most);
  const { edges, rows } = memory;
  rows[0] = 0;
  let count = 0;
  for (let y = 0; y < height; y++) {
    count = appendEdges(edges, count, data, y * width, width, threshold);
    rows[y + 1] = count >> 1;
  }
  for (const name of ["root", "area", "left", "right", "top", "bottom"] as const) grow(name, count >> 1);
  for (let y = 0; y < height; y++) joinRow(memory, y);
  for (let y = 0; y < height; y++) measureRow(memory, y);
  return memory;
}

/** Which of eight pixels are marked, the first in the highest of eight bits. */
export const marksOfEight = (data: Float32Array, i: number, threshold: number): number =>
  (Number((data[i] as number) >= threshold) << 7) |
  (Number((data[i + 1] as number) >= threshold) << 6) |
  (Number((data[i + 2] as number) >= threshold) << 5) |
  (Number((data[i + 3] as number) >= threshold) << 4) |
  (Number((data[i + 4] as number) >= threshold) << 3) |
  (Number((data[i + 5] as number) >= threshold) << 2) |
  (Number((data[i + 6] as number) >= threshold) << 1) |
  Number((data[i + 7] as number) >= threshold);

/**
 * Appends the columns at which a row's runs begin and end. Only edges branch, not pixels: half of those of a noisy map
 * would be mispredicted.
 * @returns the number of edges
 */
function appendEdges(
  edges: Int32Array,
  known: number,
  data: Float32Array,
  row: number,
  width: number,
  threshold: number,
): number {
  let count = known;
  let before = 0;
  let x = 0;
  for (; x + 16 <= width; x += 16) {
    const i = row + x;
    const marks = (marksOfEight(data, i, threshold) << 8) | marksOfEight(data, i + 8, threshold);
    let changes = marks ^ ((marks >> 1) | (before << 15));
    before = marks & 1;
    while (changes !== 0) {
      const place = Math.clz32(changes);
      edges[count++] = x + place - 16;
      changes ^= 0x80000000 >>> place;
    }
  }
  for (; x < width; x++) {
    const marked = Number((data[row + x] as number) >= threshold);
    if (marked !== before) edges[count++] = x;
    before = marked;
  }
  if (before === 1) edges[count++] = width;
  return count;
}

/** Joins the runs of a row with those of the row above that they touch. */
function joinRow({ edges, root, rows }: Memory, y: number): void {
  const first = rows[y] as number;
  const last = rows[y + 1] as number;
  let above = y === 0 ? first : (rows[y - 1] as number);
  for (let run = first; run < last; run++) {
    const start = edges[2 * run] as number;
    const end = edges[2 * run + 1] as number;
    let own = run;
    root[run] = run;
    while (above < first && (edges[2 * above + 1] as number) < start) above++;
    for (let other = above; other < first && (edges[2 * other] as number) <= end; other++)
      own = join(root, own, other);
  }
}

/** @returns the first run of both, which becomes their root. */
function join(root: Int32Array, a: number, b: number): number {
  const one = find(root, a);
  const other = find(root, b);
  if (one < other) {
    root[other] = one;
    return one;
  }
  root[one] = other;
  return other;
}

function find(root: Int32Array, run: number): number {
  let at = run;
  for (let next = root[at] as number; next !== at; next = root[at] as number) {
    const beyond = root[next] as number;
    root[at] = beyond;
    at = beyond;
  }
  return at;
}

/** Adds a row's runs to their components; each run's root lies before it and is final. */
function measureRow({ edges, root, rows, area, left, right, top, bottom }: Memory, y: number): void {
  for (let run = rows[y] as number; run < (rows[y + 1] as number); run++) {
    const own = root[root[run] as number] as number;
    root[run] = own;
    const x1 = edges[2 * run] as number;
    const x2 = edges[2 * run + 1] as number;
    if (own === run) {
      area[run] = 0;
      left[run] = x1;
      right[run] = x2 - 1;
      top[run] = y;
    }
    area[own] = (area[own] as number) + x2 - x1;
    if (x1 < (left[own] as number)) left[own] = x1;
    if (x2 > (right[own] as number)) right[own] = x2 - 1;
    bottom[own] = y;
  }
}

/**
 * Components of at least `minArea` pixels with the sum of their probabilities, in the order of their first pixels.
 * Sums are exact, in any order, from a threshold of 0.0002 on: 24 bits a probability, and fewer than 2^17 of them.
 */
export function largeComponents(
  { height, width, data }: Heatmap,
  { edges, root, rows, area }: Runs,
  minArea: number,
): { readonly root: number; sum: number }[] {
  const found: { readonly root: number; sum: number }[] = [];
  grow("place", rows[height] as number);
  const { place } = memory;
  for (let y = 0; y < height; y++)
    for (let run = rows[y] as number; run < (rows[y + 1] as number); run++) {
      const own = root[run] as number;
      if ((area[own] as number) < minArea) continue;
      if (own === run) place[run] = found.push({ root: run, sum: 0 }) - 1;
      const component = found[place[own] as number] as (typeof found)[number];
      const row = y * width;
      component.sum += sumOf(data, row + (edges[2 * run] as number), row + (edges[2 * run + 1] as number));
    }
  return found;
}

/** In two parts: the one need not wait for the other. */
function sumOf(data: Float32Array, from: number, to: number): number {
  let sum = 0;
  let other = 0;
  let i = from;
  for (; i + 3 < to; i += 4) {
    sum += (data[i] as number) + (data[i + 1] as number);
    other += (data[i + 2] as number) + (data[i + 3] as number);
  }
  for (; i < to; i++) sum += data[i] as number;
  return sum + other;
}

/** First run of the component of a pixel, -1 where there is none. */
export function componentAt({ edges, root, rows }: Runs, y: number, x: number): number {
  let low = rows[y] as number;
  let high = rows[y + 1] as number;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edges[2 * middle + 1] as number) <= x) low = middle + 1;
    else high = middle;
  }
  return low < (rows[y + 1] as number) && (edges[2 * low] as number) <= x ? (root[low] as number) : -1;
}

/** Writes 1 for a component's pixels of a row of the heat map, 0 for others. */
export function markRow(own: number, { edges, root, rows }: Runs, y: number, row: Uint8Array): void {
  row.fill(0);
  for (let run = rows[y] as number; run < (rows[y + 1] as number); run++) {
    if (root[run] !== own) continue;
    const end = edges[2 * run + 1] as number;
    for (let x = edges[2 * run] as number; x < end; x++) row[x] = 1;
  }
}
