import {
  type CameraModel,
  type DepthImage,
  type Mask,
  type Metres,
  type OrganisedCloud,
  organisedCloud,
  organisedNormals,
  type PixelWindow,
  type Points,
  type Pose,
  transformPoints,
} from "../../geometry/index.js";
import { median } from "./pixels.js";
import { only } from "./target.js";
import type { View } from "./view.js";

/** Reach of the surroundings, in metres from the mask's box. */
const SURROUNDINGS = 0.17;

/** What one view shows of the target and around it, in the table frame. */
export interface Seen {
  readonly view: View;
  /** Surface of the target. */
  readonly points: Points;
  /** A unit normal for each point; NaN where unknown. */
  readonly normals: () => Points;
  /** Everything else above the table. @param object the target's points */
  readonly obstacles: (object: Points) => Points;
  readonly kind: "solid" | "flat" | "planar";
}

/** Unit normals in the table frame of the target's points with these indices in the cloud. */
export function normalsOf(
  cloud: OrganisedCloud,
  marks: Uint8Array,
  camera: CameraModel,
  cameraToTable: Pose,
  indices: Uint32Array,
): Points {
  const own = { ...cloud, points: only(cloud.points, marks) };
  const seen = organisedNormals(own, indices, 0.009, camera.fx, 0.08);
  return transformPoints({ position: [0, 0, 0], orientation: cameraToTable.orientation }, seen);
}

/** The cloud of a mask and its surroundings, thinned where that is large. @param area of the mask in pixels */
export function cloudAround(
  depth: DepthImage,
  camera: CameraModel,
  box: readonly [number, number, number, number],
  range: Metres,
  area: number,
): OrganisedCloud {
  const window = grow(box, Math.ceil((SURROUNDINGS * camera.fx) / range), depth);
  const windowArea = (window.x2 - window.x1) * (window.y2 - window.y1);
  const step = Math.max(1, Math.ceil(Math.sqrt(area / 9000)), Math.ceil(Math.sqrt(windowArea / 110_000)));
  return organisedCloud(depth, camera, window, step);
}

export function grow(
  box: readonly [number, number, number, number],
  margin: number,
  image: { readonly width: number; readonly height: number },
): PixelWindow {
  return {
    x1: Math.max(0, box[0] - margin),
    y1: Math.max(0, box[1] - margin),
    x2: Math.min(image.width, box[2] + margin),
    y2: Math.min(image.height, box[3] + margin),
  };
}

/** Median depth of some 2,000 pixels of the window inside (or outside) the mask, and the mask's area in it. */
export function medianDepth(
  depth: DepthImage,
  mask: Mask,
  window: PixelWindow | readonly [number, number, number, number],
  inside: boolean,
): { readonly z: Metres | undefined; readonly area: number } {
  const w = "x1" in window ? window : { x1: window[0], y1: window[1], x2: window[2], y2: window[3] };
  const step = Math.max(1, Math.round(Math.sqrt(((w.x2 - w.x1) * (w.y2 - w.y1)) / 2000)));
  const values: number[] = [];
  let area = 0;
  for (let y = w.y1; y < w.y2; y += step)
    for (let x = w.x1; x < w.x2; x += step) {
      const i = y * depth.width + x;
      if ((mask.data[i] !== 0) !== inside) continue;
      area += step * step;
      const z = depth.data[i]!;
      if (z > 0 && z < 100) values.push(z);
    }
  return { z: values.length > 0 ? median(values) : undefined, area };
}
