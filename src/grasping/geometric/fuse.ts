import {
  compose,
  cross,
  fitPlane,
  flipPlane,
  invert,
  type Metres,
  maskBox,
  normalize,
  type Plane,
  type Points,
  type Pose,
  quaternionFromAxes,
  transformPoints,
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
  const level: Plane = { normal: [0, 0, 1], offset: 0 };
  const fit = fitPlane(transformPoints(toTable, points), level, NEAR_TABLE);
  if (fit === undefined || fit.inliers < LEVEL_POINTS) return toTable;
  const { normal: up, offset } = fit.normal[2] < 0 ? flipPlane(fit) : fit;
  if (Math.hypot(up[0], up[1]) > LARGEST_SLOPE * up[2]) return toTable;
  const side = normalize(cross([0, 1, 0], up));
  const seen: Pose = {
    position: [0, 0, -offset / up[2]],
    orientation: quaternionFromAxes(side, cross(up, side), up),
  };
  return compose(invert(seen), toTable);
}
