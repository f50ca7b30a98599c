import { type CameraModel, pixelRay } from "./camera.js";
import { isDistorted } from "./distortion.js";
import type { DepthImage } from "./image.js";
import type { Pose } from "./pose.js";
import { matrixFromQuaternion } from "./pose.js";
import type { Metres, Pixels } from "./units.js";

/** Points as x, y, z, x, y, z, … in metres. */
export type Points = Float32Array;

/** A rectangle of whole pixels: x1 <= x < x2, y1 <= y < y2. */
export interface PixelWindow {
  readonly x1: Pixels;
  readonly y1: Pixels;
  readonly x2: Pixels;
  readonly y2: Pixels;
}

/**
 * A cloud that keeps the image's order: point (column, row) is at index 3 * (row * width + column); NaN where
 * unknown.
 */
export interface OrganisedCloud {
  /** Columns and rows, after the step. */
  readonly width: number;
  readonly height: number;
  readonly points: Points;
  /** Image pixel of column 0, row 0, and pixels from one to the next. */
  readonly x1: Pixels;
  readonly y1: Pixels;
  readonly step: Pixels;
}

/**
 * Back-projects every `step`-th pixel of a window of the depth image into the optical frame, lens distortion undone.
 * Depth of 100 m and more counts as unknown.
 */
export function organisedCloud(
  depth: DepthImage,
  camera: CameraModel,
  window: PixelWindow,
  step: Pixels = 1,
): OrganisedCloud {
  const width = Math.max(0, Math.ceil((window.x2 - window.x1) / step));
  const height = Math.max(0, Math.ceil((window.y2 - window.y1) / step));
  const points = new Float32Array(width * height * 3);
  const { fx, fy, cx, cy } = camera;
  const bent = isDistorted(camera.distortion);
  let o = 0;
  for (let r = 0; r < height; r++) {
    const v = window.y1 + r * step;
    const ky = (v - cy) / fy;
    for (let c = 0; c < width; c++, o += 3) {
      const u = window.x1 + c * step;
      const z = depth.data[v * depth.width + u]!;
      const ray = bent && z > 0 ? pixelRay(camera, u, v) : undefined;
      // Where no ray falls, outside a lens's field, there is no point.
      const good = z > 0 && z < 100 && (!bent || ray !== undefined);
      points[o] = good ? (ray?.[0] ?? (u - cx) / fx) * z : Number.NaN;
      points[o + 1] = good ? (ray?.[1] ?? ky) * z : Number.NaN;
      points[o + 2] = good ? z : Number.NaN;
    }
  }
  return { width, height, points, x1: window.x1, y1: window.y1, step };
}

/** Points relative to a pose's origin, in the axes of their own frame. */
export function relativeTo(points: Points, { position }: Pose): Points {
  const out = new Float32Array(points.length);
  for (let i = 0; i < points.length; i++) out[i] = points[i]! - position[(i % 3) as 0 | 1 | 2];
  return out;
}

/** The points moved by `pose` (child to parent frame). NaN stays NaN. */
export function transformPoints(pose: Pose, points: Points): Points {
  const m = matrixFromQuaternion(pose.orientation);
  const [tx, ty, tz] = pose.position;
  const out = new Float32Array(points.length);
  for (let i = 0; i + 2 < points.length; i += 3) {
    const x = points[i]!;
    const y = points[i + 1]!;
    const z = points[i + 2]!;
    out[i] = m[0] * x + m[1] * y + m[2] * z + tx;
    out[i + 1] = m[3] * x + m[4] * y + m[5] * z + ty;
    out[i + 2] = m[6] * x + m[7] * y + m[8] * z + tz;
  }
  return out;
}

/** Number of the voxel a point lies in, unique within ±1000 voxels a side of the origin. */
const VOXELS = 2048;
const voxelKey = (x: number, y: number, z: number, size: Metres): number =>
  ((Math.floor(x / size) + VOXELS / 2) * VOXELS + Math.floor(y / size) + VOXELS / 2) * VOXELS +
  Math.floor(z / size) +
  VOXELS / 2;

/**
 * One point a voxel of the given edge length: indices (of points, not of numbers) of the first point met in each, in
 * their order. NaN points are skipped. Keeping a measured point, not the mean, keeps its pixel and its normal.
 */
export function voxelRepresentatives(points: Points, size: Metres): Uint32Array {
  const seen = new Set<number>();
  const selected: number[] = [];
  for (let i = 0; i + 2 < points.length; i += 3) {
    const x = points[i]!;
    if (Number.isNaN(x)) continue;
    const key = voxelKey(x, points[i + 1]!, points[i + 2]!, size);
    if (seen.has(key)) continue;
    seen.add(key);
    selected.push(i / 3);
  }
  return Uint32Array.from(selected);
}

/** The points of the given indices. */
export function selectPoints(points: Points, indices: ArrayLike<number>): Points {
  const out = new Float32Array(indices.length * 3);
  for (let k = 0; k < indices.length; k++) {
    const i = indices[k]! * 3;
    out[k * 3] = points[i]!;
    out[k * 3 + 1] = points[i + 1]!;
    out[k * 3 + 2] = points[i + 2]!;
  }
  return out;
}

/**
 * Groups points whose voxels touch (26 neighbours). Returns a label for each point, 0 being the largest group, then 1
 * and so on; -1 for NaN points.
 */
export function clusterPoints(points: Points, size: Metres): Int32Array {
  const count = Math.trunc(points.length / 3);
  const cells = new Map<number, number[]>();
  for (let k = 0; k < count; k++) {
    const x = points[k * 3]!;
    if (Number.isNaN(x)) continue;
    const key = voxelKey(x, points[k * 3 + 1]!, points[k * 3 + 2]!, size);
    const cell = cells.get(key);
    if (cell === undefined) cells.set(key, [k]);
    else cell.push(k);
  }
  const labels = new Int32Array(count).fill(-1);
  const groups: number[][] = [];
  const waiting = new Set(cells.keys());
  for (const start of cells.keys()) {
    if (!waiting.delete(start)) continue;
    const group: number[] = [];
    const stack = [start];
    for (let key = stack.pop(); key !== undefined; key = stack.pop()) {
      for (const k of cells.get(key)!) group.push(k);
      for (let dx = -1; dx <= 1; dx++)
        for (let dy = -1; dy <= 1; dy++)
          for (let dz = -1; dz <= 1; dz++) {
            const next = key + (dx * VOXELS + dy) * VOXELS + dz;
            if (waiting.delete(next)) stack.push(next);
          }
    }
    groups.push(group);
  }
  groups.sort((a, b) => b.length - a.length || a[0]! - b[0]!);
  for (const [label, group] of groups.entries()) for (const k of group) labels[k] = label;
  return labels;
}
