import {
  compose,
  conjugate,
  invert,
  type Mask,
  type Metres,
  type OrganisedCloud,
  organisedCloud,
  type Points,
  type Pose,
  type Quaternion,
  type RgbdFrame,
  rotate,
  seededRandom,
  transformPoints,
  type Vec3,
} from "../../geometry/index.js";
import { findTable } from "../geometric/table.js";
import { cellsOf, insidePlaces, readContainer } from "./container.js";
import { bottomOf, type Footprint, footprint } from "./footprint.js";
import { placesNextTo } from "./next-to.js";
import { filled, heights } from "./surface.js";
import type { Candidate, PlacePlan, PlaceRequest, PlaceSpot } from "./types.js";
import { drop, uponPlaces } from "./upon.js";

/** Pixels between the points. */
const step = 2;
/** Turns about the upright axis that are tried: another turn may be within reach, or fit better. */
const turns = [0, 1, -1, 2, -2, 3, -3, 4].map((eighths) => (eighths * Math.PI) / 4);
/** Places that are offered; the motion takes the first that it can reach. */
const maxSpots = 32;
/** A place that was pointed at is at most so far from that point. */
const maxFromPointed: Metres = 0.05;
/** Places nearer to one that is offered, sideways or in height, are no other places. */
const apart = { aside: 0.035, up: 0.008 };

/**
 * Free places for what is held, from one image with depth: the table is found, its surface is a grid of heights, and
 * what is held is laid over it. Cells that the camera did not see are not free.
 */
export function planPlace(
  frame: Pick<RgbdFrame, "depth" | "camera" | "frameId">,
  request: PlaceRequest,
): PlacePlan {
  const { depth, camera, frameId } = frame;
  if (depth === undefined || camera === undefined) return none("a place needs an image with depth");
  const { width, height } = depth;
  const cloud = organisedCloud(depth, camera, { x1: 0, y1: 0, x2: width, y2: height }, step);
  const landmarks = request.landmarks.map((mask) => sampled(mask, cloud));
  const ignored = (request.ignored ?? []).map((mask) => sampled(mask, cloud));
  const on = (masks: readonly Uint8Array[], k: number) => masks.some((mask) => mask[k] === 1);
  const marks = Uint8Array.from({ length: cloud.width * cloud.height }, (_, k) => {
    if (Number.isNaN(cloud.points[k * 3]!) || on(ignored, k)) return 2;
    return on(landmarks, k) ? 1 : 0;
  });
  const table = findTable(cloud, marks, seededRandom(7), request.up);
  if (table === undefined) return none("no surface to put it on can be seen");
  const about = request.near ?? middlePoint(cloud, landmarks.length > 0 ? 1 : 0, marks);
  const tableInCamera = about === undefined ? undefined : table.frameAt(about);
  if (tableInCamera === undefined) return none("the place has no depth");
  const toTable = invert(tableInCamera);
  const local = transformPoints(toTable, cloud.points);
  const held = transformPoints(
    { position: [0, 0, 0], orientation: toTable.orientation },
    request.held.points,
  );
  const found = search(request, local, marks, landmarks, held);
  if (typeof found === "string") return none(found);
  const spots = spread(found).map((candidate) => spotOf(candidate, tableInCamera, request, frameId));
  return spots.length > 0 ? { spots } : none("there is no free place for it");
}

const none = (reason: string): PlacePlan => ({ spots: [], reason });

/** Places in the table frame, best first, or why there are none. */
function search(
  { relation, landmarks: { length: count }, near }: PlaceRequest,
  local: Points,
  marks: Uint8Array,
  landmarks: readonly Uint8Array[],
  held: Points,
): Candidate[] | string {
  const bottom = bottomOf(held);
  const footprints = turns.map((turn) => footprint(held, turn));
  if (count < (relation === "between" ? 2 : relation === "anywhere" ? 0 : 1))
    return "what it is to be put in, on or next to was not found";
  const tops = landmarks.map((mask) =>
    filled(
      heights(local, (k) => mask[k] === 1 && marks[k] === 1),
      4,
    ),
  );
  const cells = tops.map(cellsOf);
  if (cells.some((each) => each.length === 0)) return "what it is to be put in, on or next to has no depth";
  const [top, own] = [tops[0], cells[0]];
  if (top !== undefined && own !== undefined && (relation === "in" || relation === "on")) {
    const container = readContainer(top, own);
    if (relation === "in" && container !== undefined) {
      const inside = insidePlaces(container, footprints, bottom);
      return inside.length > 0 ? inside : "it is too big for the opening";
    }
    const upon = uponPlaces(top, own, footprints, bottom);
    if (upon.length > 0) return upon;
    return container === undefined
      ? "there is no level place on it"
      : insidePlaces(container, footprints, bottom);
  }
  const seen = filled(
    heights(local, (k) => marks[k] !== 2),
    5,
  );
  const free = placesNextTo(seen, { relation, landmarks: cells, footprints, height: bottom + drop });
  // The frame's origin is below the point.
  return near === undefined ? free : nearest(free, footprints);
}

