import type { Metres, Vec3 } from "../../geometry/index.js";
import type { GripperModel } from "../types.js";
import type { Shape } from "./complete.js";
import { opposition } from "./contacts.js";
import type { GraspScene } from "./scene.js";
import type { Candidate } from "./search.js";
import { Sight } from "./view.js";

/** Clearances and contacts of a candidate in the scene. */
export interface Fit {
  /** Free space between each finger and the part before closing. */
  readonly margin: Metres;
  /** Distance of the nearest other object from the opened fingers and palm, up to 20 mm. */
  readonly clearance: Metres;
  /** Distance of the palm from the target itself, up to 20 mm. */
  readonly palmGap: Metres;
  /** Cosine between the closing direction and the surface's normal at the worse of both contacts, 0..1. */
  readonly opposition: number;
  /** Share of the fingers' space that the camera could not see because of another object. */
  readonly unseen: number;
  /** Share of the worse finger's space that is hidden behind the target itself. */
  readonly shadow: number;
  /** Share of the target's measured points between the fingers. */
  readonly held: number;
  /** Tool position moved so that the part is in the middle. */
  readonly shift: Metres;
  readonly width: Metres;
}

/** Opening on each side of the part where the space next to it is free, */
const MARGIN = 0.014;
/** and the least distance to other objects at which the fingers open further, for errors of the surface. */
const SPARE = 0.012;
/** Tried openings where a wide one meets the table. */
const NARROWER: readonly Metres[] = [MARGIN, 0.006];
/** Distance of the target's own surface under the open fingertips: less, and they may press on it. */
const TIP_GAP: Metres = 0.007;
/** The same where there is no more room: the surface's error. */
const LEAST_TIP_GAP: Metres = 0.003;
/** Free space next to the part from which on the greater gap counts. */
const ENOUGH_ROOM: Metres = 0.006;
/** Points of other objects lie some millimetres apart: their edge is nearer than the nearest point by this. */
const NEIGHBOUR_GAP = 0.002;
/** Number of points that count as noise and not as a collision. */
const STRAY = 2;

/**
 * Puts the open gripper at a candidate and moves it back along its approach: undefined when it meets the target,
 * anything else or the table.
 */
export function fitCandidate(
  scene: GraspScene,
  shape: Shape,
  candidate: Candidate,
  gripper: GripperModel,
  tableClearance: Metres,
  minMargin: Metres,
): Fit | undefined {
  const { axes, at } = candidate;
  const half = gripper.fingerWidth / 2;
  const inner = candidate.width / 2;
  const own = measureOwn(shape, candidate, gripper);
  if (own === undefined) return undefined;
  const room = (gripper.stroke - own.width) / 2;
  if (room < minMargin) return undefined;
  const outer = gripper.stroke / 2 + gripper.fingerThickness + 0.02;

  // Nearest other object on either side, in the fingers' swept space.
  let low = Math.min(own.freeLow, outer - inner);
  let high = Math.min(own.freeHigh, outer - inner);
  let between = 0;
  let palm = 0;
  let nearPalm = 0.02;
  const { obstacles } = scene;
  const [px, py] = [gripper.palm[0] / 2, gripper.palm[1] / 2];
  const centre = at[0] + own.shift;
  const inside = own.width / 2;
  const c = axes.closing;
  const b = axes.side;
  const a = axes.approach;
  for (let i = 0; i < obstacles.length; i += 3) {
    const x = obstacles[i]!;
    const y = obstacles[i + 1]!;
    const z = obstacles[i + 2]!;
    const ds = x * a[0] + y * a[1] + z * a[2] - at[2];
    if (ds > 0.004) continue;
    const dy = Math.abs(x * b[0] + y * b[1] + z * b[2] - at[1]);
    if (dy > py + 0.02) continue;
    const dx = x * c[0] + y * c[1] + z * c[2] - centre;
    if (ds < -gripper.fingerLength + 0.002) {
      const gap = Math.max(Math.abs(dx) - px, dy - py);
      if (gap < 0.003) palm++;
      else if (gap < nearPalm) nearPalm = gap;
      continue;
    }
    if (dy > half + 0.004) continue;
    if (Math.abs(dx) < inside) between++;
    else if (dx > 0) high = Math.min(high, dx - inside - NEIGHBOUR_GAP);
    else low = Math.min(low, -dx - inside - NEIGHBOUR_GAP);
  }
  if (palm > STRAY || between > STRAY) return undefined;
  const spare = Math.min(low, high, own.spare) - gripper.fingerThickness;
  const free = spare >= ENOUGH_ROOM ? spare : Math.min(low, high) - gripper.fingerThickness;
  const widest = Math.min(room, Math.max(Math.min(MARGIN, free - 0.001), free - SPARE));
  const margin = [widest, ...NARROWER.filter((each) => each < widest)].find((each) =>
    aboveTable(candidate, own.shift, gripper, inside + each + gripper.fingerThickness, tableClearance),
  );
  if (margin === undefined || margin < minMargin) return undefined;
  const opening = inside + margin;
  const hidden = hiddenShares(scene, candidate, own.shift, opening, gripper);
  return {
    margin,
    clearance: Math.min(nearPalm, Math.max(0, spare - margin), 0.02),
    palmGap: own.palmGap,
    opposition: own.opposition,
    ...hidden,
    held: own.held,
    shift: own.shift,
    width: own.width,
  };
}

