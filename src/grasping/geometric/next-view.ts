import {
  compose,
  cross,
  type Metres,
  normalize,
  type Pose,
  quaternionFromAxes,
  subtract,
  type Vec3,
} from "../../geometry/index.js";
import type { Shape } from "./complete.js";
import type { GraspScene } from "./scene.js";
import { Sight } from "./view.js";

/** Directions about the object. */
const SECTORS = 24;
/** A measured point this close to the outermost one shows that side. */
const NEAR: Metres = 0.008;

/** Sides of the object that no image shows. */
export interface Unseen {
  /** Share of all directions, 0..1. */
  readonly share: number;
  /** The directions, as yaws in the table frame. */
  readonly yaws: readonly number[];
}

/**
 * The directions from the object's middle, seen from above, in which its outermost point was estimated: neither is a
 * measured point near it, nor is the space beyond it seen to be empty.
 */
export function unseenSides(scene: GraspScene, shape: Shape): Unseen {
  const { points, seen, centre } = shape;
  const [cx, cy] = centre;
  const outer = new Float64Array(SECTORS);
  const measured = new Float64Array(SECTORS);
  const at = new Int32Array(SECTORS).fill(-1);
  for (let i = 0; i < points.length; i += 3) {
    const dx = points[i]! - cx;
    const dy = points[i + 1]! - cy;
    const sector = Math.trunc(((Math.atan2(dy, dx) + Math.PI) / (2 * Math.PI)) * SECTORS) % SECTORS;
    const away = Math.hypot(dx, dy);
    if (i < seen * 3) measured[sector] = Math.max(measured[sector]!, away);
    if (away <= outer[sector]!) continue;
    outer[sector] = away;
    at[sector] = i;
  }
  const yaws: number[] = [];
  let known = 0;
  for (let k = 0; k < SECTORS; k++) {
    if (at[k]! < 0) continue;
    known++;
    const yaw = ((k + 0.5) / SECTORS) * 2 * Math.PI - Math.PI;
    const beyond = outer[k]! + NEAR;
    // At half its height: the far side of a box is hidden, though its upper edge is seen.
    const z = Math.max(0.01, points[at[k]! + 2]! / 2);
    const free =
      scene.view.look(cx + beyond * Math.cos(yaw), cy + beyond * Math.sin(yaw), z, 0.004) === Sight.free;
    if (measured[k]! < outer[k]! - NEAR && !free) yaws.push(yaw);
  }
  return { share: known === 0 ? 1 : yaws.length / known, yaws };
}

/** Elevations of the camera above the horizon, in radians. */
const ELEVATIONS = [Math.PI / 4, Math.PI / 3, (5 * Math.PI) / 12] as const;
/** Limit of poses. */
const MOST_VIEWS = 24;

/**
 * Poses of a camera's optical frame, in the first one's, that look at the object's middle from the sides that no image
 * shows; best first, the image's up against gravity.
 * @param distance from the object's middle, in metres; a depth camera at the wrist measures from some 0.3 m on
 */
export function nextViews(scene: GraspScene, shape: Shape, unseen: Unseen, distance: Metres): Pose[] {
  const middle: Vec3 = [shape.centre[0], shape.centre[1], shape.top / 2];
  return viewsAround(middle, scene.camera, distance, unseen.yaws).map((pose) =>
    compose(scene.tableToCamera, pose),
  );
}

/**
 * Poses of a camera's optical frame that look at a point from elsewhere, best first, the image's up against gravity;
 * all in a frame whose z is up.
 * @param middle the point
 * @param from where the first image was taken
 * @param sides directions from the point that are to be seen, as yaws; default: the one away from `from`
 */
export function viewsAround(
  middle: Vec3,
  from: Vec3,
  distance: Metres,
  sides: readonly number[] = [],
): Pose[] {
  const first = Math.atan2(from[1] - middle[1], from[0] - middle[0]);
  const wanted = sides.length > 0 ? sides : [first + Math.PI];
  const rated: { readonly pose: Pose; readonly gain: number }[] = [];
  for (let k = 1; k < 12; k++) {
    const azimuth = first + (k * Math.PI) / 6;
    const gain = wanted.reduce((sum, yaw) => sum + Math.max(0, Math.cos(yaw - azimuth)), 0) / wanted.length;
    for (const elevation of ELEVATIONS) {
      const ray: Vec3 = [
        Math.cos(azimuth) * Math.cos(elevation),
        Math.sin(azimuth) * Math.cos(elevation),
        Math.sin(elevation),
      ];
      const eye: Vec3 = [
        middle[0] + distance * ray[0],
        middle[1] + distance * ray[1],
        middle[2] + distance * ray[2],
      ];
      const forward = normalize(subtract(middle, eye));
      const right = normalize(cross(forward, [0, 0, 1]));
      const orientation = quaternionFromAxes(right, cross(forward, right), forward);
      // A lower camera sees more of a side.
      rated.push({ pose: { position: eye, orientation }, gain: gain * Math.cos(elevation) });
    }
  }
  rated.sort((p, q) => q.gain - p.gain);
  return rated.slice(0, MOST_VIEWS).map(({ pose }) => pose);
}
