import type { Box } from "../geometry/index.js";

/**
 * The look of everything that is drawn over an image, in one place: command line, ROS, reports and console. Pure,
 * without
 * imports at run time, so that the console's page can use it too.
 */

/** A colour as R, G, B, 0..255. */
export type Colour = readonly [number, number, number];

/** Okabe and Ito's palette, which also the colour-blind tell apart, in an order that contrasts with common objects. */
export const palette: readonly Colour[] = [
  [86, 180, 233],
  [230, 159, 0],
  [204, 121, 167],
  [0, 158, 115],
  [240, 228, 66],
  [213, 94, 0],
];

export const paletteSize = palette.length;

/** The colour of an answer; it keeps its number as long as it is shown. */
export const colourAt = (index: number): Colour => palette[index % palette.length] as Colour;

export const cssColour = ([r, g, b]: Colour): string => `rgb(${r} ${g} ${b})`;

/** Background and text of a label, and of the dark line that sets a coloured one off from any image. */
export const labelBackground: Colour = [12, 17, 21];
export const labelText: Colour = [255, 255, 255];
export const haloOpacity = 0.55;

/** Line widths and text sizes in pixels of an image `width` pixels wide. */
export function metricsFor(width: number) {
  const line = Math.max(1.25, width / 380);
  return {
    /** Box of the chosen candidate. */
    line,
    /** Box of another candidate. */
    thinLine: line * 0.7,
    /** Dark line below a coloured one. */
    halo: line * 2,
    /** The gripper is drawn in white. */
    gripper: line * 1.8,
    gripperHalo: line * 3.4,
    font: Math.max(10, Math.round(width / 48)),
  } as const;
}

/** Radius of the glow inside a mask's edge, in pixels, and opacities of outline and glow at the edge. */
const glowRadius = (width: number) => Math.max(3, Math.round(width / 100));
const outlineOpacity = 0.95;
const glowOpacity = 0.34;

interface MaskBits {
  readonly width: number;
  readonly height: number;
  /** Non-zero inside, row by row. */
  readonly data: ArrayLike<number>;
}

/**
 * Draws a mask's outline and a faint glow inside its edge onto an RGBA layer of the same size. The inside stays
 * clear, so
 * that the object keeps its own colour.
 * @param rgba width × height × 4, R, G, B, A, not premultiplied
 */
export function paintMaskEdge(rgba: Uint8Array | Uint8ClampedArray, mask: MaskBits, colour: Colour): void {
  const { width, data } = mask;
  const area = boundsOf(mask);
  if (area === undefined) return;
  const radius = glowRadius(width);
  const outline = Math.max(1, width / 640);
  const [x1, y1, x2, y2] = area;
  const columns = x2 - x1 + 3;
  const rows = y2 - y1 + 3;
  // Distance to the nearest pixel outside, up to the radius; the frame of the window is outside.
  const distance = new Float32Array(columns * rows);
  const far = radius + outline + 1;
  for (let y = 1; y < rows - 1; y++)
    for (let x = 1; x < columns - 1; x++)
      if (data[(y + y1 - 1) * width + x + x1 - 1]) distance[y * columns + x] = far;
  relax(distance, columns, rows, 1);
  relax(distance, columns, rows, -1);
  for (let y = 1; y < rows - 1; y++) {
    for (let x = 1; x < columns - 1; x++) {
      const d = distance[y * columns + x] as number;
      if (d === 0 || d >= far) continue;
      const alpha =
        d <= outline ? outlineOpacity : glowOpacity * Math.max(0, 1 - (d - outline) / radius) ** 1.6;
      if (alpha > 0.01) over(rgba, ((y + y1 - 1) * width + x + x1 - 1) * 4, colour, alpha);
    }
  }
}

