import { type Box, boxWidth, clipBox, type Mask, type Pixels, uniteBoxes } from "../../geometry/index.js";
import type { Detection, Heatmap } from "../types.js";

export interface InstanceOptions {
  /** Probability from which a pixel belongs to the object. */
  readonly threshold: number;
  /** Smallest component, as a share of the image. Default 0.0003. */
  readonly minArea?: number;
  /** Components below this share of the best one's score are dropped. Default 0.6. */
  readonly relativeScore?: number;
  /** Limit of returned instances. Default 20. */
  readonly limit?: number;
}

interface Component {
  readonly label: number;
  readonly area: number;
  readonly score: number;
  /** First and last column and row, inclusive, in heat-map pixels. */
  readonly bounds: readonly [number, number, number, number];
}

/**
 * Heat map -> objects: threshold, 8-connected components, score = mean probability inside, best first.
 * Boxes and masks are those of the image (width × height) that the heat map covers.
 */
export function instancesFromHeatmap(
  heatmap: Heatmap,
  image: { readonly width: Pixels; readonly height: Pixels },
  options: InstanceOptions,
): readonly Detection[] {
  const labels = new Int32Array(heatmap.data.length);
  const large = componentsOf(heatmap, options, labels);
  const best = large[0]?.score ?? 0;
  const detections: Detection[] = [];
  for (const component of large) {
    if (component.score < best * (options.relativeScore ?? 0.6) || detections.length >= (options.limit ?? 20))
      break;
    const mask = emptyMask(image);
    const drawn = draw(component, heatmap, labels, image, options.threshold, mask.data);
    if (drawn !== undefined) detections.push({ box: drawn.box, score: component.score, mask });
  }
  return detections;
}

/** Parts of one object at most. */
const maxParts = 20;

/**
 * Heat map -> one object of all components that have at least `share` of the largest one's area, those with the
 * highest mean probability first and 20 at most. Box and mask are those of the image that the heat map covers.
 */
export function instanceOfParts(
  heatmap: Heatmap,
  image: { readonly width: Pixels; readonly height: Pixels },
  threshold: number,
  share: number,
): { readonly box: Box; readonly mask: Mask } | undefined {
  const labels = new Int32Array(heatmap.data.length);
  const parts = componentsOf(heatmap, { threshold, minArea: 0 }, labels).flatMap((component) => {
    const drawn = draw(component, heatmap, labels, image, threshold);
    return drawn === undefined ? [] : [{ component, ...drawn }];
  });
  const shown = parts.slice(0, maxParts);
  const least = share * Math.max(...shown.map(({ area }) => area));
  const large = shown.filter(({ area }) => area >= least);
  const [first, ...others] = large;
  if (first === undefined) return undefined;
  const mask = emptyMask(image);
  for (const { component } of large) draw(component, heatmap, labels, image, threshold, mask.data);
  return { box: others.reduce((box, part) => uniteBoxes(box, part.box), first.box), mask };
}

const emptyMask = ({ width, height }: { readonly width: Pixels; readonly height: Pixels }): Mask => ({
  width,
  height,
  data: new Uint8Array(width * height),
});

/** Components that are large enough, best first; fills `labels`. */
function componentsOf(heatmap: Heatmap, options: InstanceOptions, labels: Int32Array): Component[] {
  const minArea = Math.max(1, (options.minArea ?? 0.0003) * heatmap.data.length);
  return label(heatmap, options.threshold, labels)
    .filter((c) => c.area >= minArea)
    .sort((a, b) => b.score - a.score || b.area - a.area);
}

/**
 * 8-connected components by runs: a row's runs of pixels join those that they touch in the row above, by union-find.
 * Fills `labels` (0 = none) and returns the components' statistics, in the order of their first pixels.
 */
function label({ width, height, data }: Heatmap, threshold: number, labels: Int32Array): Component[] {
  const most = Math.ceil(width / 2) * height;
  const from = new Int32Array(most);
  const to = new Int32Array(most);
  const parent = new Int32Array(most);
  const rows = new Int32Array(height + 1);
  let count = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const end = count;
    let above = y === 0 ? end : (rows[y - 1] as number);
    for (let x = 0; x < width; x++) {
      if (!((data[row + x] as number) >= threshold)) continue;
      const start = x;
      do x++;
      while (x < width && (data[row + x] as number) >= threshold);
      from[count] = start;
      to[count] = x;
      parent[count] = count;
      while (above < end && (to[above] as number) < start) above++;
      for (let other = above; other < end && (from[other] as number) <= x; other++)
        join(parent, count, other);
      count++;
    }
    rows[y + 1] = count;
  }
  return statistics({ width, height, data }, { from, to, parent, rows }, labels);
}

interface Runs {
  /** First column of each run, and the one after its last. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** A component's root is its first run. */
  readonly parent: Int32Array;
  /** First run of each row, and the number of runs. */
  readonly rows: Int32Array;
}

function statistics({ width, height, data }: Heatmap, runs: Runs, labels: Int32Array): Component[] {
  const { from, to, parent, rows } = runs;
  const components: {
    label: number;
    area: number;
    score: number;
    bounds: [number, number, number, number];
  }[] = [];
  const place = new Int32Array(rows[height] as number);
  for (let y = 0; y < height; y++) {
    for (let run = rows[y] as number; run < (rows[y + 1] as number); run++) {
      const root = find(parent, run);
      const x1 = from[run] as number;
      const x2 = to[run] as number;
      if (root === run) {
        place[run] = components.length;
        components.push({ label: run + 1, area: 0, score: 0, bounds: [x1, y, x2 - 1, y] });
      }
      const own = components[place[root] as number] as (typeof components)[number];
      const row = y * width;
      let sum = own.score;
      for (let i = row + x1; i < row + x2; i++) sum += data[i] as number;
      own.score = sum;
      own.area += x2 - x1;
      labels.fill(own.label, row + x1, row + x2);
      if (x1 < own.bounds[0]) own.bounds[0] = x1;
      if (x2 - 1 > own.bounds[2]) own.bounds[2] = x2 - 1;
      own.bounds[3] = y;
    }
  }
  for (const own of components) own.score /= own.area;
  return components;
}

