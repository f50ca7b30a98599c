/** Where red sits in the 2×2 cell, as the encoding names it: row and column of the red pixel. */
export const bayerPatterns: Readonly<Record<string, readonly [row: 0 | 1, column: 0 | 1]>> = {
  bayer_rggb8: [0, 0],
  bayer_grbg8: [0, 1],
  bayer_gbrg8: [1, 0],
  bayer_bggr8: [1, 1],
};

/**
 * Bilinear demosaic: what a pixel lacks is the rounded mean of its two or four nearest neighbours of that colour.
 * The borders are mirrored (about the outermost pixel, which keeps the pattern).
 * @param raw height × width bytes, at least 2 × 2.
 * @returns height × width × 3, R, G, B.
 */
export function demosaic(
  raw: Uint8Array,
  width: number,
  height: number,
  red: readonly [row: 0 | 1, column: 0 | 1],
): Uint8Array {
  const out = new Uint8Array(width * height * 3);
  const [redRow, redColumn] = red;
  for (let y = 0; y < height; y++) {
    const here = y * width;
    const above = (y === 0 ? 1 : y - 1) * width;
    const below = (y === height - 1 ? height - 2 : y + 1) * width;
    const onRedRow = (y & 1) === redRow;
    // In a red row the row's own colour is red (offset 0) and the other is blue (2); in a blue row the reverse.
    const own = onRedRow ? 0 : 2;
    const other = 2 - own;
    const ownColumn = onRedRow ? redColumn : 1 - redColumn;
    let o = here * 3;
    for (let x = 0; x < width; x++, o += 3) {
      const left = x === 0 ? 1 : x - 1;
      const right = x === width - 1 ? width - 2 : x + 1;
      const centre = raw[here + x]!;
      const across = raw[here + left]! + raw[here + right]!;
      const down = raw[above + x]! + raw[below + x]!;
      if ((x & 1) === ownColumn) {
        const corners = raw[above + left]! + raw[above + right]! + raw[below + left]! + raw[below + right]!;
        out[o + own] = centre;
        out[o + 1] = (across + down + 2) >> 2;
        out[o + other] = (corners + 2) >> 2;
      } else {
        out[o + own] = (across + 1) >> 1;
        out[o + 1] = centre;
        out[o + other] = (down + 1) >> 1;
      }
    }
  }
  return out;
}
