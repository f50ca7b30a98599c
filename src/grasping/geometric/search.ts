import type { Metres, Vec3 } from "../../geometry/index.js";
import type { GripperModel } from "../types.js";
import type { Shape } from "./complete.js";
import type { ToolAxes } from "./orientations.js";

/** A place where the fingers fit around a part of the target; other objects are not checked yet. */
export interface Candidate {
  readonly axes: ToolAxes;
  /** Coordinates of the point between the fingertips along closing, side and approach. */
  readonly at: Vec3;
  /** Extent of the part between the fingers. */
  readonly width: Metres;
  /** Height of the part between the fingers, from their tips. */
  readonly overlap: Metres;
  /** Estimate of the score before the checks against the scene, 0..1. */
  readonly heuristicScore: number;
}

export interface SearchLimits {
  /** Least height of the fingertips above the table. */
  readonly tableClearance: Metres;
  /** Least overlap of fingers and target. */
  readonly minOverlap: Metres;
  /** Least free space between each finger and the part. */
  readonly minMargin: Metres;
  /** Overlap from which on more does not make a candidate more likely. */
  readonly deep: Metres;
}

const BIN = 0.0025;
/** Tried depths of the fingertips under the top of the part. */
const DEPTHS: readonly Metres[] = [0.01, 0.019, 0.03];
/** Distance from the centre of mass at which the lever of the weight is too long. */
const FAR: Metres = 0.1;
/** Clearance of the palm from the part between the fingers. */
const PALM_GAP = 0.004;
/** Free space for each finger next to the part, in addition to its thickness. */
export const MIN_MARGIN = 0.003;

/**
 * Cuts the target into slabs as wide as a finger, square to the closing direction, and looks in each, at several
 * depths, for parts that fit between the fingers with free space for the fingers: bodies, handles and rims.
 */
export function searchOrientation(
  shape: Shape,
  axes: ToolAxes,
  gripper: GripperModel,
  limits: SearchLimits,
  work: SearchSpace,
): Candidate[] {
  const { points } = shape;
  const { closing: c, side: b, approach: a } = axes;
  const n = points.length / 3;
  const { along, across, depth, order } = work.ready(n);
  let lowY = Infinity;
  let highY = -Infinity;
  let lowX = Infinity;
  let highX = -Infinity;
  for (let k = 0; k < n; k++) {
    const x = points[k * 3]!;
    const y = points[k * 3 + 1]!;
    const z = points[k * 3 + 2]!;
    const px = x * c[0] + y * c[1] + z * c[2];
    const py = x * b[0] + y * b[1] + z * b[2];
    along[k] = px;
    across[k] = py;
    depth[k] = x * a[0] + y * a[1] + z * a[2];
    if (px < lowX) lowX = px;
    if (px > highX) highX = px;
    if (py < lowY) lowY = py;
    if (py > highY) highY = py;
  }
  const half = gripper.fingerWidth / 2;
  const [mx, my, mz] = shape.centre;
  const middle = mx * b[0] + my * b[1] + mz * b[2];
  const found: Candidate[] = [];
  const bins = Math.min(work.bins, Math.ceil((highX - lowX) / BIN) + 1);
  const span = highY - lowY;
  const inset = Math.min(half * 0.7, span / 2);
  const slabs =
    span < gripper.fingerWidth * 0.8
      ? 1
      : Math.max(2, Math.min(18, Math.ceil((span - 2 * inset) / 0.008) + 1));
  for (let k = 0; k < slabs; k++) {
    const y = slabs === 1 ? (lowY + highY) / 2 : lowY + inset + ((span - 2 * inset) * k) / (slabs - 1);
    if (Math.abs(y - middle) > FAR) continue;
    let count = 0;
    let top = Infinity;
    for (let i = 0; i < n; i++) {
      if (Math.abs(across[i]! - y) > half) continue;
      order[count++] = i;
      if (depth[i]! < top) top = depth[i]!;
    }
    if (count < 4) continue;
    const deepest = Math.min(
      a[2] < -1e-3 ? (y * b[2] - half * Math.abs(b[2]) - limits.tableClearance) / -a[2] : Infinity,
      top + gripper.fingerLength - PALM_GAP,
    );
    let last = -Infinity;
    for (let d = 0; d <= DEPTHS.length; d++) {
      const s = Math.min(deepest, d < DEPTHS.length ? top + DEPTHS[d]! : deepest);
      if (s - last < 0.002) continue;
      last = s;
      scanDepth(shape, axes, gripper, limits, work, { y, s, count, lowX, bins }, found);
    }
  }
  return found;
}

