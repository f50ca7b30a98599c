import { type Box, boxWidth, clipBox, type Pixels } from "../../geometry/index.js";
import type { Heatmap } from "../types.js";

export interface ImageSize {
  readonly width: Pixels;
  readonly height: Pixels;
}

/** A component of a heat map. */
export interface Part {
  readonly label: number;
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
  readonly fraction: Float32Array;
}

export function cellsOf(region: Box, sx: number, width: number): Cells {
  const count = boxWidth(region);
  const left: number[] = [];
  const starts: number[] = [];
  let last = -1;
  const fraction = new Float32Array(count);
  for (let c = 0; c < count; c++) {
    const u = Math.min(Math.max((region[0] + c + 0.5) / sx - 0.5, 0), width - 1);
    const at = Math.floor(u);
    if (at !== last) {
      last = at;
      left.push(at);
      starts.push(region[0] + c);
    }
    fraction[c] = u - at;
  }
  starts.push(region[2]);
  return {
    left: Int32Array.from(left),
    right: Int32Array.from(left, (at) => Math.min(at + 1, width - 1)),
    starts: Int32Array.from(starts),
    fraction,
  };
}

/** What the heat map's pixels around a cell say of all image pixels between them; `mixed`: each is looked at. */
const kind = { out: 0, in: 1, mixed: 2 } as const;

/**
 * Finds the spans between two rows. Four pixels that all belong to an object touch each other: it is the same object.
 */
export function classify(spans: Spans, { left, right, starts }: Cells, pair: RowPair): void {
  const { labels, label: own } = pair;
  const { from, to, mixed, cells } = spans;
  const above = pair.v0 * pair.heatmap.width;
  const below = pair.v1 * pair.heatmap.width;
  let count = 0;
  let mixedCount = 0;
  let last: number = kind.out;
  for (let c = 0; c < left.length; c++) {
    const u0 = left[c] as number;
    const u1 = right[c] as number;
    const a = labels[above + u0] as number;
    const b = labels[above + u1] as number;
    const d = labels[below + u0] as number;
    const e = labels[below + u1] as number;
    let now: number = kind.mixed;
    if (a !== 0 && b !== 0 && d !== 0 && e !== 0) now = a === own ? kind.in : kind.out;
    else if (a !== own && b !== own && d !== own && e !== own) now = kind.out;
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
  /** 1 where the nearest pixel of that row is the component's or nobody's. */
  readonly upperFree: Uint8Array;
  readonly lowerFree: Uint8Array;
}

let lastEdge: Edge | undefined;

/** Memory for so many columns; the next call gets the same. */
export function edgeOf(columns: Pixels): Edge {
  if (lastEdge === undefined || lastEdge.upper.length < columns)
    lastEdge = {
      upper: new Float64Array(columns),
      lower: new Float64Array(columns),
      upperFree: new Uint8Array(columns),
      lowerFree: new Uint8Array(columns),
    };
  return lastEdge;
}

interface RowPair {
  readonly heatmap: Heatmap;
  readonly labels: Int32Array;
  readonly label: number;
  /** The heat map's rows above and below. */
  readonly v0: number;
  readonly v1: number;
}

/** Fills `edge` for the mixed cells between two rows: all rows of the image between them need the same. */
export function interpolate(edge: Edge, spans: Spans, cells: Cells, pair: RowPair): void {
  const { upper, lower, upperFree, lowerFree } = edge;
  const { heatmap, labels, label } = pair;
  const { data, width } = heatmap;
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
      // A pixel just outside the component's own cells may pass by interpolation; it must not be another component's.
      const u = fx < 0.5 ? u0 : u1;
      const over = labels[above + u] as number;
      const under = labels[below + u] as number;
      upperFree[k] = over === 0 || over === label ? 1 : 0;
      lowerFree[k] = under === 0 || under === label ? 1 : 0;
    }
  }
}
