import sharp from "sharp";
import type { Box } from "../../geometry/index.js";
import { invalid } from "./files.js";
import type { EvalLine } from "./types.js";

/** Annotations are rounded, and COCO's reach over the edge by a pixel. */
const tolerancePixels = 2;
/** Image headers read at once. */
const concurrency = 16;

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Checks each line's boxes against its image before any image is answered: only the image's header is read.
 * @throws GraspGroundingError DATASET_INVALID naming the line and the likely cause
 */
export async function checkBoxes(lines: readonly EvalLine[]): Promise<void> {
  const byImage = new Map<string, EvalLine[]>();
  for (const line of lines) {
    if (line.truth.boxes.length === 0) continue;
    const others = byImage.get(line.path);
    if (others === undefined) byImage.set(line.path, [line]);
    else others.push(line);
  }
  const images = [...byImage];
  for (let at = 0; at < images.length; at += concurrency)
    await Promise.all(images.slice(at, at + concurrency).map(([path, group]) => checkImage(path, group)));
}

async function checkImage(path: string, lines: readonly EvalLine[]): Promise<void> {
  // An image that is missing or unreadable is reported when it is opened.
  const metadata = await sharp(path)
    .metadata()
    .catch(() => undefined);
  const size = metadata?.autoOrient;
  for (const line of lines)
    for (const box of line.truth.boxes) {
      const problem = boxProblem(box, size, line.boxesAs);
      if (problem !== undefined) throw invalid(line.file, line.line, problem);
    }
}

/**
 * Why a box cannot be, with the likely cause; undefined for one that can.
 * @param size of the image, upright; undefined when it is not known
 * @param written how the data set's layout writes boxes
 */
export function boxProblem(
  box: Box,
  size: Size | undefined,
  written: "corners" | "x, y, width, height",
): string | undefined {
  const [x1, y1, x2, y2] = box;
  const given: Box = written === "corners" ? box : [x1, y1, x2 - x1, y2 - y1];
  const text = `the box ${given.map((value) => Number(value.toFixed(3))).join(", ")}`;
  if (!(x2 > x1 && y2 > y1)) {
    const cause = likelyCause(given, size, written);
    return `${text} ends before it begins${written === "corners" ? " (x1, y1, x2, y2)" : ""}${cause}`;
  }
  if (size === undefined) return undefined;
  if (Math.max(...box) <= 1 && Math.min(...box) >= 0 && Math.min(size.width, size.height) > tolerancePixels)
    return `${text} is smaller than a pixel: it looks like fractions of the image; write pixels`;
  if (isInside(box, size)) return undefined;
  return `${text} is outside the image of ${size.width}×${size.height}${likelyCause(given, size, written)}`;
}

const isInside = ([x1, y1, x2, y2]: Box, { width, height }: Size): boolean =>
  x1 >= -tolerancePixels &&
  y1 >= -tolerancePixels &&
  x2 <= width + tolerancePixels &&
  y2 <= height + tolerancePixels;

/** The other notation of a box in which these numbers fit the image. */
function likelyCause([a, b, c, d]: Box, size: Size | undefined, written: string): string {
  const fits = (x1: number, y1: number, x2: number, y2: number) =>
    x2 > x1 && y2 > y1 && (size === undefined || isInside([x1, y1, x2, y2], size));
  if (written !== "corners")
    return fits(a, b, c, d) ? ": it looks like corners; this layout has x, y, width, height" : "";
  if (c > 0 && d > 0 && fits(a, b, a + c, b + d))
    return ": it looks like COCO's x, y, width, height; write x, y, x + width, y + height";
  if (fits(b, a, d, c)) return ": it looks like y before x; write x1, y1, x2, y2";
  if (fits(Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)))
    return ": its corners are swapped; write the upper left one first";
  if (c > a && d > b && a >= 0 && b >= 0) return ": it looks like a box of an image of another size";
  return "";
}
