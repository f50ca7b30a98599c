import { type Box, type ColourImage, cropColour, type Mask, type Pixels } from "../../geometry/index.js";
import { minImageSide } from "../../inference/index.js";
import type { Detection } from "../types.js";
import { instancesFromCandidates } from "./candidates.js";
import type { Decoded } from "./outputs.js";

/** What the whole image said of a query. */
export interface FirstLook extends Decoded {
  /** Candidates, best first; `score` is the mass of the place map on each, 0..1. */
  readonly detections: readonly Detection[];
}

export interface CloserLook {
  /** The candidates in their new order; `score` is the probability that each is what the query names, 0..1. */
  readonly detections: readonly Detection[];
  /** Probability that the object is in the image, 0..1. */
  readonly presence: number;
}

/** Candidates that are looked at again. */
export const closerCandidates = 4;
/** What is seen around a candidate, as a share of its box, on each side. */
const margin = 0.6;
/** Least width of a crop, as a share of the image's. */
const minCropShare = 0.12;
/** An instance of the crop replaces the candidate's mask when the two overlap by this much (IoU). */
const refineOverlap = 0.5;
const aspect = 4 / 3;

/**
 * Looks again at the best candidates, each cropped from the image at its own resolution with some of its surroundings. A crop
 * shows what an object is more plainly than the whole image does, and not where it is among others: both looks are weighed.
 * @param look what the model says of a crop and the query
 */
export async function lookCloser(
  image: ColourImage,
  first: FirstLook,
  look: (crop: ColourImage) => Promise<Decoded>,
): Promise<CloserLook> {
  const chosen = first.detections.slice(0, closerCandidates);
  const weighed: { readonly detection: Detection; readonly weight: number; readonly presence: number }[] = [];
  for (const detection of chosen) {
    const region = closeUp(detection.box, image);
    const crop = cropColour(image, region);
    const seen = await look(crop);
    weighed.push({
      detection: refined(detection, seen, region, image),
      weight: weigh(detection, seen, region),
      presence: seen.presence,
    });
  }
  weighed.sort((a, b) => b.weight - a.weight);
  const total = weighed.reduce((sum, { weight }) => sum + weight, 0);
  return {
    detections: weighed.map(({ detection, weight }) => ({
      ...detection,
      score: total > 0 ? weight / total : 0,
    })),
    presence: first.presence,
  };
}

/** A candidate's box with its surroundings, at the model's aspect where the image allows it; whole pixels. */
export function closeUp(box: Box, { width, height }: { width: Pixels; height: Pixels }): Box {
  const grown = 1 + 2 * margin;
  const w = Math.max(
    (box[2] - box[0]) * grown,
    (box[3] - box[1]) * grown * aspect,
    width * minCropShare,
    minImageSide,
  );
  const h = Math.max(w / aspect, minImageSide);
  const [cx, cy] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  return [
    Math.trunc(Math.max(0, cx - w / 2)),
    Math.trunc(Math.max(0, cy - h / 2)),
    Math.trunc(Math.min(width, cx + w / 2)),
    Math.trunc(Math.min(height, cy + h / 2)),
  ];
}

/** How much speaks for a candidate: its share of the first look's place map, and how hot it is in its crop. */
function weigh({ score, mask }: Detection, { heatmap, presence }: Decoded, region: Box): number {
  let sum = 0;
  let area = 0;
  forEachCell(heatmap, mask, region, (i, inside) => {
    if (!inside) return;
    sum += heatmap.data[i]!;
    area++;
  });
  const heat = area > 0 ? sum / area : 0;
  return Math.max(score, 1e-4) * Math.sqrt(Math.max(heat * presence, 1e-4));
}

/** The candidate as the crop's finer instances draw it, where one of them is the same object. */
function refined(detection: Detection, seen: Decoded, region: Box, image: ColourImage): Detection {
  if (seen.candidates === undefined) return detection;
  const size = { width: region[2] - region[0], height: region[3] - region[1] };
  let best: { readonly overlap: number; readonly instance: Detection } | undefined;
  for (const instance of instancesFromCandidates(seen.candidates, size, {
    relativeMass: 0,
    maxOverlap: 0.9,
  })) {
    const overlap = overlapInRegion(detection.mask, instance.mask, region);
    if (overlap > (best?.overlap ?? refineOverlap)) best = { overlap, instance };
  }
  if (best === undefined) return detection;
  const { box, mask } = best.instance;
  const data = new Uint8Array(image.width * image.height);
  for (let row = 0; row < size.height; row++) {
    const from = row * size.width;
    data.set(mask.data.subarray(from, from + size.width), (row + region[1]) * image.width + region[0]);
  }
  return {
    ...detection,
    box: [box[0] + region[0], box[1] + region[1], box[2] + region[0], box[3] + region[1]],
    mask: { width: image.width, height: image.height, data },
  };
}

/** IoU of a mask of the image and a mask of a region of it. */
function overlapInRegion(whole: Mask, part: Mask, region: Box): number {
  let both = 0;
  let either = 0;
  for (let row = 0; row < part.height; row++)
    for (let column = 0; column < part.width; column++) {
      const a = whole.data[(row + region[1]) * whole.width + column + region[0]]!;
      const b = part.data[row * part.width + column]!;
      both += a & b;
      either += a | b;
    }
  return either > 0 ? both / either : 0;
}

/** Visits the cells of a crop's map, and whether the middle of each lies on a mask of the image. */
function forEachCell(
  { width, height }: { readonly width: number; readonly height: number },
  mask: Mask,
  [x1, y1, x2, y2]: Box,
  visit: (cell: number, inside: boolean) => void,
): void {
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const x = Math.min(mask.width - 1, Math.trunc(x1 + ((column + 0.5) / width) * (x2 - x1)));
      const y = Math.min(mask.height - 1, Math.trunc(y1 + ((row + 0.5) / height) * (y2 - y1)));
      visit(row * width + column, mask.data[y * mask.width + x] === 1);
    }
}
