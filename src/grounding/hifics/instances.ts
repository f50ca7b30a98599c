import { type Box, boxWidth, type Mask, uniteBoxes } from "../../geometry/index.js";
import type { Detection, Heatmap } from "../types.js";
import { columnsOf, rowsOf } from "./axes.js";
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
import { findRuns, largeComponents, markRow, type Runs } from "./runs.js";

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
  const runs = findRuns(heatmap, options.threshold);
  const large = componentsOf(heatmap, options, runs);
  const best = large[0]?.score ?? 0;
  const detections: Detection[] = [];
  for (const component of large) {
    if (component.score < best * (options.relativeScore ?? 0.6) || detections.length >= (options.limit ?? 20))
      break;
    const box = boxOf(component, { heatmap, runs, image, threshold: options.threshold });
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

/** The runs are found again: their memory has served other calls since. */
function maskOf(parts: readonly Component[], heatmap: Heatmap, image: ImageSize, threshold: number): Mask {
  const runs = findRuns(heatmap, threshold);
  const mask = emptyMask(image);
  for (const part of parts) draw(part, heatmap, runs, image, threshold, mask.data);
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
  const runs = findRuns(heatmap, threshold);
  const components = componentsOf(heatmap, { threshold, minArea: 0 }, runs);
  const [only] = components;
  if (only === undefined) return undefined;
  if (components.length === 1) {
    const box = boxOf(only, { heatmap, runs, image, threshold });
    return box && lazily(box, score, () => maskOf(components, heatmap, image, threshold));
  }
  const shown: { readonly component: Component; readonly box: Box; readonly area: number }[] = [];
  for (const component of components) {
    const drawn = draw(component, heatmap, runs, image, threshold);
    if (drawn !== undefined) shown.push({ component, ...drawn });
    if (shown.length === maxParts) break;
  }
  const least = share * Math.max(...shown.map(({ area }) => area));
  const large = shown.filter(({ area }) => area >= least);
  const [first, ...others] = large;
  if (first === undefined) return undefined;
  const box = others.reduce((all, part) => uniteBoxes(all, part.box), first.box);
  const drawn = large.map(({ component }) => component);
  return lazily(box, score, () => maskOf(drawn, heatmap, image, threshold));
}

const emptyMask = ({ width, height }: ImageSize): Mask => ({
  width,
  height,
  data: new Uint8Array(width * height),
});

/** Components that are large enough, best first; those of one score and area in the order of their first pixels. */
function componentsOf(heatmap: Heatmap, options: InstanceOptions, runs: Runs): Component[] {
  const minArea = Math.max(1, (options.minArea ?? 0.0003) * heatmap.data.length);
  const { area, left, top, right, bottom } = runs;
  return largeComponents(heatmap, runs, minArea)
    .map(({ root, sum }) => ({
      root,
      area: area[root] as number,
      score: sum / (area[root] as number),
      bounds: [left[root], top[root], right[root], bottom[root]] as Part["bounds"],
    }))
    .sort((a, b) => b.score - a.score || b.area - a.area);
}

/**
 * The component at the image's resolution: the heat map is interpolated, so that edges fall between its pixels.
 * @param data where its pixels are set; without it they are only counted
 */
function draw(
  component: Component,
  heatmap: Heatmap,
  runs: Runs,
  image: ImageSize,
  threshold: number,
  data?: Uint8Array,
): { readonly box: Box; readonly area: number } | undefined {
  const region = regionOf(component.bounds, heatmap, image);
  const rows = rowsOf(heatmap, image);
  const cells = cellsOf(region, columnsOf(heatmap, image), heatmap.width);
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
  let above = new Uint8Array(heatmap.width);
  let below = new Uint8Array(heatmap.width);
  let known = -1;
  for (let y = region[1]; y < region[3]; y++) {
    const v0 = rows.cell[y] as number;
    const v1 = Math.min(v0 + 1, heatmap.height - 1);
    const fy = rows.fraction[y] as number;
    if (v0 !== known) {
      if (v0 === known + 1 && known >= 0) [above, below] = [below, above];
      else markRow(component.root, runs, v0, above);
      markRow(component.root, runs, v1, below);
      const pair = { heatmap, above, below, v0, v1 };
      classify(spans, cells, pair);
      interpolate(edge, spans, cells, pair);
    }
    known = v0;
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
        const inside = !(top + ((lower[k] as number) - top) * fy < threshold);
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