interface Slice {
  readonly y: Metres;
  readonly s: Metres;
  readonly count: number;
  readonly lowX: Metres;
  readonly bins: number;
}

/** Parts of one slab down to one depth. */
function scanDepth(
  shape: Shape,
  axes: ToolAxes,
  gripper: GripperModel,
  limits: SearchLimits,
  work: SearchSpace,
  slice: Slice,
  found: Candidate[],
): void {
  const { along, depth, order, filled, tops, parts } = work;
  const { s, y, lowX, bins } = slice;
  filled.fill(0, 0, bins);
  for (let k = 0; k < slice.count; k++) {
    const i = order[k]!;
    const d = depth[i]!;
    if (d > s) continue;
    const bin = Math.min(bins - 1, Math.trunc((along[i]! - lowX) / BIN));
    if (filled[bin] === 0 || d < tops[bin]!) tops[bin] = d;
    filled[bin]!++;
  }
  const need = Math.ceil((gripper.fingerThickness + 2 * MIN_MARGIN) / BIN);
  let count = 0;
  let end = -1;
  for (let bin = 0; bin < bins; bin++) {
    if (filled[bin] === 0) continue;
    if (count === 0 || bin - end > need) {
      parts[count * 4] = bin;
      parts[count * 4 + 2] = Infinity;
      parts[count * 4 + 3] = 0;
      count++;
    }
    end = bin;
    const part = (count - 1) * 4;
    parts[part + 1] = bin;
    parts[part + 2] = Math.min(parts[part + 2]!, tops[bin]!);
    parts[part + 3]! += filled[bin]!;
  }
  const usable = gripper.stroke - 2 * limits.minMargin;
  for (let i = 0; i < count; i++) {
    if (parts[i * 4 + 3]! < 3) continue;
    for (let j = i; j < count; j++) {
      if (parts[j * 4 + 3]! < 3) continue;
      const low = lowX + parts[i * 4]! * BIN;
      const high = lowX + (parts[j * 4 + 1]! + 1) * BIN;
      // On average a point lies half a bin inside the bin's edge.
      const width = Math.max(0.001, high - low - BIN);
      const overlap = s - Math.max(parts[i * 4 + 2]!, parts[j * 4 + 2]!);
      if (overlap < limits.minOverlap) continue;
      if (width > usable) break;
      const at: Vec3 = [(low + high) / 2, y, s];
      const heuristicScore = promiseOf(shape, axes, at, width, overlap, gripper, limits.deep);
      if (heuristicScore < 0.02) continue;
      found.push({ axes, at, width, overlap, heuristicScore });
    }
  }
}

/** A cheap estimate of the score that chooses the candidates for close checks. */
function promiseOf(
  shape: Shape,
  { closing: c, side: b, approach: a }: ToolAxes,
  at: Vec3,
  width: Metres,
  overlap: Metres,
  gripper: GripperModel,
  deep: Metres,
): number {
  const [x, y, z] = shape.centre;
  const dx = x * c[0] + y * c[1] + z * c[2] - at[0];
  const dy = x * b[0] + y * b[1] + z * b[2] - at[1];
  const reach = Math.min(1, overlap / Math.min(deep, Math.max(0.004, shape.top - 0.004)));
  const room = 1 - (width / gripper.stroke) ** 4;
  return (
    Math.exp(-((dy / 0.045) ** 2) - (dx / 0.1) ** 2) *
    Math.max(0.3, -a[2]) *
    (0.4 + 0.6 * reach) *
    (0.5 + 0.5 * room)
  );
}

/** Arrays that all orientations share. */
export class SearchSpace {
  along = new Float32Array(0);
  across = new Float32Array(0);
  depth = new Float32Array(0);
  order = new Uint32Array(0);
  readonly bins = 400;
  readonly filled = new Uint16Array(400);
  readonly tops = new Float32Array(400);
  /** First bin, last bin, top, number of points of each part. */
  readonly parts = new Float64Array(400 * 4);

  ready(n: number): this {
    if (this.along.length < n) {
      this.along = new Float32Array(n);
      this.across = new Float32Array(n);
      this.depth = new Float32Array(n);
      this.order = new Uint32Array(n);
    }
    return this;
  }
}
