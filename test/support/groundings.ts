import { createHash } from "node:crypto";
import type { Grounding } from "../../src/grounding/index.js";

const hashOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  createHash("sha256")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");

/**
 * An answer without what differs from run to run, its heat map and masks by their hashes: to compare hundreds of
 * thousands of numbers one by one takes minutes.
 */
export const digestOf = ({ timings, steps, backend, heatmap, detections, ...rest }: Grounding) => ({
  ...rest,
  heatmap: { ...heatmap, data: hashOf(heatmap.data) },
  detections: detections.map(({ mask, ...each }) => ({
    ...each,
    mask: { ...mask, data: hashOf(mask.data) },
  })),
});
