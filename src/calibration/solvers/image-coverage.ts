import type { Sighting } from "../types.js";

const columns = 8;
const rows = 6;

function cells(sightings: readonly Sighting[]): Set<number> {
  const seen = new Set<number>();
  for (const { pixels, width, height } of sightings)
    for (let i = 0; i < pixels.length; i += 2) {
      const c = Math.min(columns - 1, Math.floor((pixels[i]! / width) * columns));
      const r = Math.min(rows - 1, Math.floor((pixels[i + 1]! / height) * rows));
      seen.add(r * columns + c);
    }
  return seen;
}

/** Share of the image, in a grid of 8 × 6 cells, that holds a corner. */
export const coverageOf = (sightings: readonly Sighting[]): number =>
  cells(sightings).size / (columns * rows);

/** Which edges of the image hold few corners, in words. */
export function emptyPlaces(sightings: readonly Sighting[]): string {
  const seen = cells(sightings);
  const share = (test: (c: number, r: number) => boolean) => {
    let [all, empty] = [0, 0];
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++)
        if (test(c, r)) {
          all++;
          if (!seen.has(r * columns + c)) empty++;
        }
    return empty / all;
  };
  const sides = [
    ["the left edge", share((c) => c < 2)],
    ["the right edge", share((c) => c >= columns - 2)],
    ["the top", share((_, r) => r < 2)],
    ["the bottom", share((_, r) => r >= rows - 2)],
  ] as const;
  const missing = sides.filter(([, empty]) => empty > 0.4).map(([name]) => name);
  return missing.length === 0 ? "the empty parts" : missing.join(", ");
}
