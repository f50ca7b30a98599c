import {
  invert,
  type Mask,
  maskIou,
  type Points,
  type Pose,
  type RgbdFrame,
  seededRandom,
  transformPoints,
  type Vec3,
} from "../geometry/index.js";
import { type DepthView, maskInSecondView } from "../grasping/index.js";
import { scenePoints } from "./scene-points.js";

/** Overlap of a detection with the surface that continues the first view's from which on they are one object. */
const SAME_SURFACE = 0.5;
/** Share of the first view's points that a detection's points cover from which on they are one object. */
const SAME_PLACE = 0.3;
/** Side of the cubes that points are compared in, in metres: noise and errors of the poses. */
const CELL = 0.012;

/** The object of a first image in a second one. */
export interface SecondMask {
  readonly mask: Mask;
  /** Index of the detection that it is; undefined where no detection is the object, and its surface tells the mask. */
  readonly detection?: number;
}

/**
 * The object of the first image's mask among the second image's detections, by its place: words such as "on the left"
 * name another object from elsewhere. Without such a detection the mask follows the surface from the points that the
 * first view shows. Undefined where the second image does not show the object.
 * @param detections masks of the second image, best first
 * @param pose of the second image's optical frame in the first image's
 * @param up against gravity, in the first optical frame, where it is known
 */
export function sameObject(
  first: DepthView,
  mask: Mask,
  second: RgbdFrame,
  detections: readonly Mask[],
  pose: Pose,
  up?: Vec3,
): SecondMask | undefined {
  const grown = maskInSecondView(first, mask, second, pose, seededRandom(1), up);
  const { index, value } =
    grown === undefined
      ? best(detections, coverage(first, mask, second, pose))
      : best(detections, (each) => maskIou(grown, each));
  if (index >= 0 && value >= (grown === undefined ? SAME_PLACE : SAME_SURFACE))
    return { mask: detections[index]!, detection: index };
  return grown && { mask: grown };
}

function best(masks: readonly Mask[], rate: (mask: Mask) => number): { index: number; value: number } {
  const rates = masks.map(rate);
  const value = Math.max(0, ...rates);
  return { index: rates.indexOf(value), value };
}

/** Rates a mask of the second image by the share of the object's points in the first that its points cover, 0..1. */
function coverage(first: DepthView, mask: Mask, second: DepthView, pose: Pose): (mask: Mask) => number {
  const before = scenePoints(first, mask)?.target ?? new Float32Array();
  const wanted = cellsOf(transformPoints(invert(pose), before), 0);
  return (each) => {
    const shown = cellsOf(scenePoints(second, each)?.target ?? new Float32Array(), 1);
    let covered = 0;
    for (const cell of wanted) if (shown.has(cell)) covered++;
    return wanted.size === 0 ? 0 : covered / wanted.size;
  };
}

/** The cubes that points lie in, and those up to `reach` next to them. */
function cellsOf(points: Points, reach: number): Set<string> {
  const cells = new Set<string>();
  for (let i = 0; i + 2 < points.length; i += 3) {
    const [x, y, z] = [0, 1, 2].map((k) => Math.floor(points[i + k]! / CELL)) as [number, number, number];
    for (let a = -reach; a <= reach; a++)
      for (let b = -reach; b <= reach; b++)
        for (let c = -reach; c <= reach; c++) cells.add(`${x + a} ${y + b} ${z + c}`);
  }
  return cells;
}
