import { type Box, boxCentre, type Metres } from "../../geometry/index.js";
import { inside } from "./candidates.js";
import type { RelationKind } from "./types.js";

/** Where an object is seen: its box in pixels, and its depth where it is known. */
export interface Placed {
  readonly box: Box;
  readonly depth?: Metres;
}

/** Depth difference from which an object is behind another. */
const depthStep: Metres = 0.015;
/** A metre of depth counts as this share of the image's width when distances are compared. */
const depthScale = 0.5;
/** Distance, in shares of the image's width, at which nearness has halved. */
const nearHalf = { "next to": 0.06, around: 0.35 };

/**
 * How well a relation holds between an object and its landmarks, 0 (not at all) to 1. Left and right are the viewer's;
 * "in front of" is nearer to the camera. Boxes stand for the objects; depth decides behind and in front where it is
 * known.
 * @param width the image's width in pixels
 */
export function relationScore(
  kind: RelationKind,
  object: Placed,
  landmarks: readonly Placed[],
  width: number,
): number {
  const [first, second] = landmarks;
  if (first === undefined) return 0;
  if (kind === "between") return second === undefined ? 0 : between(object, first, second, width);
  const near = nearness(distance(object, first, width), nearHalf.around);
  switch (kind) {
    case "left of":
      return leftOf(object.box, first.box) * near;
    case "right of":
      return leftOf(mirrored(object.box), mirrored(first.box)) * near;
    case "behind":
      return further(object, first) * (0.4 + 0.6 * sharedColumns(object.box, first.box)) * near;
    case "in front of":
      return further(first, object) * (0.4 + 0.6 * sharedColumns(object.box, first.box)) * near;
    case "in":
    case "on":
    case "from":
      return inside(object.box, upwards(first.box, kind === "in" ? 0.3 : 0.8));
    case "above":
      return over(object.box, first.box);
    case "under":
      return over(first.box, object.box);
    case "farthest from":
      return Math.min(1, distance(object, first, width));
    default:
      return nearness(distance(object, first, width), nearHalf["next to"]);
  }
}

const mirrored = ([x1, y1, x2, y2]: Box): Box => [-x2, y1, -x1, y2];
const upwards = ([x1, y1, x2, y2]: Box, share: number): Box => [x1, y1 - share * (y2 - y1), x2, y2];
const nearness = (distance: number, half: number): number => half / (half + distance);

/**
 * How clearly a box lies left of another: its middle left of all of it counts fully; the same height counts more
 * than above or below.
 */
function leftOf(a: Box, b: Box): number {
  const [ax, ay] = boxCentre(a);
  const [bx, by] = boxCentre(b);
  const dx = bx - ax;
  if (dx <= 0) return 0;
  const clear = ax < b[0] ? 1 : 0.4;
  return clear * (dx / (dx + 0.5 * Math.abs(by - ay)));
}

/** Whether the first is farther from the camera: by depth, else by how high it stands in the image. */
function further(a: Placed, b: Placed): number {
  const higher = a.box[3] < b.box[3] ? 1 : 0;
  if (a.depth === undefined || b.depth === undefined) return higher;
  const step = a.depth - b.depth;
  if (Math.abs(step) < depthStep) return 0.5 * higher;
  return step > 0 ? 1 : 0;
}

/** Columns that two boxes share, as a share of the narrower one's. */
function sharedColumns(a: Box, b: Box): number {
  const shared = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  return Math.max(0, shared) / Math.max(1e-6, Math.min(a[2] - a[0], b[2] - b[0]));
}

function over(a: Box, b: Box): number {
  return boxCentre(a)[1] < boxCentre(b)[1] ? sharedColumns(a, b) : 0;
}

/** Gap between two objects in shares of the image's width, with their difference in depth. */
export function distance(a: Placed, b: Placed, width: number): number {
  const dx = Math.max(a.box[0] - b.box[2], b.box[0] - a.box[2], 0);
  const dy = Math.max(a.box[1] - b.box[3], b.box[1] - a.box[3], 0);
  const deep = a.depth === undefined || b.depth === undefined ? 0 : depthScale * Math.abs(a.depth - b.depth);
  return Math.hypot(dx, dy) / width + deep;
}

/** How centrally an object lies on the line between two others. */
function between(object: Placed, a: Placed, b: Placed, width: number): number {
  const [ax, ay] = boxCentre(a.box);
  const [bx, by] = boxCentre(b.box);
  const [x, y] = boxCentre(object.box);
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  if (length < (0.02 * width) ** 2) return 0;
  const along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length;
  const off = Math.abs((x - ax) * (by - ay) - (y - ay) * (bx - ax)) / length;
  if (along <= 0 || along >= 1) return 0;
  return Math.max(0, 1 - off / 0.7) * Math.min(1, 4 * Math.min(along, 1 - along));
}
