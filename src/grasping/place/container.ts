import type { Metres } from "../../geometry/index.js";
import type { Footprint } from "./footprint.js";
import { placeOf } from "./surface.js";
import type { Candidate } from "./types.js";
import { drop } from "./upon.js";

/** A vessel seen from above: where its opening is, and how deep it is. */
export interface Container {
  readonly middle: readonly [Metres, Metres];
  /** Half of the opening's extent along x and y, walls not included. */
  readonly half: readonly [Metres, Metres];
  readonly rim: Metres;
  readonly floor: Metres;
}

/** The rim's height is that of the highest share of its cells; within this of it is rim. */
const rimShare = 0.95;
const rimBand: Metres = 0.014;
/** Wall that the opening is narrower by, on each side. */
const wall: Metres = 0.007;
/** Shallower than this holds nothing in it. */
const minDepth: Metres = 0.015;
/** Room to the wall from which what is held is lowered into the opening; with less it is let go above the rim. */
const minRoom: Metres = 0.006;
/** Share of the opening in which the floor is looked for. */
const floorShare = 0.55;

/**
 * The opening of a landmark; undefined where its middle is no deeper than its rim.
 * @param top heights of the landmark alone, NaN elsewhere
 */
export function readContainer(top: Float32Array, cells: readonly number[]): Container | undefined {
  const sorted = cells.map((cell) => top[cell]!).sort((a, b) => a - b);
  const rim = sorted[Math.trunc(rimShare * (sorted.length - 1))];
  if (rim === undefined) return undefined;
  let [x1, x2, y1, y2] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const cell of cells) {
    if (top[cell]! < rim - rimBand) continue;
    const [x, y] = placeOf(cell);
    [x1, x2, y1, y2] = [Math.min(x1, x), Math.max(x2, x), Math.min(y1, y), Math.max(y2, y)];
  }
  const middle = [(x1 + x2) / 2, (y1 + y2) / 2] as const;
  const half = [(x2 - x1) / 2 - wall, (y2 - y1) / 2 - wall] as const;
  if (half[0] <= 0 || half[1] <= 0) return undefined;
  const inner = cells
    .filter((cell) => {
      const [x, y] = placeOf(cell);
      return Math.hypot((x - middle[0]) / half[0], (y - middle[1]) / half[1]) < floorShare;
    })
    .map((cell) => top[cell]!)
    .sort((a, b) => a - b);
  // The camera sees the far wall before it sees the floor: the deepest cells count.
  const floor = inner[Math.trunc(0.15 * (inner.length - 1))];
  return floor === undefined || rim - floor < minDepth
    ? undefined
    : { middle, half, rim, floor: Math.max(0, floor) };
}

/**
 * Places in a container: on its floor where what is held fits and the fingers have room, else higher. What is longer
 * than the opening, and narrower, is let go above the rim and leans.
 */
export function insidePlaces(
  { middle, half, rim, floor }: Container,
  footprints: readonly Footprint[],
  bottom: Metres,
): Candidate[] {
  const found: Candidate[] = [];
  for (const shape of footprints) {
    const size = Math.max(
      ...shape.cells.map(([x, y]) =>
        Math.hypot((x - shape.middle[0]) / half[0], (y - shape.middle[1]) / half[1]),
      ),
    );
    const fits = size <= 1;
    if (!fits && Math.min(...shape.half) > Math.min(...half)) continue;
    const lift = [floor + drop, (floor + rim) / 2, rim - 0.01, rim + drop];
    // A wall that is touched while it is lowered would be pushed.
    const isTight = (1 - size) * Math.min(...half) < minRoom;
    for (const [rank, height] of (isTight ? lift.slice(-1) : lift).entries())
      found.push({
        position: [middle[0] - shape.middle[0], middle[1] - shape.middle[1], height + bottom],
        turn: shape.turn,
        clearance: Math.max(0, (1 - size) * Math.min(...half)),
        score: (fits ? 1 : 0) - size - 0.5 * rank - 0.1 * Math.abs(shape.turn),
      });
  }
  return found.sort((a, b) => b.score - a.score);
}

/** Cells in which a landmark was seen. */
export const cellsOf = (top: Float32Array): number[] =>
  Array.from(top.keys()).filter((cell) => !Number.isNaN(top[cell]!));
