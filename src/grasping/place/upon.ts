import type { Metres } from "../../geometry/index.js";
import type { Footprint } from "./footprint.js";
import { middleOf } from "./next-to.js";
import { cellAt, placeOf } from "./surface.js";
import type { Candidate } from "./types.js";

/** Height above the support at which the fingers open. */
export const drop: Metres = 0.006;
/** Heights under what is put down may differ by this. */
const maxUneven: Metres = 0.01;
/** Least share of the footprint that is above the landmark; its middle always is. */
const minCovered = 0.55;
/** How much a share of the footprint that overhangs counts. */
const overhangCost = 2;

/**
 * Places on a landmark: where it is level under what is put down, and as near to its middle as that allows.
 * @param top heights of the landmark alone, NaN elsewhere
 * @param bottom how far what is held reaches below the tool
 */
export function uponPlaces(
  top: Float32Array,
  cells: readonly number[],
  footprints: readonly Footprint[],
  bottom: Metres,
): Candidate[] {
  const [mx, my] = middleOf(cells);
  const found: Candidate[] = [];
  for (const shape of footprints)
    for (const cell of cells) {
      // The middle of what is held comes over this cell.
      const [cx, cy] = placeOf(cell);
      const [x, y] = [cx - shape.middle[0], cy - shape.middle[1]];
      const under = shape.cells
        .map(([dx, dy]) => cellAt(x + dx, y + dy))
        .flatMap((each) => (each >= 0 && !Number.isNaN(top[each]!) ? top[each]! : []))
        .sort((a, b) => a - b);
      if (under.length < minCovered * shape.cells.length || under.length === 0) continue;
      const high = under[Math.trunc(0.9 * (under.length - 1))]!;
      const uneven = high - under[Math.trunc(0.1 * (under.length - 1))]!;
      if (uneven > maxUneven) continue;
      const off = Math.hypot(cx - mx, cy - my);
      found.push({
        position: [x, y, high + bottom + drop],
        turn: shape.turn,
        clearance: 0,
        score:
          overhangCost * (under.length / shape.cells.length) -
          30 * uneven -
          6 * off -
          0.1 * Math.abs(shape.turn),
      });
    }
  return found.sort((a, b) => b.score - a.score);
}
