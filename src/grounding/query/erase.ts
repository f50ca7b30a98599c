import type { Box, ColourImage, Mask, Pixels } from "../../geometry/index.js";
import { boxHeight, boxWidth, maskBox } from "../../geometry/index.js";

/** How far beyond its mask an object is erased, for its edge and shadow: share of its longer side, and at least. */
const margin = { share: 0.04, pixels: 5 };
/** How much of the surroundings the fill may come from: share of the object's longer side, and more pixels. */
const surroundings = { share: 0.35, pixels: 8 };

/** A level of the fill: colours, and how far each pixel is known, 0 to 1. */
interface Level {
  readonly width: Pixels;
  readonly height: Pixels;
  readonly rgb: Float32Array;
  readonly known: Float32Array;
}

/**
 * An image without an object: the object's pixels get the colours around them, smoothly. They are averaged to ever
 * coarser levels, and the unknown pixels of each level are filled from the next (pull-push).
 * @param mask of the image's size
 */
export function eraseObject(image: ColourImage, mask: Mask): ColourImage {
  const box = maskBox(mask);
  if (box === undefined) return image;
  const side = Math.max(boxWidth(box), boxHeight(box));
  const grow = Math.max(margin.pixels, Math.round(margin.share * side));
  const room = grow + Math.ceil(surroundings.share * side) + surroundings.pixels;
  const { width, height } = image;
  const left = Math.max(0, box[0] - room);
  const top = Math.max(0, box[1] - room);
  const region: Box = [left, top, Math.min(width, box[2] + room), Math.min(height, box[3] + room)];
  const gone = grown(mask, region, grow);
  const filled = fill(levelOf(image, region, gone));
  const data = image.data.slice();
  for (let i = 0; i < gone.length; i++) {
    if (gone[i] === 0) continue;
    const x = left + (i % filled.width);
    const y = top + Math.floor(i / filled.width);
    for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = Math.round(filled.rgb[i * 3 + c]!);
  }
  return { width, height, data };
}

/** A mask's part in a region, made larger by some pixels on every side. */
function grown({ width, data }: Mask, region: Box, by: Pixels): Uint8Array {
  const [w, h] = [boxWidth(region), boxHeight(region)];
  const across = new Uint8Array(w * h);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      if (data[(y + region[1]) * width + x + region[0]] === 1)
        across.fill(1, y * w + Math.max(0, x - by), y * w + Math.min(w, x + by + 1));
  const out = new Uint8Array(w * h);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      if (across[y * w + x] === 1)
        for (let v = Math.max(0, y - by); v < Math.min(h, y + by + 1); v++) out[v * w + x] = 1;
  return out;
}

function levelOf({ width, data }: ColourImage, region: Box, gone: Uint8Array): Level {
  const [w, h] = [boxWidth(region), boxHeight(region)];
  const level = { width: w, height: h, rgb: new Float32Array(w * h * 3), known: new Float32Array(w * h) };
  for (let i = 0; i < gone.length; i++) {
    if (gone[i] === 1) continue;
    level.known[i] = 1;
    const from = ((Math.floor(i / w) + region[1]) * width + (i % w) + region[0]) * 3;
    for (let c = 0; c < 3; c++) level.rgb[i * 3 + c] = data[from + c]!;
  }
  return level;
}

function fill(level: Level): Level {
  const levels = [level];
  for (let last = level; last.width > 1 || last.height > 1; ) {
    last = coarser(last);
    levels.push(last);
  }
  for (let i = levels.length - 2; i >= 0; i--) fillFrom(levels[i]!, levels[i + 1]!);
  return level;
}

/** Half the size: each pixel the mean of what is known of its four. */
function coarser({ width, height, rgb, known }: Level): Level {
  const [w, h] = [(width + 1) >> 1, (height + 1) >> 1];
  const out = { width: w, height: h, rgb: new Float32Array(w * h * 3), known: new Float32Array(w * h) };
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [from, to] = [y * width + x, (y >> 1) * w + (x >> 1)];
      const weight = known[from]!;
      out.known[to]! += weight;
      for (let c = 0; c < 3; c++) out.rgb[to * 3 + c]! += weight * rgb[from * 3 + c]!;
    }
  for (let i = 0; i < w * h; i++) {
    const weight = out.known[i]!;
    if (weight > 0) for (let c = 0; c < 3; c++) out.rgb[i * 3 + c]! /= weight;
    out.known[i] = Math.min(1, weight);
  }
  return out;
}

/** Fills the unknown pixels of a level from the next coarser one, between whose pixels it interpolates. */
function fillFrom(fine: Level, coarse: Level): void {
  const between = (at: number, size: number) => {
    const place = Math.max(0, Math.min(size - 1, (at - 0.5) / 2));
    const low = Math.floor(place);
    return { low, high: Math.min(size - 1, low + 1), share: place - low };
  };
  for (let y = 0; y < fine.height; y++) {
    const v = between(y, coarse.height);
    for (let x = 0; x < fine.width; x++) {
      const i = y * fine.width + x;
      const known = fine.known[i]!;
      if (known >= 1) continue;
      const u = between(x, coarse.width);
      for (let c = 0; c < 3; c++) {
        const at = (column: number, row: number) => coarse.rgb[(row * coarse.width + column) * 3 + c]!;
        const upper = at(u.low, v.low) * (1 - u.share) + at(u.high, v.low) * u.share;
        const lower = at(u.low, v.high) * (1 - u.share) + at(u.high, v.high) * u.share;
        const value = upper * (1 - v.share) + lower * v.share;
        fine.rgb[i * 3 + c] = known * fine.rgb[i * 3 + c]! + (1 - known) * value;
      }
      fine.known[i] = 1;
    }
  }
}
