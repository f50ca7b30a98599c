import {
  type CameraModel,
  type DepthImage,
  deproject,
  invert,
  type Mask,
  type Metres,
  maskBox,
  type OrganisedCloud,
  organisedCloud,
  organisedNormals,
  type PixelWindow,
  type Points,
  type Pose,
  type Random,
  selectPoints,
  transformPoint,
  transformPoints,
  type Vec3,
  voxelRepresentatives,
} from "../../geometry/index.js";
import { cleanMask, median } from "./pixels.js";
import { type Refusal, refuse } from "./refusal.js";
import { findTable, type Table } from "./table.js";
import { layOnTable, obstaclePoints, only, targetPoints } from "./target.js";
import { View } from "./view.js";

/**
 * The target and its surroundings, in the table frame: origin on the table under the target, z up, x away from the
 * camera along the table, y to the left of it.
 */
export interface GraspScene {
  readonly tableToCamera: Pose;
  readonly table: Table;
  readonly view: View;
  /** Position of the camera. */
  readonly camera: Vec3;
  /** Seen surface of the target, a point a voxel. */
  readonly object: Points;
  /** Unit normals of `object`; NaN where unknown. */
  readonly normals: Points;
  /** Seen surface of everything else above the table. */
  readonly obstacles: Points;
  /** Edge length of `object`'s voxels. */
  readonly voxel: Metres;
  /**
   * solid: stands above the table. flat: only just. planar: its own depth is missing, its mask was laid on the table.
   */
  readonly kind: "solid" | "flat" | "planar";
}

/** Reach of the surroundings, in metres from the mask's box. */
const SURROUNDINGS = 0.17;

/** Builds the scene, or returns the reason for no grasp. */
export function readScene(
  depth: DepthImage,
  camera: CameraModel,
  mask: Mask,
  random: Random,
  up?: Vec3,
): GraspScene | Refusal {
  const box = maskBox(mask);
  if (box === undefined) return refuse("mask-empty", "the mask is empty");
  const inside = medianDepth(depth, mask, box, true);
  const outside = medianDepth(depth, mask, grow(box, 40, depth), false);
  const range = inside.z ?? outside.z;
  if (range === undefined) return refuse("no-depth", "there is no valid depth at the mask or around it");
  const window = grow(box, Math.ceil((SURROUNDINGS * camera.fx) / range), depth);
  const windowArea = (window.x2 - window.x1) * (window.y2 - window.y1);
  const step = Math.max(
    1,
    Math.ceil(Math.sqrt(inside.area / 9000)),
    Math.ceil(Math.sqrt(windowArea / 110_000)),
  );
  const cloud = organisedCloud(depth, camera, window, step);
  const { marks, missing } = cleanMask(cloud, mask, range);

  const table = findTable(cloud, marks, random, up);
  if (table === undefined) return refuse("no-table", "no plane to grasp from can be seen around the object");

  const planar = missing > 0.9;
  const kindOf = planar ? "planar" : undefined;
  const tableToCamera = frameOf(
    table,
    planar ? middlePixel(mask, box, camera, table) : undefined,
    cloud,
    marks,
  );
  if (tableToCamera === undefined) return refuse("no-table", "the table cannot be seen under the mask");
  const cameraToTable = invert(tableToCamera);
  const local = transformPoints(cameraToTable, cloud.points);
  const found = planar
    ? layOnTable(cloud, camera, mask, tableToCamera, cameraToTable)
    : targetPoints(local, marks, cloud, table);
  if ("refusal" in found) return found;

  const voxel = pickVoxel(found.points);
  const selected = voxelRepresentatives(found.points, voxel);
  const object = selectPoints(found.points, selected);
  let normals: Points;
  if (planar) {
    normals = new Float32Array(object.length).fill(Number.NaN);
  } else {
    const indices = selected.map((k) => found.indices[k]!);
    const own = { ...cloud, points: only(cloud.points, marks) };
    const seen = organisedNormals(own, indices, 0.009, camera.fx, 0.08);
    normals = transformPoints({ position: [0, 0, 0], orientation: cameraToTable.orientation }, seen);
  }
  return {
    tableToCamera,
    table,
    view: new View(depth, mask, camera, tableToCamera),
    camera: transformPoint(cameraToTable, [0, 0, 0]),
    object,
    normals,
    obstacles: obstaclePoints(local, marks, cloud, object, table),
    voxel,
    kind: kindOf ?? found.kind,
  };
}

/** The table frame: under the middle of the target's points, or under `middle`. */
function frameOf(
  table: Table,
  middle: Vec3 | undefined,
  cloud: OrganisedCloud,
  marks: Uint8Array,
): Pose | undefined {
  let point = middle;
  if (point === undefined) {
    const xs: number[] = [];
    const ys: number[] = [];
    const zs: number[] = [];
    let n = 0;
    for (let i = 0; i < marks.length; i++) {
      if (marks[i] !== 1 || n++ % 5 !== 0) continue;
      xs.push(cloud.points[i * 3]!);
      ys.push(cloud.points[i * 3 + 1]!);
      zs.push(cloud.points[i * 3 + 2]!);
    }
    if (xs.length === 0) return undefined;
    point = [median(xs), median(ys), median(zs)];
  }
  return table.frameAt(point);
}

/** Where the ray through the mask's middle pixel meets the table. */
function middlePixel(
  mask: Mask,
  box: readonly [number, number, number, number],
  camera: CameraModel,
  table: Table,
): Vec3 | undefined {
  let u = 0;
  let v = 0;
  let n = 0;
  for (let y = box[1]; y < box[3]; y++)
    for (let x = box[0]; x < box[2]; x++) {
      if (mask.data[y * mask.width + x] === 0) continue;
      u += x;
      v += y;
      n++;
    }
  const ray = deproject(camera, u / n, v / n, 1);
  const slope = table.normal[0] * ray[0] + table.normal[1] * ray[1] + table.normal[2];
  const t = -table.offset / slope;
  return t > 0 && t < 20 ? [ray[0] * t, ray[1] * t, t] : undefined;
}

/** Fine voxels for small objects, coarser ones for large, so that the number of points stays bounded. */
function pickVoxel(points: Points): Metres {
  let size = 0.003;
  for (let count = voxelRepresentatives(points, size).length; count > 500; ) {
    size *= Math.max(1.15, Math.sqrt(count / 500));
    count = voxelRepresentatives(points, size).length;
  }
  return size;
}

function grow(
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
function medianDepth(
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
