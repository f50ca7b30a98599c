import { type Metres, type Points, selectPoints, voxelRepresentatives } from "../geometry/index.js";
import { squaredToSegment } from "./capsule.js";

const SPAN = 4096;

/** Points sorted into cubes, for the question which of them lie close to a segment. */
export class PointGrid {
  readonly points: Points;
  readonly #cell: Metres;
  readonly #cells = new Map<number, Uint32Array>();

  /** @param voxel one point is kept for each cube of this edge length; points that are NaN are left out */
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

  /** Distance from the segment a-b to the nearest point closer than `within`; undefined when there is none. */
  nearest(a: ArrayLike<number>, b: ArrayLike<number>, within: Metres): Metres | undefined {
    const size = this.#cell;
    const [ax, ay, az] = [a[0]!, a[1]!, a[2]!];
    const [bx, by, bz] = [b[0]!, b[1]!, b[2]!];
    const low = (p: number, q: number) => Math.floor((Math.min(p, q) - within) / size);
    const high = (p: number, q: number) => Math.floor((Math.max(p, q) + within) / size);
    // A cube farther from the segment than this, centre to segment, holds no point of interest.
    const skip = (within + (size * Math.sqrt(3)) / 2) ** 2;
    let best = within * within;
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
            if (square < best) {
              best = square;
              found = true;
            }
          }
        }
      }
    }
    return found ? Math.sqrt(best) : undefined;
  }

  #key(x: number, y: number, z: number): number {
    return ((x + SPAN / 2) * SPAN + y + SPAN / 2) * SPAN + z + SPAN / 2;
  }
}
