import type { Box, ColourImage, DepthImage } from "../../../../src/geometry/index.js";
import { maskFromBox } from "../../../../src/geometry/index.js";
import type { Detection, Grounder, Grounding, GroundOptions } from "../../../../src/grounding/index.js";

export const width = 320;
export const height = 240;

/** An object of a drawn scene: where it is, its colour, and the phrases that mean it. */
export interface DrawnObject {
  readonly box: Box;
  readonly rgb?: readonly [number, number, number];
  /** Metres. */
  readonly z?: number;
  readonly named: RegExp;
}

export const detectionOf = (box: Box, score = 0.9): Detection => ({
  box,
  score,
  mask: maskFromBox(width, height, box),
});

/** An image of coloured boxes on white, with depth where an object has some. */
export function draw(objects: readonly DrawnObject[]): { colour: ColourImage; depth: DepthImage } {
  const data = new Uint8Array(width * height * 3).fill(255);
  const depth = new Float32Array(width * height).fill(1);
  for (const { box, rgb = [120, 120, 120], z = 1 } of objects)
    for (let y = box[1]; y < box[3]; y++)
      for (let x = box[0]; x < box[2]; x++) {
        data.set(rgb, (y * width + x) * 3);
        depth[y * width + x] = z;
      }
  return { colour: { width, height, data }, depth: { width, height, data: depth } };
}

/** Answers every phrase with the drawn objects that it names, and counts what it was asked. */
export class DrawnGrounder implements Grounder {
  readonly model = "drawn";
  readonly asked: string[][] = [];
  readonly #objects: readonly DrawnObject[];

  constructor(objects: readonly DrawnObject[]) {
    this.#objects = objects;
  }

  async ground(_frame: unknown, queries: readonly string[], _options?: GroundOptions): Promise<Grounding[]> {
    this.asked.push([...queries]);
    return queries.map((query) => {
      const named = this.#objects.filter((object) => object.named.test(query));
      // A model answers a definite phrase with one object, a phrase for all of them with all.
      const shown = /^(?:all|every|both)\b/.test(query) ? named : named.slice(0, 1);
      const data = new Float32Array(width * height);
      for (const { box } of shown)
        for (let y = box[1]; y < box[3]; y++) data.fill(0.9, y * width + box[0], y * width + box[2]);
      const detections = shown.map(({ box }) => detectionOf(box));
      const presence = shown.length > 0 ? 0.95 : 0.05;
      const timings = { encode: 1, text: 1, decode: 1, instances: 1 };
      return {
        query,
        model: this.model,
        found: shown.length > 0,
        detections,
        presence,
        heatmap: { width, height, data },
        timings,
      };
    });
  }

  async close(): Promise<void> {}
}
