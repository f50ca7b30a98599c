import { type Box, boxCentre, boxHeight, boxWidth, type Mask, type Pixels } from "../../geometry/index.js";
import type { Detection, Heatmap } from "../types.js";

/** What SAM is asked: a box, and points that lie on the object or next to it; in pixels of the image. */
export interface Prompt {
  readonly box: Box;
  readonly points: readonly { readonly x: Pixels; readonly y: Pixels; readonly inside: boolean }[];
}

/** Distance of the outer points from the box, as a share of its sides. */
const margin = 0.1;

/**
 * The prompt for one detection: its box, and the peak of the heat map on its mask (without a heat map, the pixel of the
 * mask that is nearest to its centre).
 * @param withOuter also points next to the box, for a model that takes no boxes
 */
export function promptOf(
  { box, mask }: Pick<Detection, "box" | "mask">,
  heatmap: Heatmap,
  withOuter: boolean,
): Prompt {
  const [x, y] = heatmap.fromBoxes === true ? nearestToCentre(mask, box) : peakOn(mask, box, heatmap);
  const points = [{ x, y, inside: true }];
  return { box, points: withOuter ? [...points, ...outerPoints(box, mask)] : points };
}

/** The hottest pixel of the mask; of equal ones, the nearest to the box's centre. */
function peakOn(mask: Mask, box: Box, heatmap: Heatmap): readonly [Pixels, Pixels] {
  const sx = heatmap.width / mask.width;
  const sy = heatmap.height / mask.height;
  const heat = (x: number, y: number) =>
    heatmap.data[Math.floor((y + 0.5) * sy) * heatmap.width + Math.floor((x + 0.5) * sx)] ?? 0;
  return bestOn(mask, box, heat);
}

const nearestToCentre = (mask: Mask, box: Box): readonly [Pixels, Pixels] => bestOn(mask, box, () => 0);

function bestOn(mask: Mask, box: Box, value: (x: number, y: number) => number): readonly [Pixels, Pixels] {
  const [cx, cy] = boxCentre(box);
  let best: readonly [number, number] = [cx, cy];
  let most = Number.NEGATIVE_INFINITY;
  let nearest = Number.POSITIVE_INFINITY;
  const [x1, y1] = [Math.max(0, Math.floor(box[0])), Math.max(0, Math.floor(box[1]))];
  const [x2, y2] = [Math.min(mask.width, Math.ceil(box[2])), Math.min(mask.height, Math.ceil(box[3]))];
  for (let y = y1; y < y2; y++)
    for (let x = x1; x < x2; x++) {
      if (mask.data[y * mask.width + x] !== 1) continue;
      const here = value(x, y);
      const distance = (x + 0.5 - cx) ** 2 + (y + 0.5 - cy) ** 2;
      if (here < most || (here === most && distance >= nearest)) continue;
      [best, most, nearest] = [[x, y], here, distance];
    }
  return best;
}

/** Points outside the middle of each side of the box, where the image goes on there. */
function outerPoints(box: Box, image: { readonly width: Pixels; readonly height: Pixels }) {
  const [cx, cy] = boxCentre(box);
  const dx = Math.max(2, margin * boxWidth(box));
  const dy = Math.max(2, margin * boxHeight(box));
  return [
    { x: box[0] - dx, y: cy, inside: false },
    { x: box[2] + dx, y: cy, inside: false },
    { x: cx, y: box[1] - dy, inside: false },
    { x: cx, y: box[3] + dy, inside: false },
  ].filter(({ x, y }) => x >= 0 && y >= 0 && x < image.width && y < image.height);
}