function find(parent: Int32Array, run: number): number {
  let root = run;
  while (parent[root] !== root) root = parent[root] as number;
  for (let i = run; i !== root; ) {
    const next = parent[i] as number;
    parent[i] = root;
    i = next;
  }
  return root;
}

function join(parent: Int32Array, a: number, b: number): void {
  const one = find(parent, a);
  const other = find(parent, b);
  if (one < other) parent[other] = one;
  else parent[one] = other;
}

/**
 * The component at the image's resolution: the heat map is interpolated, so that edges fall between its pixels.
 * @param data where its pixels are set; without it they are only counted
 */
function draw(
  component: Component,
  heatmap: Heatmap,
  labels: Int32Array,
  image: { readonly width: Pixels; readonly height: Pixels },
  threshold: number,
  data?: Uint8Array,
): { readonly box: Box; readonly area: number } | undefined {
  const sx = image.width / heatmap.width;
  const sy = image.height / heatmap.height;
  const [bx1, by1, bx2, by2] = component.bounds;
  const region = clipBox(
    [
      Math.floor((bx1 - 1) * sx),
      Math.floor((by1 - 1) * sy),
      Math.ceil((bx2 + 2) * sx),
      Math.ceil((by2 + 2) * sy),
    ],
    image.width,
    image.height,
  );
  const cells = cellsOf(region, sx, heatmap.width);
  const kinds = new Uint8Array(cells.left.length);
  let x1 = image.width;
  let y1 = image.height;
  let x2 = -1;
  let y2 = -1;
  let area = 0;
  const add = (y: number, from: number, to: number) => {
    area += to - from;
    data?.fill(1, y * image.width + from, y * image.width + to);
    if (from < x1) x1 = from;
    if (to - 1 > x2) x2 = to - 1;
    if (y < y1) y1 = y;
    y2 = y;
  };
  let known = -1;
  for (let y = region[1]; y < region[3]; y++) {
    const v = Math.min(Math.max((y + 0.5) / sy - 0.5, 0), heatmap.height - 1);
    const v0 = Math.floor(v);
    const v1 = Math.min(v0 + 1, heatmap.height - 1);
    const fy = v - v0;
    if (v0 !== known) classify(kinds, cells, heatmap.width, labels, v0, v1, component.label);
    known = v0;
    const row = { heatmap, labels, label: component.label, threshold, v0, v1, fy };
    for (let c = 0; c < kinds.length; c++) {
      if (kinds[c] === kind.out) continue;
      const from = cells.starts[c] as number;
      if (kinds[c] === kind.in) {
        while (kinds[c + 1] === kind.in) c++;
        add(y, from, cells.starts[c + 1] as number);
      } else {
        for (let x = from; x < (cells.starts[c + 1] as number); x++)
          if (isInside(row, cells, c, cells.fraction[x - region[0]] as number)) add(y, x, x + 1);
      }
    }
  }
  if (x2 < 0) return undefined;
  return { box: [x1, y1, x2 + 1, y2 + 1], area };
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

function cellsOf(region: Box, sx: number, width: number): Cells {
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

/** Four pixels that all belong to an object touch each other: it is the same object. */
function classify(
  kinds: Uint8Array,
  { left, right }: Cells,
  width: number,
  labels: Int32Array,
  v0: number,
  v1: number,
  own: number,
): void {
  for (let c = 0; c < kinds.length; c++) {
    const a = labels[v0 * width + (left[c] as number)] as number;
    const b = labels[v0 * width + (right[c] as number)] as number;
    const d = labels[v1 * width + (left[c] as number)] as number;
    const e = labels[v1 * width + (right[c] as number)] as number;
    if ((a | b | d | e) === 0) kinds[c] = kind.out;
    else if (a === 0 || b === 0 || d === 0 || e === 0) kinds[c] = kind.mixed;
    else kinds[c] = a === own ? kind.in : kind.out;
  }
}

interface Row {
  readonly heatmap: Heatmap;
  readonly labels: Int32Array;
  readonly label: number;
  readonly threshold: number;
  /** The heat map's rows above and below, and the place between them, 0..1. */
  readonly v0: number;
  readonly v1: number;
  readonly fy: number;
}

function isInside(row: Row, cells: Cells, cell: number, fx: number): boolean {
  const { data, width } = row.heatmap;
  const u0 = cells.left[cell] as number;
  const u1 = cells.right[cell] as number;
  const upper = row.v0 * width;
  const lower = row.v1 * width;
  const top = lerp(data[upper + u0] as number, data[upper + u1] as number, fx);
  const bottom = lerp(data[lower + u0] as number, data[lower + u1] as number, fx);
  if (lerp(top, bottom, row.fy) < row.threshold) return false;
  // A pixel just outside the component's own cells may pass by interpolation; it must not be another component's.
  const nearest = row.labels[(row.fy < 0.5 ? upper : lower) + (fx < 0.5 ? u0 : u1)] as number;
  return nearest === 0 || nearest === row.label;
}

const lerp = (a: number, b: number, t: number): number => a + (b - a) * t;