/** Places that come near the frame's origin, the nearest first; an eighth turn counts as 16 mm. */
function nearest(free: readonly Candidate[], footprints: readonly Footprint[]): Candidate[] {
  return free
    .map((candidate) => {
      const [x, y] = candidate.position;
      const [mx, my] = footprints.find(({ turn }) => turn === candidate.turn)!.middle;
      const off = Math.hypot(x + mx, y + my);
      return { candidate, off, cost: off + 0.02 * Math.abs(candidate.turn) };
    })
    .filter(({ off }) => off <= maxFromPointed)
    .sort((a, b) => a.cost - b.cost)
    .map(({ candidate }) => candidate);
}

/** The mask at the cloud's pixels. */
function sampled(mask: Mask, { width, height, step: every }: OrganisedCloud): Uint8Array {
  const out = new Uint8Array(width * height);
  for (let r = 0; r < height; r++)
    for (let c = 0; c < width; c++) out[r * width + c] = mask.data[r * every * mask.width + c * every]!;
  return out;
}

/** Median of the points with a mark. */
function middlePoint({ points }: OrganisedCloud, mark: number, marks: Uint8Array): Vec3 | undefined {
  const axes: [number[], number[], number[]] = [[], [], []];
  for (let k = 0; k < marks.length; k++)
    if (marks[k] === mark) for (const axis of [0, 1, 2] as const) axes[axis].push(points[k * 3 + axis]!);
  if (axes[0].length === 0) return undefined;
  return axes.map((values) => values.sort((a, b) => a - b)[values.length >> 1]!) as unknown as Vec3;
}

/** The best places that differ. */
function spread(candidates: readonly Candidate[]): Candidate[] {
  const differing: Candidate[] = [];
  for (const each of candidates) {
    const isNew = differing.every(
      ({ position: [x, y, z], turn }) =>
        turn !== each.turn ||
        Math.abs(z - each.position[2]) >= apart.up ||
        Math.hypot(x - each.position[0], y - each.position[1]) >= apart.aside,
    );
    if (isNew) differing.push(each);
    if (differing.length >= maxSpots) break;
  }
  return differing;
}

function spotOf(
  { position, turn, clearance }: Candidate,
  tableInCamera: Pose,
  { held }: PlaceRequest,
  frame: string,
): PlaceSpot {
  // Turned about the table's upright axis, which is z of its frame.
  const about: Quaternion = [0, 0, Math.sin(turn / 2), Math.cos(turn / 2)];
  const inTable = compose(
    { position: [0, 0, 0], orientation: about },
    { position: [0, 0, 0], orientation: conjugate(tableInCamera.orientation) },
  );
  const tool = compose(inTable, { position: [0, 0, 0], orientation: held.orientation });
  return {
    frame,
    pose: compose(tableInCamera, { position, orientation: tool.orientation }),
    clearance,
  };
}

/** What is held, from another frame's axes into the camera's. @param cameraInFrame the camera in that frame */
export function heldInCamera(points: Points, orientation: Quaternion, cameraInFrame: Pose) {
  const back: Pose = { position: [0, 0, 0], orientation: conjugate(cameraInFrame.orientation) };
  return {
    points: transformPoints(back, points),
    orientation: compose(back, { position: [0, 0, 0], orientation }).orientation,
  };
}

/** Up in the camera's optical frame, of an upright z of another frame. */
export const upInCamera = ({ orientation }: Pose): Vec3 => rotate(conjugate(orientation), [0, 0, 1]);
