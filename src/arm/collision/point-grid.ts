import {
  type Metres,
  type Points,
  selectPoints,
  type Vec3,
  voxelRepresentatives,
} from "../../geometry/index.js";
import { squaredToSegment } from "./capsule.js";

/** Cells along one axis that a key can tell apart. */
const maxCellsPerAxis = 4096;

/** A box by one corner and the corners next to it: its edges from there are at right angles. */
export interface Box {
  readonly corner: Vec3;
  readonly edges: readonly [Vec3, Vec3, Vec3];
}

/** Squared distance from a point to a box; 0 inside. */
export function squaredToBox(px: number, py: number, pz: number, { corner, edges }: Box): number {
  const [x, y, z] = [px - corner[0], py - corner[1], pz - corner[2]];
  let sum = 0;
  for (const [bx, by, bz] of edges) {
    const [ux, uy, uz] = [bx - corner[0], by - corner[1], bz - corner[2]];
    const length = Math.hypot(ux, uy, uz);
    if (length === 0) continue;
    const along = (x * ux + y * uy + z * uz) / length;
    const out = along < 0 ? along : Math.max(0, along - length);
    sum += out * out;
  }
  return sum;
}

/** Points sorted into cubes, to find those close to a segment. */
export class PointGrid {
  readonly points: Points;
  readonly #cell: Metres;
  readonly #cells = new Map<number, Uint32Array>();

  /**
   * @param voxel edge length of the cubes, in metres; one point of each is used, and points that are NaN are left
   * out
   */
  constructor(points: Points, voxel: Metres = 0.01, cell: Metres = 0.05) {
    this.points = selectPoints(points, voxelRepresentatives(points, voxel));
    this.#cell = cell;
    const lists = new Map<number, number[]>();
    for (let i = 0; i + 2 < this.points.length; i += 3) {
      const key = this.#key(
        Math.floor(this.points[i]! / cell),
        Math.floor(this.points[i + 1]! / cell),
        Math.floor(this.points[i + 2]! / cell),
      );
      const list = lists.get(key);
      if (list === undefined) lists.set(key, [i]);
      else list.push(i);
    }
    for (const [key, list] of lists) this.#cells.set(key, Uint32Array.from(list));
  }

  /**
   * Distance from the segment a-b to the nearest point closer than `within`; undefined when there is none.
   * @param box takes the distance to this box instead; it must lie so that points closer to it than `closerThan` are
   *   closer to the segment than `within`
   */
  nearest(
    a: ArrayLike<number>,
    b: ArrayLike<number>,
    within: Metres,
    box?: Box,
    closerThan: Metres = within,
  ): Metres | undefined {
    const size = this.#cell;
    const [ax, ay, az] = [a[0]!, a[1]!, a[2]!];
    const [bx, by, bz] = [b[0]!, b[1]!, b[2]!];
    const low = (p: number, q: number) => Math.floor((Math.min(p, q) - within) / size);
    const high = (p: number, q: number) => Math.floor((Math.max(p, q) + within) / size);
    // A cube whose centre is farther from the segment than this holds no point close enough.
    const skip = (within + (size * Math.sqrt(3)) / 2) ** 2;
    const widest = within * within;
    let best = closerThan * closerThan;
    let found = false;
    for (let x = low(ax, bx); x <= high(ax, bx); x++) {
      for (let y = low(ay, by); y <= high(ay, by); y++) {
        for (let z = low(az, bz); z <= high(az, bz); z++) {
          const centre = squaredToSegment(
            (x + 0.5) * size,
            (y + 0.5) * size,
            (z + 0.5) * size,
            ax,
            ay,
            az,
            bx,
            by,
            bz,
          );
          if (centre > skip) continue;
          const cell = this.#cells.get(this.#key(x, y, z));
          if (cell === undefined) continue;
          for (const i of cell) {
            const p = this.points;
            const square = squaredToSegment(p[i]!, p[i + 1]!, p[i + 2]!, ax, ay, az, bx, by, bz);
            if (square >= widest) continue;
            const exact = box === undefined ? square : squaredToBox(p[i]!, p[i + 1]!, p[i + 2]!, box);
            if (exact < best) {
              best = exact;
              found = true;
            }
          }
        }
      }
    }
    return found ? Math.sqrt(best) : undefined;
  }

  #key(x: number, y: number, z: number): number {
    return (
      ((x + maxCellsPerAxis / 2) * maxCellsPerAxis + y + maxCellsPerAxis / 2) * maxCellsPerAxis +
      z +
      maxCellsPerAxis / 2
    );
  }
}
