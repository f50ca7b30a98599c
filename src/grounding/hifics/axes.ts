import type { Pixels } from "../../geometry/index.js";

/** Where the image's pixels of one axis lie between those of a heat map that covers it. */
export interface Axis {
  /** By the image's pixel: the heat map's pixel whose centre is at it or before it. */
  readonly cell: Int32Array;
  /** How far it is from there to the next one, 0..1. */
  readonly fraction: Float64Array;
}

/** Images of a camera are of one size: the axes of the last one serve the next one. */
const memory = new Map<
  "columns" | "rows",
  { readonly size: number; readonly length: number; readonly axis: Axis }
>();

function axisOf(
  name: "columns" | "rows",
  size: Pixels,
  length: Pixels,
  round: (fraction: number) => number,
): Axis {
  const last = memory.get(name);
  if (last?.size === size && last.length === length) return last.axis;
  const axis = { cell: new Int32Array(length), fraction: new Float64Array(length) };
  const scale = length / size;
  for (let i = 0; i < length; i++) {
    const at = Math.min(Math.max((i + 0.5) / scale - 0.5, 0), size - 1);
    const cell = Math.floor(at);
    axis.cell[i] = cell;
    axis.fraction[i] = round(at - cell);
  }
  memory.set(name, { size, length, axis });
  return axis;
}

interface Size {
  readonly width: Pixels;
  readonly height: Pixels;
}

/** Fractions are of 32 bits. */
export const columnsOf = (heatmap: Size, image: Size): Axis =>
  axisOf("columns", heatmap.width, image.width, Math.fround);

export const rowsOf = (heatmap: Size, image: Size): Axis =>
  axisOf("rows", heatmap.height, image.height, (fraction) => fraction);
