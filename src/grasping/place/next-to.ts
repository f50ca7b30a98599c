import type { Metres } from "../../geometry/index.js";
import type { Footprint } from "./footprint.js";
import { cellAt, distances, freeCells, placeOf, side } from "./surface.js";
import type { Candidate, PlaceRelation } from "./types.js";

/** Room that what is put down keeps to obstacles and to what was not seen. */
const clearance: Metres = 0.015;
/** Distance from the landmark that people would leave, and the largest that still is "next to". */
const gaps = { wanted: 0.035, largest: 0.12 };
/** Sideways over along: 0.85 is 40 degrees off the direction. */
const maxAside = 0.85;
/** Room beyond which more makes a place no better. */
const enough: Metres = 0.05;
/** What reaches this far above the tool's height obstructs a hand, which reaches this far to its sides. */
const hand = { above: 0.04, reach: 0.11, least: 0.035 };

/** Unit vectors of the table frame: x away from the camera, y to the viewer's left. */
const directions: Partial<Record<PlaceRelation, readonly [number, number]>> = {
  "left of": [0, 1],
  "right of": [0, -1],
  "in front of": [-1, 0],
  behind: [1, 0],
};

export interface NextToOptions {
  readonly relation: PlaceRelation;
  /** Cells of each landmark. */
  readonly landmarks: readonly (readonly number[])[];
  readonly footprints: readonly Footprint[];
  /** Height of the tool at the release. */
  readonly height: Metres;
}

/** Free places on the table next to landmarks, or anywhere; the best first. */
export function placesNextTo(
  top: Float32Array,
  { relation, landmarks, footprints, height }: NextToOptions,
): Candidate[] {
  const free = freeCells(top);
  const own = new Set(landmarks.flat());
  const room = distances((cell) => free[cell] === 0 || own.has(cell));
  const gapTo = landmarks.length === 0 ? undefined : distances((cell) => own.has(cell));
  const roomForHand = distances((cell) => top[cell]! > height + hand.above);
  const score = scorer(relation, landmarks.map(middleOf));
  const found: Candidate[] = [];
  for (const shape of footprints)
    for (let i = 0; i < side; i += 2)
      for (let j = 0; j < side; j += 2) {
        const [x, y] = placeOf(i * side + j);
        const aside = roomForHand[i * side + j]!;
        const least = leastOver(room, shape, x, y, clearance);
        if (least === undefined || aside < hand.least) continue;
        const gap = gapTo === undefined ? 0 : leastOver(gapTo, shape, x, y, 0);
        if (gap === undefined) continue;
        const value = score(x + shape.middle[0], y + shape.middle[1], gap);
        if (value === undefined) continue;
        const turned = Math.abs(shape.turn) * 0.1;
        const cramped = 12 * Math.max(0, hand.reach - aside);
        const total = value + 6 * Math.min(least, enough) - turned - cramped;
        found.push({ position: [x, y, height], turn: shape.turn, clearance: least, score: total });
      }
  return found.sort((a, b) => b.score - a.score);
}

/** Least value under a footprint; undefined below `least`, or beyond the grid. */
function leastOver(
  map: Float32Array,
  { cells }: Footprint,
  x: Metres,
  y: Metres,
  least: number,
): number | undefined {
  let lowest = Infinity;
  for (const [dx, dy] of cells) {
    const cell = cellAt(x + dx, y + dy);
    if (cell < 0 || map[cell]! < least) return undefined;
    lowest = Math.min(lowest, map[cell]!);
  }
  return lowest;
}

type Point = readonly [Metres, Metres];

/** Middle of the extent of cells. */
export function middleOf(cells: readonly number[]): Point {
  const places = cells.map(placeOf);
  const mid = (axis: 0 | 1) => {
    const values = places.map((place) => place[axis]);
    return (Math.min(...values) + Math.max(...values)) / 2;
  };
  return [mid(0), mid(1)];
}

/** How well a place fits a relation, about -2 to 0; undefined where it does not hold. */
function scorer(
  relation: PlaceRelation,
  middles: readonly Point[],
): (x: Metres, y: Metres, gap: Metres) => number | undefined {
  const [a, b] = middles;
  if (a === undefined) return (x, y) => -Math.hypot(x, y);
  const near = (gap: Metres) => (gap > gaps.largest ? undefined : -Math.abs(gap - gaps.wanted) / 0.08);
  if (relation === "between" && b !== undefined) {
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    const [ux, uy] = [(b[0] - a[0]) / length, (b[1] - a[1]) / length];
    return (x, y) => {
      const share = ((x - a[0]) * ux + (y - a[1]) * uy) / length;
      const off = Math.abs((x - a[0]) * uy - (y - a[1]) * ux) / length;
      return share < 0.2 || share > 0.8 || off > 0.35 ? undefined : -2 * Math.abs(share - 0.5) - 2 * off;
    };
  }
  const direction = directions[relation];
  if (direction === undefined) return (_x, _y, gap) => near(gap);
  return (x, y, gap) => {
    const along = (x - a[0]) * direction[0] + (y - a[1]) * direction[1];
    const aside = Math.abs((x - a[0]) * direction[1] - (y - a[1]) * direction[0]);
    const fit = near(gap);
    return fit === undefined || along <= 0 || aside > maxAside * along ? undefined : fit - aside / along;
  };
}
