import {
  compose,
  invert,
  type Mask,
  type Metres,
  organisedCloud,
  type Pose,
  type Random,
  transformPoints,
  type Vec3,
} from "../../geometry/index.js";
import type { DepthView } from "../types.js";
import { levelled } from "./fuse.js";
import { readScene } from "./scene.js";
import { Sight, View } from "./view.js";

/** Distance from a point of the first view at which a pixel of the second one certainly shows the same object. */
const SEED: Metres = 0.006;
/** Largest step between neighbouring pixels of one object. */
const STEP: Metres = 0.01;
/** How far under the outline a point is tried again. */
const OUTLINE: Metres = 0.005;
/** How much wider and taller than seen the object may be. */
const BEYOND: Metres = 0.05;

/**
 * The object of the first image's mask in a second image of the same scene. It begins at pixels that show points of the
 * first view, and grows over the surface to what the first camera sees on the object or cannot see behind it. Something
 * else that touches the object on its far side is taken for a part of it.
 * @param pose of the second image's optical frame in the first image's
 * @param up against gravity, in the first optical frame, where it is known
 * @returns undefined where the first view cannot be measured or the second does not show the object
 */
export function maskInSecondView(
  first: DepthView,
  mask: Mask,
  second: DepthView,
  pose: Pose,
  random: Random,
  up?: Vec3,
): Mask | undefined {
  const { depth, camera } = second;
  if (first.depth === undefined || first.camera === undefined) return undefined;
  if (depth === undefined || camera === undefined) return undefined;
  const scene = readScene(first.depth, first.camera, mask, random, up);
  if ("refusal" in scene || scene.kind === "planar") return undefined;
  const { object, tableToCamera } = scene;
  const { width, height } = depth;
  const cloud = organisedCloud(depth, camera, { x1: 0, y1: 0, x2: width, y2: height });
  const toTable = levelled(cloud.points, compose(invert(tableToCamera), pose));
  const local = transformPoints(toTable, cloud.points);
  let top = 0;
  let reach = 0;
  const cells = new Set<number>();
  for (let i = 0; i < object.length; i += 3) {
    top = Math.max(top, object[i + 2]!);
    reach = Math.max(reach, Math.hypot(object[i]!, object[i + 1]!));
    for (let dx = -1; dx <= 1; dx++)
      for (let dy = -1; dy <= 1; dy++)
        for (let dz = -1; dz <= 1; dz++)
          cells.add(cellOf(object[i]! + dx * SEED, object[i + 1]! + dy * SEED, object[i + 2]! + dz * SEED));
  }
  const floor = Math.min(0.006, 0.35 * top);
  const firstView = new View(first.depth, mask, first.camera, tableToCamera);
  const may = new Uint8Array(width * height);
  const data = new Uint8Array(width * height);
  const front: number[] = [];
  for (let i = 0; i < may.length; i++) {
    const x = local[i * 3]!;
    const y = local[i * 3 + 1]!;
    const z = local[i * 3 + 2]!;
    if (!(z > floor && z < top + BEYOND && Math.hypot(x, y) < 2 * reach + BEYOND)) continue;
    const known = firstView.onTarget(x, y, z, 0.006);
    // Beyond the outline that the first camera sees, a pixel's width is several millimetres of a round surface.
    if (!known && !mayHide(firstView, x, y, z) && !mayHide(firstView, x, y, z - OUTLINE)) continue;
    may[i] = 1;
    if (!known || !cells.has(cellOf(x, y, z))) continue;
    data[i] = 1;
    front.push(i);
  }
  if (front.length === 0) return undefined;
  for (let i = front.pop(); i !== undefined; i = front.pop()) {
    const column = i % width;
    const next = [i - width, i + width];
    if (column > 0) next.push(i - 1);
    if (column < width - 1) next.push(i + 1);
    for (const j of next) {
      if (may[j] !== 1 || data[j] === 1) continue;
      const dx = local[j * 3]! - local[i * 3]!;
      const dy = local[j * 3 + 1]! - local[i * 3 + 1]!;
      const dz = local[j * 3 + 2]! - local[i * 3 + 2]!;
      if (dx * dx + dy * dy + dz * dz > STEP * STEP) continue;
      data[j] = 1;
      front.push(j);
    }
  }
  return { width, height, data };
}

/** Whether the first camera cannot tell that a point is not the object's. */
function mayHide(view: View, x: Metres, y: Metres, z: Metres): boolean {
  const sight = view.look(x, y, z, 0.006);
  return sight === Sight.behindTarget || sight === Sight.unknown;
}

const cellOf = (x: number, y: number, z: number): number =>
  (Math.floor(x / SEED) + 1024) * 4194304 + (Math.floor(y / SEED) + 1024) * 2048 + Math.floor(z / SEED) + 512;
