import {
  type CameraModel,
  clusterPoints,
  deproject,
  type Mask,
  type Metres,
  type OrganisedCloud,
  type Points,
  type Pose,
  selectPoints,
  transformPoint,
  voxelRepresentatives,
} from "../../geometry/index.js";
import { type Refusal, refuse } from "./refusal.js";
import type { Table } from "./table.js";

/** Assumed height of an object without depth. */
const PLANAR_HEIGHT = 0.012;

/** Points of the target in the table frame. */
export interface Found {
  readonly points: Points;
  /** Index of each point in the organised cloud. */
  readonly indices: Uint32Array;
  readonly kind: "solid" | "flat";
}

/** The points of the mask that stand above the table, without other surfaces that the mask covers by error. */
export function targetPoints(
  local: Points,
  marks: Uint8Array,
  cloud: OrganisedCloud,
  table: Table,
): Found | Refusal {
  const inside: number[] = [];
  for (let i = 0; i < marks.length; i++) if (marks[i] === 1) inside.push(i);
  if (inside.length < 6) return refuse("no-depth", "too few pixels of the mask have valid depth");
  const heights = inside.map((i) => smoothHeight(local, marks, cloud, i));
  const floor = Math.min(0.008, Math.max(0.004, 2.5 * table.rms));
  const sorted = Float32Array.from(heights).sort();
  const high = sorted[Math.trunc(sorted.length * 0.9)]!;
  const middle = sorted[Math.trunc(sorted.length * 0.5)]!;
  if (high < 0.0022 || (high < 0.003 && middle < 0.001))
    return refuse("nothing-above-table", "nothing stands above the table within the mask");
  const flat = high < 0.015;
  const chosen: number[] = [];
  const least = flat ? Math.min(floor, high * 0.35) : floor;
  for (const [k, i] of inside.entries()) if ((flat ? heights[k]! : local[i * 3 + 2]!) > least) chosen.push(i);
  const points = selectPoints(local, chosen);
  if (flat) for (let k = 0; k < chosen.length; k++) points[k * 3 + 2] = Math.max(0.002, points[k * 3 + 2]!);
  const labels = clusterPoints(points, 0.01);
  const sizes = new Map<number, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const enough = (sizes.get(0) ?? 0) * 0.12;
  const selected: number[] = [];
  for (let k = 0; k < labels.length; k++)
    if (labels[k]! >= 0 && sizes.get(labels[k]!)! >= enough) selected.push(k);
  if (selected.length < 6)
    return refuse("nothing-above-table", "nothing stands above the table within the mask");
  return {
    points: selectPoints(points, selected),
    indices: Uint32Array.from(selected, (k) => chosen[k]!),
    kind: flat ? "flat" : "solid",
  };
}

/** The points of the target; NaN elsewhere, so that table and neighbours do not bend its normals. */
export function only(points: Points, marks: Uint8Array): Points {
  const out = new Float32Array(points.length).fill(Number.NaN);
  for (let i = 0; i < marks.length; i++) {
    if (marks[i] !== 1) continue;
    out[i * 3] = points[i * 3]!;
    out[i * 3 + 1] = points[i * 3 + 1]!;
    out[i * 3 + 2] = points[i * 3 + 2]!;
  }
  return out;
}

/** Height averaged over the 3×3 pixels of the mask around one. */
function smoothHeight(local: Points, marks: Uint8Array, cloud: OrganisedCloud, index: number): Metres {
  const row = Math.trunc(index / cloud.width);
  const column = index - row * cloud.width;
  let sum = 0;
  let n = 0;
  for (let r = Math.max(0, row - 1); r <= Math.min(cloud.height - 1, row + 1); r++)
    for (let c = Math.max(0, column - 1); c <= Math.min(cloud.width - 1, column + 1); c++) {
      const i = r * cloud.width + c;
      if (marks[i] !== 1) continue;
      sum += local[i * 3 + 2]!;
      n++;
    }
  return sum / n;
}

/** Mask pixels where their rays meet a plane a little above the table: for objects the sensor does not see. */
export function layOnTable(
  cloud: OrganisedCloud,
  camera: CameraModel,
  mask: Mask,
  tableToCamera: Pose,
  cameraToTable: Pose,
): Found | Refusal {
  const points: number[] = [];
  const indices: number[] = [];
  const eye = transformPoint(cameraToTable, [0, 0, 0]);
  for (let r = 0; r < cloud.height; r++)
    for (let c = 0; c < cloud.width; c++) {
      const u = cloud.x1 + c * cloud.step;
      const v = cloud.y1 + r * cloud.step;
      if (mask.data[v * mask.width + u] === 0) continue;
      const ray = deproject(camera, u, v, 1);
      const end = transformPoint(cameraToTable, ray);
      const fall = eye[2] - end[2];
      if (!(fall > 1e-3)) continue;
      const t = (eye[2] - PLANAR_HEIGHT) / fall;
      points.push(eye[0] + (end[0] - eye[0]) * t, eye[1] + (end[1] - eye[1]) * t, PLANAR_HEIGHT);
      indices.push(r * cloud.width + c);
    }
  if (points.length < 18 || tableToCamera.position[2] <= 0)
    return refuse("no-depth", "the object has no depth and its mask is too small to lay on the table");
  return { points: Float32Array.from(points), indices: Uint32Array.from(indices), kind: "flat" };
}

/** Everything but the target that stands above the table near it. */
export function obstaclePoints(
  local: Points,
  marks: Uint8Array,
  cloud: OrganisedCloud,
  object: Points,
  table: Table,
): Points {
  const floor = Math.max(0.007, 3 * table.rms);
  let reach = 0;
  for (let i = 0; i < object.length; i += 3) reach = Math.max(reach, Math.hypot(object[i]!, object[i + 1]!));
  reach += 0.16;
  const chosen: number[] = [];
  for (let i = 0; i < marks.length; i++) {
    if (marks[i] !== 0) continue;
    const z = local[i * 3 + 2]!;
    if (z > floor && Math.hypot(local[i * 3]!, local[i * 3 + 1]!) < reach) chosen.push(i);
  }
  const points = selectPoints(local, chosen);
  // A few isolated points are the sensor's noise, not an object.
  const labels = clusterPoints(points, 0.01);
  const sizes = new Map<number, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const least = Math.max(6, 24 / cloud.step ** 2);
  const selected: number[] = [];
  for (let k = 0; k < labels.length; k++) if (sizes.get(labels[k]!)! >= least) selected.push(k);
  const objects = selectPoints(points, selected);
  return selectPoints(objects, voxelRepresentatives(objects, Math.max(0.005, cloud.step * 0.0022)));
}
