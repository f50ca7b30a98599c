import { boxIou, type Mask, maskBox } from "../../geometry/index.js";
import type { Detection, Heatmap } from "../types.js";

/** A mask that the refiner offers, at its own resolution. */
export interface Offered {
  /** 1 where the mask is; covers the whole image. */
  readonly mask: Mask;
  /** The refiner's own estimate of the mask's overlap with the object. */
  readonly quality: number;
}

/** Below this agreement, no offered mask is of the detection's object. */
const minAgreement = 0.3;
/** How little a bad estimate of its own counts against a mask. */
const minQuality = 0.25;

/**
 * Which of the offered masks is the detection's object: the one that agrees best with the heat on it, weighed with the
 * refiner's own estimate. Undefined where none agrees.
 */
export function chooseMask(
  offered: readonly Offered[],
  detection: Detection,
  heatmap: Heatmap,
): number | undefined {
  let best: { readonly index: number; readonly worth: number } | undefined;
  for (const [index, { mask, quality }] of offered.entries()) {
    const agreement = agreementOf(mask, detection, heatmap);
    if (!(agreement >= minAgreement)) continue;
    const worth = agreement * Math.min(1, Math.max(minQuality, quality));
    if (best === undefined || worth > best.worth) best = { index, worth };
  }
  return best?.index;
}

/**
 * 0..1. With a heat map: overlap of the mask with the heat on the detection, Σ min / Σ max. With a mask from depth: its
 * overlap with that. With nothing but a box: the overlap of the boxes.
 */
export function agreementOf(mask: Mask, detection: Detection, heatmap: Heatmap): number {
  const sx = detection.mask.width / mask.width;
  const sy = detection.mask.height / mask.height;
  if (heatmap.fromBoxes === true && detection.maskSource === "box") {
    const box = maskBox(mask);
    if (box === undefined) return 0;
    return boxIou([box[0] * sx, box[1] * sy, box[2] * sx, box[3] * sy], detection.box);
  }
  const hx = heatmap.width / mask.width;
  const hy = heatmap.height / mask.height;
  let common = 0;
  let either = 0;
  for (let y = 0, i = 0; y < mask.height; y++) {
    const row = Math.floor((y + 0.5) * sy) * detection.mask.width;
    const heatRow = Math.floor((y + 0.5) * hy) * heatmap.width;
    for (let x = 0; x < mask.width; x++, i++) {
      const own = detection.mask.data[row + Math.floor((x + 0.5) * sx)] === 1;
      const heat = heatmap.fromBoxes === true ? 1 : (heatmap.data[heatRow + Math.floor((x + 0.5) * hx)] ?? 0);
      const seen = own ? heat : 0;
      const drawn = mask.data[i] === 1 ? 1 : 0;
      common += Math.min(seen, drawn);
      either += Math.max(seen, drawn);
    }
  }
  return either > 0 ? common / either : 0;
}
