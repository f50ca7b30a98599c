import {
  type CameraModel,
  type DepthImage,
  deproject,
  invert,
  type Mask,
  type Metres,
  maskBox,
  type OrganisedCloud,
  type Points,
  type Pose,
  type Random,
  selectPoints,
  transformPoint,
  transformPoints,
  type Vec3,
  voxelRepresentatives,
} from "../../geometry/index.js";
import type { SecondView } from "../types.js";
import { addViews } from "./fuse.js";
import { cleanMask, median } from "./pixels.js";
import { type Refusal, refuse } from "./refusal.js";
import { cloudAround, grow, medianDepth, normalsOf, type Seen } from "./seen.js";
import { findTable, type Table } from "./table.js";
import { layOnTable, obstaclePoints, targetPoints } from "./target.js";
import { View, Views, type Visibility } from "./view.js";

/**
 * The target and its surroundings, in the table frame: origin on the table under the target, z up, x away from the
 * camera along the table, y to the left of it.
 */
export interface GraspScene {
  readonly tableToCamera: Pose;
  readonly table: Table;
  /** What the images know of a point. */
  readonly view: Visibility;
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

/**
 * Builds the scene, or returns the reason for no grasp. Further `views` add what they see of the target and around it;
 * table and frame stay those of the first one. A target without depth in the first view has no use for them.
 */
export function readScene(
  depth: DepthImage,
  camera: CameraModel,
  mask: Mask,
  random: Random,
  up?: Vec3,
  views: readonly SecondView[] = [],
): GraspScene | Refusal {
  const box = maskBox(mask);
  if (box === undefined) return refuse("mask-empty", "the mask is empty");
  const inside = medianDepth(depth, mask, box, true);
  const outside = medianDepth(depth, mask, grow(box, 40, depth), false);
  const range = inside.z ?? outside.z;
  if (range === undefined) return refuse("no-depth", "there is no valid depth at the mask or around it");
  const cloud = cloudAround(depth, camera, box, range, inside.area);
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

  const first: Seen = {
    view: new View(depth, mask, camera, tableToCamera),
    points: found.points,
    normals: () =>
      planar
        ? new Float32Array(found.points.length).fill(Number.NaN)
        : normalsOf(cloud, marks, camera, cameraToTable, found.indices),
    obstacles: (object) => obstaclePoints(local, marks, cloud, object, table),
    kind: kindOf ?? found.kind,
  };
  const all = planar ? [first] : [first, ...addViews(views, first.view, cameraToTable, table)];
  return {
    tableToCamera,
    table,
    camera: transformPoint(cameraToTable, [0, 0, 0]),
    ...merged(all),
  };
}

/** A point a voxel of all views, the first view's where several have one. */
function merged(
  all: readonly Seen[],
): Pick<GraspScene, "view" | "object" | "normals" | "obstacles" | "voxel" | "kind"> {
  const [first] = all as [Seen];
  const points = joined(all.map((each) => each.points));
  const normals = joined(all.map((each) => each.normals()));
  const voxel = pickVoxel(points);
  const selected = voxelRepresentatives(points, voxel);
  const object = selectPoints(points, selected);
  const obstacles = all.map((each) => {
    const own = each.obstacles(object);
    const others = all.filter((other) => other !== each).map(({ view }) => view);
    return others.length === 0 ? own : withoutTarget(own, others);
  });
  return {
    view: all.length === 1 ? first.view : new Views(all.map(({ view }) => view)),
    object,
    normals: selectPoints(normals, selected),
    obstacles: joined(obstacles),
    voxel,
    kind: all.some(({ kind }) => kind === "solid") ? "solid" : first.kind,
  };
}

/** The points that no view has on the target: a mask that ends early leaves some of the target to the surroundings. */
function withoutTarget(points: Points, views: readonly View[]): Points {
  const outside: number[] = [];
  for (let i = 0; i < points.length; i += 3)
    if (!views.some((view) => view.onTarget(points[i]!, points[i + 1]!, points[i + 2]!, 0.006)))
      outside.push(i / 3);
  return selectPoints(points, outside);
}

function joined(lists: readonly Points[]): Points {
  if (lists.length === 1) return lists[0]!;
  const all = new Float32Array(lists.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of lists) {
    all.set(each, at);
    at += each.length;
  }
  return all;
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
