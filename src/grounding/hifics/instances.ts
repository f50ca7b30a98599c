import { type Box, boxWidth, clipBox, type Mask, type Pixels } from "../../geometry/index.js";
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
  const components = label(heatmap, options.threshold, labels);
  const minArea = Math.max(1, (options.minArea ?? 0.0003) * heatmap.data.length);
  const large = components
    .filter((c) => c.area >= minArea)
    .sort((a, b) => b.score - a.score || b.area - a.area);
  const best = large[0]?.score ?? 0;
  const detections: Detection[] = [];
  for (const component of large) {
    if (component.score < best * (options.relativeScore ?? 0.6) || detections.length >= (options.limit ?? 20))
      break;
    const detection = toDetection(component, heatmap, labels, image, options.threshold);
    if (detection !== undefined) detections.push(detection);
  }
  return detections;
}

/** Two-pass labelling with union-find; fills `labels` (0 = none) and returns the components' statistics. */
function label({ width, height, data }: Heatmap, threshold: number, labels: Int32Array): Component[] {
  const parent: number[] = [0];
  const find = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root] as number;
    while (parent[i] !== root) {
      const next = parent[i] as number;
      parent[i] = root;
      i = next;
    }
    return root;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (!((data[i] as number) >= threshold)) continue;
      let own = 0;
      const join = (neighbour: number) => {
        const other = labels[neighbour] as number;
        if (other === 0) return;
        if (own === 0) own = find(other);
        else parent[find(other)] = own = find(own);
      };
      if (x > 0) join(i - 1);
      if (y > 0) {
        join(i - width);
        if (x > 0) join(i - width - 1);
        if (x + 1 < width) join(i - width + 1);
      }
      if (own === 0) {
        own = parent.length;
        parent.push(own);
      }
      labels[i] = own;
    }
  }
  const sums = new Map<
    number,
    { area: number; sum: number; x1: number; y1: number; x2: number; y2: number }
  >();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (labels[i] === 0) continue;
      const root = find(labels[i] as number);
      labels[i] = root;
      let s = sums.get(root);
      if (s === undefined) {
        s = { area: 0, sum: 0, x1: x, y1: y, x2: x, y2: y };
        sums.set(root, s);
      }
      s.area++;
      s.sum += data[i] as number;
      if (x < s.x1) s.x1 = x;
      if (x > s.x2) s.x2 = x;
      s.y2 = y;
    }
  }
  return [...sums].map(([root, s]) => ({
    label: root,
    area: s.area,
    score: s.sum / s.area,
    bounds: [s.x1, s.y1, s.x2, s.y2] as const,
  }));
}

/** The component at the image's resolution: the heat map is interpolated, so that edges fall between its pixels. */
function toDetection(
  component: Component,
  heatmap: Heatmap,
  labels: Int32Array,
  image: { readonly width: Pixels; readonly height: Pixels },
  threshold: number,
): Detection | undefined {
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
  const data = new Uint8Array(image.width * image.height);
  const columns = sampleColumns(region, sx, heatmap.width);
  let x1 = image.width;
  let y1 = image.height;
  let x2 = -1;
  let y2 = -1;
  for (let y = region[1]; y < region[3]; y++) {
    const v = Math.min(Math.max((y + 0.5) / sy - 0.5, 0), heatmap.height - 1);
    const v0 = Math.floor(v);
    const v1 = Math.min(v0 + 1, heatmap.height - 1);
    const fy = v - v0;
    const nearRow = (fy < 0.5 ? v0 : v1) * heatmap.width;
    for (let x = region[0], c = 0; x < region[2]; x++, c++) {
      const u0 = columns.left[c] as number;
      const u1 = columns.right[c] as number;
      const fx = columns.fraction[c] as number;
      const top = lerp(
        heatmap.data[v0 * heatmap.width + u0] as number,
        heatmap.data[v0 * heatmap.width + u1] as number,
        fx,
      );
      const bottom = lerp(
        heatmap.data[v1 * heatmap.width + u0] as number,
        heatmap.data[v1 * heatmap.width + u1] as number,
        fx,
      );
      if (lerp(top, bottom, fy) < threshold) continue;
      // A pixel just outside the component's own cells may pass by interpolation; it must not be another component's.
      const nearest = labels[nearRow + (fx < 0.5 ? u0 : u1)] as number;
      if (nearest !== 0 && nearest !== component.label) continue;
      data[y * image.width + x] = 1;
      if (x < x1) x1 = x;
      if (x > x2) x2 = x;
      if (y < y1) y1 = y;
      y2 = y;
    }
  }
  if (x2 < 0) return undefined;
  const mask: Mask = { width: image.width, height: image.height, data };
  return { box: [x1, y1, x2 + 1, y2 + 1], score: component.score, mask };
}

function sampleColumns(region: Box, sx: number, width: number) {
  const count = boxWidth(region);
  const left = new Int32Array(count);
  const right = new Int32Array(count);
  const fraction = new Float32Array(count);
  for (let c = 0; c < count; c++) {
    const u = Math.min(Math.max((region[0] + c + 0.5) / sx - 0.5, 0), width - 1);
    left[c] = Math.floor(u);
    right[c] = Math.min(Math.floor(u) + 1, width - 1);
    fraction[c] = u - Math.floor(u);
  }
  return { left, right, fraction };
}

const lerp = (a: number, b: number, t: number): number => a + (b - a) * t;
