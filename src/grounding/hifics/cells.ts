import { type Box, clipBox, type Pixels } from "../../geometry/index.js";
import type { Heatmap } from "../types.js";
import type { Axis } from "./axes.js";

export interface ImageSize {
  readonly width: Pixels;
  readonly height: Pixels;
}

/** A component of a heat map. */
export interface Part {
  /** First of its runs. */
  readonly root: number;
  /** First and last column and row, inclusive, in heat-map pixels. */
  readonly bounds: readonly [number, number, number, number];
}

/** The image's pixels that may belong to a component of these bounds: interpolation reaches a pixel further. */
export function regionOf([x1, y1, x2, y2]: Part["bounds"], heatmap: ImageSize, image: ImageSize): Box {
  const sx = image.width / heatmap.width;
  const sy = image.height / heatmap.height;
  const box: Box = [
    Math.floor((x1 - 1) * sx),
    Math.floor((y1 - 1) * sy),
    Math.ceil((x2 + 2) * sx),
    Math.ceil((y2 + 2) * sy),
  ];
  return clipBox(box, image.width, image.height);
}

/** The columns of a region by the two columns of the heat map between which they lie. */
interface Cells {
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** First column of each cell in the image, and the region's end. */
  readonly starts: Int32Array;
  /** For each column of the region, its place between both, 0..1. */
  readonly fraction: Float64Array;
}

export function cellsOf(region: Box, columns: Axis, width: number): Cells {
  const left: number[] = [];
  const starts: number[] = [];
  let last = -1;
  for (let x = region[0]; x < region[2]; x++) {
    const at = columns.cell[x] as number;
    if (at === last) continue;
    last = at;
    left.push(at);
    starts.push(x);
  }
  starts.push(region[2]);
  return {
    left: Int32Array.from(left),
    right: Int32Array.from(left, (at) => Math.min(at + 1, width - 1)),
    starts: Int32Array.from(starts),
    fraction: columns.fraction.subarray(region[0], region[2]),
  };
}

/** What the heat map's pixels around a cell say of all image pixels between them; `mixed`: each is looked at. */
const kind = { out: 0, in: 1, mixed: 2 } as const;

/**
 * Finds the spans between two rows. Those of a cell's four pixels that are marked touch each other: they are of one
 * component.
 */
export function classify(spans: Spans, { left, right, starts }: Cells, { above, below }: RowPair): void {
  const { from, to, mixed, cells } = spans;
  let count = 0;
  let mixedCount = 0;
  let last: number = kind.out;
  for (let c = 0; c < left.length; c++) {
    const u0 = left[c] as number;
    const u1 = right[c] as number;
    const own = (above[u0] as number) + (above[u1] as number) + (below[u0] as number) + (below[u1] as number);
    const now: number = own === 0 ? kind.out : own === 4 ? kind.in : kind.mixed;
    if (now === kind.mixed) cells[mixedCount++] = c;
    if (now === last) continue;
    if (last !== kind.out) to[count++] = starts[c] as number;
    if (now !== kind.out) {
      from[count] = starts[c] as number;
      mixed[count] = now === kind.mixed ? 1 : 0;
    }
    last = now;
  }
  if (last !== kind.out) to[count++] = starts[left.length] as number;
  spans.count = count;
  spans.mixedCount = mixedCount;
}

/** Neighbouring cells of one kind, those outside skipped; columns of the image, the last one exclusive. */
interface Spans {
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** 1 where each pixel is looked at. */
  readonly mixed: Uint8Array;
  count: number;
  /** The mixed cells. */
  readonly cells: Int32Array;
  mixedCount: number;
}

export const spansOf = (most: number): Spans => ({
  from: new Int32Array(most),
  to: new Int32Array(most),
  mixed: new Uint8Array(most),
  count: 0,
  cells: new Int32Array(most),
  mixedCount: 0,
});

/** Columns of a region in mixed cells, between two rows of the heat map. */
interface Edge {
  /** The heat map above and below, interpolated along its rows. */
  readonly upper: Float64Array;
  readonly lower: Float64Array;
}

let lastEdge: Edge | undefined;

/** Memory for so many columns; the next call gets the same. */
export function edgeOf(columns: Pixels): Edge {
  if (lastEdge === undefined || lastEdge.upper.length < columns)
    lastEdge = { upper: new Float64Array(columns), lower: new Float64Array(columns) };
  return lastEdge;
}

interface RowPair {
  readonly heatmap: Heatmap;
  /** 1 for the component's pixels in the heat map's rows above and below. */
  readonly above: Uint8Array;
  readonly below: Uint8Array;
  /** Both rows. */
  readonly v0: number;
  readonly v1: number;
}

/** Fills `edge` for the mixed cells between two rows: all rows of the image between them need the same. */
export function interpolate(edge: Edge, spans: Spans, cells: Cells, pair: RowPair): void {
  const { upper, lower } = edge;
  const { data, width } = pair.heatmap;
  const { left, right, starts, fraction } = cells;
  const above = pair.v0 * width;
  const below = pair.v1 * width;
  const first = starts[0] as number;
  for (let i = 0; i < spans.mixedCount; i++) {
    const c = spans.cells[i] as number;
    const u0 = left[c] as number;
    const u1 = right[c] as number;
    const a = data[above + u0] as number;
    const b = data[above + u1] as number;
    const d = data[below + u0] as number;
    const e = data[below + u1] as number;
    const end = (starts[c + 1] as number) - first;
    for (let k = (starts[c] as number) - first; k < end; k++) {
      const fx = fraction[k] as number;
      upper[k] = a + (b - a) * fx;
      lower[k] = d + (e - d) * fx;
    }
  }
}
