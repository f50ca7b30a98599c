import sharp from "sharp";
import type { ColourImage } from "../geometry/index.js";
import type { PipelineResult } from "../pipeline/index.js";
import { drawOverlay } from "../visualization/index.js";
import type { Pair } from "./types.js";

/** Both answers drawn, A on the left and B on the right. */
export interface DifferenceImage {
  readonly pair: Pair;
  readonly jpeg: Buffer;
}

const limit = 24;
const side = 480;
const gap = 6;

/** The frames on which two sides differ most, as images. Bounded: only the most different are stored. */
export class DifferenceSheet {
  readonly #selected: DifferenceImage[] = [];

  async offer(pair: Pair, colour: ColourImage, a: PipelineResult, b: PipelineResult): Promise<void> {
    if (pair.agreement >= 0.95) return;
    if (this.#selected.length >= limit && pair.agreement >= this.#selected.at(-1)!.pair.agreement) return;
    this.#selected.push({ pair, jpeg: await sideBySide(colour, a, b) });
    this.#selected.sort((x, y) => x.pair.agreement - y.pair.agreement || x.pair.time - y.pair.time);
    this.#selected.splice(limit);
  }

  /** Least agreement first. */
  worstFirst(): readonly DifferenceImage[] {
    return this.#selected;
  }

  /** All of them below each other, as a PNG or JPEG by the file's name. */
  async sheet(path: string): Promise<Buffer> {
    const parts = await Promise.all(
      this.#selected.map(({ jpeg }) => sharp(jpeg).toBuffer({ resolveWithObject: true })),
    );
    const height = parts.reduce((sum, { info }) => sum + info.height + gap, gap);
    let top = gap;
    const layers = parts.map(({ data, info }) => {
      const layer = { input: data, left: gap, top };
      top += info.height + gap;
      return layer;
    });
    const width = 2 * side + 3 * gap;
    const sheet = sharp({
      create: { width, height: Math.max(height, 32), channels: 3, background: "#16191d" },
    });
    const drawn = sheet.composite(layers);
    return (/\.jpe?g$/i.test(path) ? drawn.jpeg({ quality: 86 }) : drawn.png()).toBuffer();
  }
}

async function sideBySide(colour: ColourImage, a: PipelineResult, b: PipelineResult): Promise<Buffer> {
  const halves = await Promise.all(
    [a, b].map(async (result) => {
      const drawn = await drawOverlay(colour, [result], { format: "jpeg" });
      return await sharp(drawn).resize({ width: side }).toBuffer({ resolveWithObject: true });
    }),
  );
  const height = Math.max(...halves.map(({ info }) => info.height));
  return await sharp({ create: { width: 2 * side + gap, height, channels: 3, background: "#16191d" } })
    .composite(halves.map(({ data }, i) => ({ input: data, left: i * (side + gap), top: 0 })))
    .jpeg({ quality: 80 })
    .toBuffer();
}
