import { boxArea, type Mask, maskArea, maskFromBox, type RgbdFrame } from "../../geometry/index.js";
import { clustersOnTable } from "../proposals/clusters.js";
import type { Proposal } from "../proposals/types.js";
import type { Detection } from "../types.js";
import type { ScoredBox } from "./types.js";

/** Share of a cluster of the depth image that lies in a box from which it belongs to the box's object. */
const minInside = 0.6;
/** Share of a box that its clusters must fill; below it the depth says too little of the object. */
const minFilled = 0.15;

/**
 * Masks for boxes. With depth, the mask is what stands on the table inside the box; without depth, or where nothing
 * stands out there, it is the whole box.
 */
export function detectionsOfBoxes(
  frame: Pick<RgbdFrame, "colour" | "depth" | "camera">,
  boxes: readonly ScoredBox[],
): readonly Detection[] {
  const { width, height } = frame.colour;
  const clusters = boxes.length === 0 ? [] : clustersOf(frame);
  return boxes.map(({ box, score }) => {
    const whole = maskFromBox(width, height, box);
    const standing = clusters.filter((cluster) => shareInside(cluster, whole) >= minInside);
    const cut = uniteInside(whole, standing);
    if (cut !== undefined && maskArea(cut) >= minFilled * boxArea(box))
      return { box, score, mask: cut, maskSource: "depth" };
    return { box, score, mask: whole, maskSource: "box" };
  });
}

/** A depth image without a usable table has no clusters, and boxes stay boxes. */
function clustersOf(frame: Pick<RgbdFrame, "colour" | "depth" | "camera">): readonly Proposal[] {
  const { colour, depth, camera } = frame;
  if (depth === undefined || camera === undefined) return [];
  if (depth.width !== colour.width || depth.height !== colour.height) return [];
  try {
    return clustersOnTable({ stamp: 0n, frameId: "", colour, depth, camera });
  } catch {
    return [];
  }
}

function shareInside({ mask }: Proposal, whole: Mask): number {
  if (mask === undefined) return 0;
  let inside = 0;
  for (let i = 0; i < whole.data.length; i++) if (mask.data[i] === 1 && whole.data[i] === 1) inside++;
  return inside / Math.max(1, maskArea(mask));
}

function uniteInside(whole: Mask, clusters: readonly Proposal[]): Mask | undefined {
  if (clusters.length === 0) return undefined;
  const data = new Uint8Array(whole.data.length);
  for (const { mask } of clusters)
    for (let i = 0; i < data.length; i++) if (mask?.data[i] === 1 && whole.data[i] === 1) data[i] = 1;
  return { width: whole.width, height: whole.height, data };
}
