import { type Mask, maskFromBox } from "../../geometry/index.js";
import type { Detection, Heatmap } from "../index.js";
import type { Proposal } from "./types.js";

export interface PickOptions {
  /** Heat below this counts as none, because the model is nowhere exactly zero. Default 0.1. */
  readonly floor?: number;
  /** Proposals below this score are dropped. Default 0.25. */
  readonly minScore?: number;
  /** Proposals below this share of the best one's score are dropped. Default 0.6. */
  readonly relativeScore?: number;
}

/**
 * Chooses among proposals by the heat map. A proposal's score is the harmonic mean of the share of all heat that lies
 * inside it (a part of the object holds too little) and the share of it that is hot (a box around the whole table holds
 * too much that is cold). Best first.
 */
export function pickProposals(
  heatmap: Heatmap,
  proposals: readonly Proposal[],
  image: { readonly width: number; readonly height: number },
  options: PickOptions = {},
): readonly Detection[] {
  const floor = options.floor ?? 0.1;
  const heat = heatmap.data.map((p) => (p < floor ? 0 : p));
  const total = heat.reduce((sum, p) => sum + p, 0);
  if (!(total > 0)) return [];
  const scored = proposals
    .map((proposal) => {
      const mask = proposal.mask ?? maskFromBox(image.width, image.height, proposal.box);
      const { inside, area } = heatInside(heat, heatmap, mask);
      const caught = inside / total;
      const hot = area > 0 ? inside / area : 0;
      const score = caught + hot > 0 ? (2 * caught * hot) / (caught + hot) : 0;
      return { box: proposal.box, mask, score: Math.min(1, score) };
    })
    .sort((a, b) => b.score - a.score);
  const best = scored[0]?.score ?? 0;
  const least = Math.max(options.minScore ?? 0.25, best * (options.relativeScore ?? 0.6));
  return scored.filter(({ score }) => score >= least);
}

/** Heat and heat-map pixels under a mask of the image's size. */
function heatInside(heat: Float32Array, { width, height }: Heatmap, mask: Mask) {
  let inside = 0;
  let area = 0;
  for (let y = 0; y < height; y++) {
    const row = Math.min(mask.height - 1, Math.trunc(((y + 0.5) * mask.height) / height)) * mask.width;
    for (let x = 0; x < width; x++) {
      const column = Math.min(mask.width - 1, Math.trunc(((x + 0.5) * mask.width) / width));
      if (mask.data[row + column] === 0) continue;
      inside += heat[y * width + x] as number;
      area++;
    }
  }
  return { inside, area };
}
