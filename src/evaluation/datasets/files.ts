import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { Mask } from "../../geometry/index.js";
import { readText } from "../../system/index.js";

export const invalid = (path: string, line: number, detail: string, cause?: unknown): GraspGroundingError =>
  new GraspGroundingError("DATASET_INVALID", { path, line, detail }, cause === undefined ? {} : { cause });

/** @throws GraspGroundingError FILE_MISSING, DATASET_INVALID */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(path, 1, describe(cause), cause);
  }
}

/**
 * The first folder, from `start` upwards, below which `relative` is there; data sets name files from different
 * roots.
 */
export function rootOf(start: string, relative: string): string | undefined {
  let folder = start;
  for (let up = 0; up < 6; up++) {
    if (existsSync(join(folder, relative))) return folder;
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
  return undefined;
}

/** A mask from an image: pixels that are `value`, or without one those that are not black. */
export async function maskFromImage(path: string, value?: number): Promise<Mask> {
  try {
    // Instance numbers may be 16 bit: they must not be scaled to 8.
    const wide = (await sharp(path).metadata()).depth === "ushort";
    const grey = sharp(path).toColourspace(wide ? "grey16" : "b-w");
    const { data, info } = await grey
      .raw({ depth: wide ? "ushort" : "uchar" })
      .toBuffer({ resolveWithObject: true });
    const pixels = wide ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data;
    const { width, height, channels } = info;
    const mask = new Uint8Array(width * height);
    for (let i = 0; i < mask.length; i++) {
      const pixel = pixels[i * channels] as number;
      mask[i] = (value === undefined ? pixel > 0 : pixel === value) ? 1 : 0;
    }
    return { width, height, data: mask };
  } catch (cause) {
    throw new GraspGroundingError("IMAGE_UNREADABLE", { path, detail: describe(cause) }, { cause });
  }
}

/** A mask from COCO's polygons, each a list of x, y. */
export async function maskFromPolygons(
  polygons: readonly (readonly number[])[],
  width: number,
  height: number,
): Promise<Mask> {
  const paths = polygons.map((points) => {
    const pairs = Array.from(
      { length: points.length >> 1 },
      (_, i) => `${points[2 * i]} ${points[2 * i + 1]}`,
    );
    return `M${pairs.join("L")}Z`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%"/><path d="${paths.join("")}" fill="#fff"/></svg>`;
  const { data, info } = await sharp(Buffer.from(svg))
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const mask = new Uint8Array(width * height);
  for (let i = 0; i < mask.length; i++) mask[i] = (data[i * info.channels] as number) >= 128 ? 1 : 0;
  return { width, height, data: mask };
}
