import {
  compose,
  cross,
  invert,
  type Metres,
  maskBox,
  normalize,
  type Points,
  type Pose,
  quaternionFromAxes,
  transformPoints,
  type Vec3,
} from "../../geometry/index.js";
import type { SecondView } from "../types.js";
import { cleanMask } from "./pixels.js";
import { cloudAround, medianDepth, normalsOf, type Seen } from "./seen.js";
import type { Table } from "./table.js";
import { obstaclePoints, targetPoints } from "./target.js";
import { Sight, View } from "./view.js";

/** Points this close to the table belong to it when a second view is levelled. */
const NEAR_TABLE: Metres = 0.012;
/** Points of the table that levelling needs. */
const LEVEL_POINTS = 200;
/** Largest slope that levelling corrects: an error of the poses, not another surface. */
const LARGEST_SLOPE = 0.03;

/** What further views show, in the first view's table frame. Views that do not show the target add nothing. */
export function addViews(
  views: readonly SecondView[],
  first: View,
  cameraToTable: Pose,
  table: Table,
): Seen[] {
  return views.flatMap(({ frame: { depth, camera }, mask, pose }) => {
    const box = maskBox(mask);
    if (depth === undefined || camera === undefined || box === undefined) return [];
    if (mask.width !== depth.width || mask.height !== depth.height) return [];
    const { z: range, area } = medianDepth(depth, mask, box, true);
    if (range === undefined) return [];
    const cloud = cloudAround(depth, camera, box, range, area);
    const { marks } = cleanMask(cloud, mask, range);
    const toTable = levelled(cloud.points, compose(cameraToTable, pose));
    const local = transformPoints(toTable, cloud.points);
    // The first view sees through there: the mask covers something else.
    for (let i = 0; i < marks.length; i++)
      if (
        marks[i] === 1 &&
        first.look(local[i * 3]!, local[i * 3 + 1]!, local[i * 3 + 2]!, 0.012) === Sight.free
      )
        marks[i] = 2;
    const found = targetPoints(local, marks, cloud, table);
    if ("refusal" in found) return [];
    return {
      view: new View(depth, mask, camera, invert(toTable)),
      points: found.points,
      normals: () => normalsOf(cloud, marks, camera, toTable, found.indices),
      obstacles: (object: Points) => obstaclePoints(local, marks, cloud, object, table),
      kind: found.kind,
    };
  });
}

/** `toTable` without its error of height and tilt: the table that this view sees is put into the plane z = 0. */
export function levelled(points: Points, toTable: Pose): Pose {
  const local = transformPoints(toTable, points);
  let [n, sx, sy, sz, xx, xy, yy, xz, yz] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < local.length; i += 3) {
    const x = local[i]!;
    const y = local[i + 1]!;
    const z = local[i + 2]!;
    if (!(Math.abs(z) < NEAR_TABLE)) continue;
    n++;
    sx += x;
    sy += y;
    sz += z;
    xx += x * x;
    xy += x * y;
    yy += y * y;
    xz += x * z;
    yz += y * z;
  }
  if (n < LEVEL_POINTS) return toTable;
  const [mx, my, mz] = [sx / n, sy / n, sz / n];
  const [cxx, cxy, cyy] = [xx / n - mx * mx, xy / n - mx * my, yy / n - my * my];
  const [cxz, cyz] = [xz / n - mx * mz, yz / n - my * mz];
  const det = cxx * cyy - cxy * cxy;
  if (!(det > 1e-10)) return toTable;
  const slopeX = (cxz * cyy - cyz * cxy) / det;
  const slopeY = (cyz * cxx - cxz * cxy) / det;
  if (Math.hypot(slopeX, slopeY) > LARGEST_SLOPE) return toTable;
  const up: Vec3 = normalize([-slopeX, -slopeY, 1]);
  const side = normalize(cross([0, 1, 0], up));
  const seen: Pose = {
    position: [0, 0, mz - slopeX * mx - slopeY * my],
    orientation: quaternionFromAxes(side, cross(up, side), up),
  };
  return compose(invert(seen), toTable);
}
