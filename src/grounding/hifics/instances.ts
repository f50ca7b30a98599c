import { type Box, boxWidth, type Mask, uniteBoxes } from "../../geometry/index.js";
import type { Detection, Heatmap } from "../types.js";
import { boxOf } from "./box-of.js";
import {
  cellsOf,
  classify,
  edgeOf,
  type ImageSize,
  interpolate,
  type Part,
  regionOf,
  spansOf,
} from "./cells.js";

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

interface Component extends Part {
  readonly area: number;
  readonly score: number;
}

/**
 * Heat map -> objects: threshold, 8-connected components, score = mean probability inside, best first.
 * Boxes and masks are those of the image (width × height) that the heat map covers.
 */
export function instancesFromHeatmap(
  heatmap: Heatmap,
  image: ImageSize,
  options: InstanceOptions,
): readonly Detection[] {
  const labels = emptyLabels(heatmap.data.length);
  const large = componentsOf(heatmap, options, labels);
  const best = large[0]?.score ?? 0;
  const detections: Detection[] = [];
  for (const component of large) {
    if (component.score < best * (options.relativeScore ?? 0.6) || detections.length >= (options.limit ?? 20))
      break;
    const box = boxOf(component, { heatmap, labels, image, threshold: options.threshold });
    if (box === undefined) continue;
    const mask = () => maskOf([component], heatmap, image, options.threshold);
    detections.push(lazily(box, component.score, mask));
  }
  return detections;
}

/** A detection whose mask is drawn when it is first read: a caller needs all boxes, but few of the masks. */
function lazily(box: Box, score: number, drawMask: () => Mask): Detection {
  let mask: Mask | undefined;
  return {
    box,
    score,
    get mask() {
      mask ??= drawMask();
      return mask;
    },
  };
}

/** The labels are found again: their memory has served other calls since. */
function maskOf(parts: readonly Component[], heatmap: Heatmap, image: ImageSize, threshold: number): Mask {
  const labels = emptyLabels(heatmap.data.length);
  label(heatmap, threshold, labels);
  const mask = emptyMask(image);
  for (const part of parts) draw(part, heatmap, labels, image, threshold, mask.data);
  return mask;
}

/** A detection with another score; its mask stays undrawn. */
export function withScore(detection: Detection, score: number): Detection {
  const fields = Object.getOwnPropertyDescriptors(detection);
  return Object.defineProperties({}, { ...fields, score: { value: score, enumerable: true } }) as Detection;
}

/** Parts of one object at most. */
const maxParts = 20;

/**
 * Heat map -> one object of all components that have at least `share` of the largest one's area, those with the
 * highest mean probability first and 20 at most. Box and mask are those of the image that the heat map covers.
 */
export function instanceOfParts(
  heatmap: Heatmap,
  image: ImageSize,
  { threshold, share, score }: { readonly threshold: number; readonly share: number; readonly score: number },
): Detection | undefined {
  const labels = emptyLabels(heatmap.data.length);
  const components = componentsOf(heatmap, { threshold, minArea: 0 }, labels);
  const [only] = components;
  if (only === undefined) return undefined;
  if (components.length === 1) {
    const box = boxOf(only, { heatmap, labels, image, threshold });
    return box && lazily(box, score, () => maskOf(components, heatmap, image, threshold));
  }
  const parts = components.flatMap((component) => {
    const drawn = draw(component, heatmap, labels, image, threshold);
    return drawn === undefined ? [] : [{ component, ...drawn }];
  });
  const shown = parts.slice(0, maxParts);
  const least = share * Math.max(...shown.map(({ area }) => area));
  const large = shown.filter(({ area }) => area >= least);
  const [first, ...others] = large;
  if (first === undefined) return undefined;
  const box = others.reduce((all, part) => uniteBoxes(all, part.box), first.box);
  const drawn = large.map(({ component }) => component);
  return lazily(box, score, () => maskOf(drawn, heatmap, image, threshold));
}

/** Memory of the last call, for the next one: to ask for new megabytes takes longer than to look for components. */
const memory = {
  labels: new Int32Array(0),
  from: new Int32Array(0),
  to: new Int32Array(0),
  parent: new Int32Array(0),
  place: new Int32Array(0),
};

/** At least `length` numbers, whatever they are. */
function scratch(name: keyof typeof memory, length: number): Int32Array {
  if (memory[name].length < length) memory[name] = new Int32Array(length);
  return memory[name];
}

const emptyLabels = (length: number): Int32Array => scratch("labels", length).fill(0, 0, length);

const emptyMask = ({ width, height }: ImageSize): Mask => ({
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
  const from = scratch("from", most);
  const to = scratch("to", most);
  const parent = scratch("parent", most);
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
  const place = scratch("place", rows[height] as number);
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
  image: ImageSize,
  threshold: number,
  data?: Uint8Array,
): { readonly box: Box; readonly area: number } | undefined {
  const sx = image.width / heatmap.width;
  const sy = image.height / heatmap.height;
  const region = regionOf(component.bounds, heatmap, image);
  const cells = cellsOf(region, sx, heatmap.width);
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
  const edge = edgeOf(boxWidth(region));
  const spans = spansOf(cells.left.length);
  let known = -1;
  for (let y = region[1]; y < region[3]; y++) {
    const v = Math.min(Math.max((y + 0.5) / sy - 0.5, 0), heatmap.height - 1);
    const v0 = Math.floor(v);
    const v1 = Math.min(v0 + 1, heatmap.height - 1);
    const fy = v - v0;
    if (v0 !== known) {
      const pair = { heatmap, labels, label: component.label, v0, v1 };
      classify(spans, cells, pair);
      interpolate(edge, spans, cells, pair);
    }
    known = v0;
    const free = fy < 0.5 ? edge.upperFree : edge.lowerFree;
    const { upper, lower } = edge;
    let start = -1;
    let end = -1;
    for (let s = 0; s < spans.count; s++) {
      const from = spans.from[s] as number;
      const to = spans.to[s] as number;
      if (start >= 0 && from > end) {
        add(y, start, end);
        start = -1;
      }
      end = to;
      if (spans.mixed[s] === 0) {
        if (start < 0) start = from;
        continue;
      }
      for (let k = from - region[0]; k < to - region[0]; k++) {
        const top = upper[k] as number;
        const inside = free[k] === 1 && !(top + ((lower[k] as number) - top) * fy < threshold);
        if (inside === start >= 0) continue;
        const x = k + region[0];
        if (!inside) add(y, start, x);
        start = inside ? x : -1;
      }
    }
    if (start >= 0) add(y, start, end);
  }
  if (x2 < 0) return undefined;
  return { box: [x1, y1, x2 + 1, y2 + 1], area };
}