interface Own {
  readonly width: Metres;
  readonly shift: Metres;
  readonly freeLow: Metres;
  readonly freeHigh: Metres;
  /** As the smaller of both, with more distance under the fingertips. */
  readonly spare: Metres;
  readonly palmGap: Metres;
  readonly opposition: number;
  readonly held: number;
}

/** Extent, contacts and neighbouring parts of the target itself; undefined when it meets the palm. */
function measureOwn(shape: Shape, candidate: Candidate, gripper: GripperModel): Own | undefined {
  const { points } = shape;
  const { axes, at, width } = candidate;
  const { closing: c, side: b, approach: a } = axes;
  const half = gripper.fingerWidth / 2;
  const reach = width / 2 + 0.004;
  const [px, py] = [gripper.palm[0] / 2, gripper.palm[1] / 2];
  let palm = 0;
  let palmGap = 0.02;
  let low = Infinity;
  let high = -Infinity;
  let nextLow = -Infinity;
  let nextHigh = Infinity;
  let spareLow = -Infinity;
  let spareHigh = Infinity;
  let inside = 0;
  let seen = 0;
  const measured = shape.seen * 3;
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i]!;
    const y = points[i + 1]!;
    const z = points[i + 2]!;
    const ds = x * a[0] + y * a[1] + z * a[2] - at[2];
    if (ds > TIP_GAP) continue;
    const dy = x * b[0] + y * b[1] + z * b[2] - at[1];
    if (Math.abs(dy) > py) continue;
    const dx = x * c[0] + y * c[1] + z * c[2] - at[0];
    if (Math.abs(dx) < px) {
      const gap = ds + gripper.fingerLength;
      if (gap < 0.001 && ++palm > STRAY) return undefined;
      if (gap >= 0.001 && gap < palmGap) palmGap = gap;
    }
    if (Math.abs(dy) > half + 0.002) continue;
    if (Math.abs(dx) <= reach) {
      if (ds > 0) continue;
      inside++;
      if (i < measured) seen++;
      if (dx < low) low = dx;
      if (dx > high) high = dx;
    } else if (dx < 0) {
      spareLow = Math.max(spareLow, dx);
      if (ds <= LEAST_TIP_GAP) nextLow = Math.max(nextLow, dx);
    } else {
      spareHigh = Math.min(spareHigh, dx);
      if (ds <= LEAST_TIP_GAP) nextHigh = Math.min(nextHigh, dx);
    }
  }
  // A grasp needs measured surface.
  if (seen < 3) return undefined;
  return {
    width: Math.max(0.001, high - low),
    shift: (low + high) / 2,
    freeLow: low - nextLow,
    freeHigh: nextHigh - high,
    spare: Math.min(low - spareLow, spareHigh - high),
    palmGap,
    opposition: opposition(shape, candidate, half, low, high),
    held: inside / (points.length / 3),
  };
}

/** Whether fingertips and palm are clear of the table. */
function aboveTable(
  { axes, at }: Candidate,
  shift: Metres,
  gripper: GripperModel,
  outside: Metres,
  clearance: Metres,
): boolean {
  const height = (dx: number, dy: number, ds: number): number =>
    (at[0] + shift + dx) * axes.closing[2] + (at[1] + dy) * axes.side[2] + (at[2] + ds) * axes.approach[2];
  const half = gripper.fingerWidth / 2;
  for (const sx of [-1, 1])
    for (const sy of [-1, 1]) {
      if (height(sx * outside, sy * half, 0) < clearance - 1e-6) return false;
      const [px, py, pz] = gripper.palm;
      if (height((sx * px) / 2, (sy * py) / 2, -gripper.fingerLength) < 0.004) return false;
      if (height((sx * px) / 2, (sy * py) / 2, -gripper.fingerLength - pz) < 0.004) return false;
    }
  return true;
}

/** Space of the open fingers that the camera could not see. */
function hiddenShares(
  scene: GraspScene,
  { axes, at }: Candidate,
  shift: Metres,
  opening: Metres,
  gripper: GripperModel,
): { readonly unseen: number; readonly shadow: number } {
  const { closing: c, side: b, approach: a } = axes;
  let hidden = 0;
  let n = 0;
  let shadow = 0;
  for (const sx of [-1, 1]) {
    let own = 0;
    for (const dy of [-0.4, 0.4])
      for (const ds of [0, -0.35, -0.7]) {
        const p: Vec3 = [
          at[0] + shift + sx * (opening + gripper.fingerThickness / 2),
          at[1] + dy * gripper.fingerWidth,
          at[2] + ds * gripper.fingerLength,
        ];
        const x = p[0] * c[0] + p[1] * b[0] + p[2] * a[0];
        const y = p[0] * c[1] + p[1] * b[1] + p[2] * a[1];
        const z = p[0] * c[2] + p[1] * b[2] + p[2] * a[2];
        n++;
        const sight = scene.view.look(x, y, z, 0.01);
        if (sight === Sight.behindOther) hidden++;
        else if (sight === Sight.behindTarget) own++;
      }
    shadow = Math.max(shadow, own / 6);
  }
  return { unseen: hidden / n, shadow };
}