/** One pass of a chamfer distance transform, forwards or backwards. */
function relax(distance: Float32Array, columns: number, rows: number, direction: 1 | -1): void {
  const diagonal = Math.SQRT2;
  const [from, to] = direction === 1 ? [1, rows - 1] : [rows - 2, 0];
  for (let y = from as number; y !== to; y += direction) {
    for (let k = 1; k < columns - 1; k++) {
      const x = direction === 1 ? k : columns - 1 - k;
      const i = y * columns + x;
      if (distance[i] === 0) continue;
      const row = i - direction * columns;
      distance[i] = Math.min(
        distance[i] as number,
        (distance[i - direction] as number) + 1,
        (distance[row] as number) + 1,
        (distance[row - 1] as number) + diagonal,
        (distance[row + 1] as number) + diagonal,
      );
    }
  }
}

function boundsOf({ width, height, data }: MaskBits): readonly [number, number, number, number] | undefined {
  let [x1, y1, x2, y2] = [width, height, -1, -1];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (!data[i]) continue;
      if (x < x1) x1 = x;
      if (x > x2) x2 = x;
      if (y < y1) y1 = y;
      y2 = y;
    }
  }
  return x2 < 0 ? undefined : [x1, y1, x2, y2];
}

/** Puts a colour over what a pixel has. */
function over(rgba: Uint8Array | Uint8ClampedArray, at: number, colour: Colour, alpha: number): void {
  const below = (rgba[at + 3] as number) / 255;
  const sum = alpha + below * (1 - alpha);
  for (let c = 0; c < 3; c++)
    rgba[at + c] = Math.round(
      ((colour[c] as number) * alpha + (rgba[at + c] as number) * below * (1 - alpha)) / sum,
    );
  rgba[at + 3] = Math.round(sum * 255);
}

export interface LabelSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Places for labels so that none overlaps another or leaves the image: at a corner of its box, else in the nearest free
 * row. A label that fits nowhere has no place.
 * @param boxes what each label belongs to, in pixels; undefined for one without a box
 * @returns upper left corners, in the order of the labels
 */
export function placeLabels(
  boxes: readonly (Box | undefined)[],
  sizes: readonly LabelSize[],
  image: LabelSize,
): readonly ({ readonly x: number; readonly y: number } | undefined)[] {
  const taken: Box[] = [];
  return sizes.map((size, i) => {
    if (size.width > image.width || size.height > image.height) return undefined;
    const box = boxes[i];
    const others = boxes.filter((other, k) => other !== undefined && k !== i) as Box[];
    let best: { x: number; y: number; cost: number } | undefined;
    for (const [k, [left, top]] of [...spots(box, size, image)].entries()) {
      const x = Math.round(Math.min(Math.max(0, left), image.width - size.width));
      const y = Math.round(Math.min(Math.max(0, top), image.height - size.height));
      const place: Box = [x, y, x + size.width, y + size.height];
      if (taken.some((each) => overlap(each, place) > 0)) continue;
      // A label over another object's box is legible, but misleads.
      const cost = k + 12 * others.filter((each) => overlap(each, place) > 0).length;
      if (best === undefined || cost < best.cost) best = { x, y, cost };
    }
    if (best === undefined) return undefined;
    taken.push([best.x, best.y, best.x + size.width, best.y + size.height]);
    return { x: best.x, y: best.y };
  });
}

/** Upper left corners to try, the best first. */
function* spots(
  box: Box | undefined,
  { width, height }: LabelSize,
  image: LabelSize,
): Generator<readonly [number, number]> {
  const [x1, y1, x2, y2] = box ?? [0, image.height, 0, image.height];
  yield [x1, y1 - height];
  yield [x2 - width, y1 - height];
  yield [x1, y2];
  yield [x2 - width, y2];
  yield [x1, y1];
  yield [x2, y1];
  yield [x1 - width, y1];
  for (let step = 1; step * height < image.height; step++) {
    yield [x1, y1 - (step + 1) * height];
    yield [x1, y1 + (step - 1) * height];
    yield [x2 - width, y1 + (step - 1) * height];
  }
}

function overlap(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return width > 0 && height > 0 ? width * height : 0;
}

/** A text cut to at most `most` characters, with an ellipsis where something is missing. */
export const clamped = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, Math.max(1, most - 1)).trimEnd()}…` : text;
