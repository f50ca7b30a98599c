import type { Box } from "../../geometry/index.js";
import type { Heatmap } from "../types.js";
import { type ImageSize, type Part, regionOf } from "./cells.js";

interface Labelled {
  readonly heatmap: Heatmap;
  /** The component of each of the heat map's pixels, 0 where there is none. */
  readonly labels: Int32Array;
  readonly image: ImageSize;
  readonly threshold: number;
}

/** First and last column of a component in each row of the heat map; first > last where it has none. */
interface Extents {
  readonly first: Int32Array;
  readonly last: Int32Array;
}

function extentsOf({ label, bounds }: Part, { heatmap, labels }: Labelled): Extents {
  const [x1, y1, x2, y2] = bounds;
  const first = new Int32Array(heatmap.height).fill(heatmap.width);
  const last = new Int32Array(heatmap.height).fill(-1);
  for (let y = y1; y <= y2; y++) {
    const row = y * heatmap.width;
    let x = x1;
    while (x <= x2 && labels[row + x] !== label) x++;
    if (x > x2) continue;
    first[y] = x;
    x = x2;
    while (labels[row + x] !== label) x--;
    last[y] = x;
  }
  return { first, last };
}

/**
 * The box of a component at the image's resolution, as its drawn mask has it. Only pixels that could widen the box are
 * looked at: its circumference, not its area.
 * @returns undefined where no pixel of the image belongs to it
 */
export function boxOf(part: Part, labelled: Labelled): Box | undefined {
  const { heatmap, image } = labelled;
  const { first, last } = extentsOf(part, labelled);
  const region = regionOf(part.bounds, heatmap, image);
  const sx = image.width / heatmap.width;
  const rowOf = rowTest(part.label, labelled);
  /** First and last column at which row y may have pixels of the component. */
  const span = (y: number): readonly [number, number] => {
    const { v0, v1 } = rowOf.at(y);
    const from = Math.min(first[v0] as number, first[v1] as number);
    const to = Math.max(last[v0] as number, last[v1] as number);
    // One pixel more on either side than the interpolation reaches: rounding cannot hide one.
    return [
      Math.max(region[0], Math.floor((from - 0.5) * sx) - 1),
      Math.min(region[2] - 1, Math.ceil((to + 1.5) * sx) + 1),
    ];
  };
  let x1 = image.width;
  let x2 = -1;
  let y1 = -1;
  for (let y = region[1]; y < region[3]; y++) {
    const [from, to] = span(y);
    for (let x = from; x <= to && x < x1; x++) if (rowOf.has(x)) x1 = x;
    for (let x = to; x >= from && x > x2; x--) if (rowOf.has(x)) x2 = x;
    if (y1 < 0 && x2 >= 0) y1 = y;
  }
  if (y1 < 0) return undefined;
  for (let y = region[3] - 1; y > y1; y--) {
    const [from, to] = span(y);
    for (let x = from; x <= to; x++) if (rowOf.has(x)) return [x1, y1, x2 + 1, y + 1];
  }
  return [x1, y1, x2 + 1, y1 + 1];
}

/** Whether pixels of a row of the image belong to a component: between four of the heat map's, as its mask is drawn. */
function rowTest(own: number, { heatmap, labels, image, threshold }: Labelled) {
  const { data, width, height } = heatmap;
  const sx = image.width / width;
  const sy = image.height / height;
  let above = 0;
  let below = 0;
  let fy = 0;
  return {
    at(y: number): { readonly v0: number; readonly v1: number } {
      const v = Math.min(Math.max((y + 0.5) / sy - 0.5, 0), height - 1);
      const v0 = Math.floor(v);
      const v1 = Math.min(v0 + 1, height - 1);
      fy = v - v0;
      above = v0 * width;
      below = v1 * width;
      return { v0, v1 };
    },
    has(x: number): boolean {
      const u = Math.min(Math.max((x + 0.5) / sx - 0.5, 0), width - 1);
      const u0 = Math.floor(u);
      const u1 = Math.min(u0 + 1, width - 1);
      const fx = Math.fround(u - u0);
      const a = labels[above + u0] as number;
      const b = labels[above + u1] as number;
      const d = labels[below + u0] as number;
      const e = labels[below + u1] as number;
      // Four pixels that all belong to an object touch each other: it is the same object.
      if (a !== 0 && b !== 0 && d !== 0 && e !== 0) return a === own;
      if (a !== own && b !== own && d !== own && e !== own) return false;
      const nearest = (fy < 0.5 ? above : below) + (fx < 0.5 ? u0 : u1);
      if (labels[nearest] !== 0 && labels[nearest] !== own) return false;
      const left = data[above + u0] as number;
      const low = data[below + u0] as number;
      const top = left + ((data[above + u1] as number) - left) * fx;
      const bottom = low + ((data[below + u1] as number) - low) * fx;
      return !(top + (bottom - top) * fy < threshold);
    },
  };
}
