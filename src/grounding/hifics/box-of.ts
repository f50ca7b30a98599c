import type { Box } from "../../geometry/index.js";
import type { Heatmap } from "../types.js";
import { type Axis, columnsOf, rowsOf } from "./axes.js";
import { type ImageSize, type Part, regionOf } from "./cells.js";
import { componentAt, type Runs } from "./runs.js";

interface Labelled {
  readonly heatmap: Heatmap;
  readonly runs: Runs;
  readonly image: ImageSize;
  readonly threshold: number;
}

/** First and last column of a component in each row of the heat map; first > last where it has none. */
interface Extents {
  readonly first: Int32Array;
  readonly last: Int32Array;
}

/** Memory of the last call, for the next one. */
let lastExtents: Extents = { first: new Int32Array(0), last: new Int32Array(0) };

/** Of the rows of the component, and of one more above and below. */
function extentsOf({ root: own, bounds }: Part, { heatmap, runs }: Labelled): Extents {
  const { edges, root, rows } = runs;
  if (lastExtents.first.length < heatmap.height)
    lastExtents = { first: new Int32Array(heatmap.height), last: new Int32Array(heatmap.height) };
  const { first, last } = lastExtents;
  const final = Math.min(bounds[3] + 1, heatmap.height - 1);
  for (let y = Math.max(bounds[1] - 1, 0); y <= final; y++) {
    const end = rows[y + 1] as number;
    let run = rows[y] as number;
    while (run < end && root[run] !== own) run++;
    first[y] = run === end ? heatmap.width : (edges[2 * run] as number);
    let other = end - 1;
    while (other > run && root[other] !== own) other--;
    last[y] = run === end ? -1 : (edges[2 * other + 1] as number) - 1;
  }
  return lastExtents;
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
  const row = new ImageRow(part, labelled);
  /** First and last column at which the row may have pixels of the component. */
  const from = () => {
    const leftmost = Math.min(first[row.v0] as number, first[row.v1] as number);
    // One pixel more on either side than the interpolation reaches: rounding cannot hide one.
    return Math.max(region[0], Math.floor((leftmost - 0.5) * sx) - 1);
  };
  const to = () => {
    const rightmost = Math.max(last[row.v0] as number, last[row.v1] as number);
    return Math.min(region[2] - 1, Math.ceil((rightmost + 1.5) * sx) + 1);
  };
  let y1 = region[1];
  while (y1 < region[3] && !row.moveTo(y1).hasAny(from(), to())) y1++;
  if (y1 === region[3]) return undefined;
  let y2 = region[3] - 1;
  while (y2 > y1 && !row.moveTo(y2).hasAny(from(), to())) y2--;
  let x1 = image.width;
  let x2 = -1;
  let known = -1;
  let start = 0;
  let end = 0;
  for (let y = y1; y <= y2; y++) {
    // Between two rows of the heat map a column's values rise or fall: the first or the last is the highest.
    if (y > y1 && y < y2 && row.isBetween(y)) continue;
    row.moveTo(y);
    if (row.v0 !== known) {
      known = row.v0;
      start = from();
      end = to();
    }
    for (let x = start; x <= end && x < x1; x++) if (row.has(x)) x1 = x;
    for (let x = end; x >= start && x > x2; x--) if (row.has(x)) x2 = x;
  }
  return [x1, y1, x2 + 1, y2 + 1];
}

/** Whether pixels of a row of the image belong to a component: between four of the heat map's, as its mask is drawn. */
class ImageRow {
  /** Rows of the heat map between which it lies. */
  v0 = 0;
  v1 = 0;
  #fy = 0;
  readonly #own: number;
  readonly #runs: Runs;
  readonly #heatmap: Heatmap;
  readonly #threshold: number;
  readonly #columns: Axis;
  readonly #rows: Axis;

  constructor({ root }: Part, { runs, heatmap, image, threshold }: Labelled) {
    this.#own = root;
    this.#runs = runs;
    this.#heatmap = heatmap;
    this.#threshold = threshold;
    this.#columns = columnsOf(heatmap, image);
    this.#rows = rowsOf(heatmap, image);
  }

  moveTo(y: number): this {
    this.v0 = this.#rows.cell[y] as number;
    this.v1 = Math.min(this.v0 + 1, this.#heatmap.height - 1);
    this.#fy = this.#rows.fraction[y] as number;
    return this;
  }

  /** Whether both neighbours of row y lie between the same rows of the heat map as it does. */
  isBetween(y: number): boolean {
    const { cell } = this.#rows;
    return cell[y - 1] === cell[y] && cell[y + 1] === cell[y];
  }

  hasAny(from: number, to: number): boolean {
    for (let x = from; x <= to; x++) if (this.has(x)) return true;
    return false;
  }

  has(x: number): boolean {
    const { data, width } = this.#heatmap;
    const threshold = this.#threshold;
    const u0 = this.#columns.cell[x] as number;
    const u1 = Math.min(u0 + 1, width - 1);
    const fx = this.#columns.fraction[x] as number;
    const above = this.v0 * width;
    const below = this.v1 * width;
    const a = data[above + u0] as number;
    const b = data[above + u1] as number;
    const d = data[below + u0] as number;
    const e = data[below + u1] as number;
    const top = a + (b - a) * fx;
    const bottom = d + (e - d) * fx;
    const isBelow = top + (bottom - top) * this.#fy < threshold;
    if (isBelow && !(a >= threshold && b >= threshold && d >= threshold && e >= threshold)) return false;
    // Those of the four that are marked touch each other: they are of one component.
    if (a >= threshold) return componentAt(this.#runs, this.v0, u0) === this.#own;
    if (b >= threshold) return componentAt(this.#runs, this.v0, u1) === this.#own;
    if (d >= threshold) return componentAt(this.#runs, this.v1, u0) === this.#own;
    return e >= threshold && componentAt(this.#runs, this.v1, u1) === this.#own;
  }
}
