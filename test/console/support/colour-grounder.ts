import type { ColourImage } from "../../../src/geometry/index.js";
import {
  cleanQuery,
  type Grounder,
  type Grounding,
  instancesFromHeatmap,
} from "../../../src/grounding/index.js";

/** Hue in degrees and least saturation of the colours a query may name. */
const hues: Readonly<Record<string, readonly [number, number]>> = {
  red: [-14, 14],
  yellow: [38, 62],
  green: [64, 150],
  blue: [200, 240],
};

/** Colours of the objects of a kind, where a query names no colour. */
const kinds: Readonly<Record<string, readonly string[]>> = { mug: ["red", "blue"] };

/** Finds what has the colour a query names, on the real pixels: quick and exact, so that tests need no model. */
export class ColourGrounder implements Grounder {
  readonly model = "colour";
  readonly #delay: number;

  /** @param delay milliseconds it takes for an image */
  constructor(delay = 0) {
    this.#delay = delay;
  }

  async ground(
    { colour }: { colour: ColourImage },
    queries: readonly string[],
  ): Promise<readonly Grounding[]> {
    if (this.#delay > 0) await new Promise((resolve) => setTimeout(resolve, this.#delay));
    return queries.map((query) => ground(colour, cleanQuery(query)));
  }

  async close(): Promise<void> {}
}

function ground({ width, height, data }: ColourImage, query: string): Grounding {
  const named = Object.keys(hues)
    .filter((name) => query.includes(name))
    .slice(0, 1);
  const meant =
    named.length > 0 ? named : (Object.entries(kinds).find(([kind]) => query.includes(kind))?.[1] ?? []);
  const ranges = meant.map((name) => hues[name] as readonly [number, number]);
  const heatmap = { width, height, data: new Float32Array(width * height) };
  if (ranges.length > 0) {
    for (let i = 0; i < heatmap.data.length; i++) {
      const hue = saturatedHue(data[i * 3] as number, data[i * 3 + 1] as number, data[i * 3 + 2] as number);
      const fits = (h: number) => ranges.some(([from, to]) => h >= from && h <= to);
      if (hue !== undefined && (fits(hue) || fits(hue - 360))) heatmap.data[i] = 0.9;
    }
  }
  const detections = instancesFromHeatmap(heatmap, { width, height }, { threshold: 0.5, minArea: 0.004 });
  const found = detections.length > 0;
  // The largest first, as a person would point.
  const sorted = [...detections].sort((a, b) => area(b.box) - area(a.box));
  return {
    query,
    model: "colour",
    found,
    detections: sorted,
    presence: found ? 0.95 : 0.05,
    heatmap,
    timings: { threshold: 1 },
  };
}

const area = (box: readonly [number, number, number, number]): number =>
  (box[2] - box[0]) * (box[3] - box[1]);

function saturatedHue(r: number, g: number, b: number): number | undefined {
  const most = Math.max(r, g, b);
  const span = most - Math.min(r, g, b);
  if (most < 50 || span / most < 0.55) return undefined;
  const sector = most === r ? (g - b) / span : most === g ? 2 + (b - r) / span : 4 + (r - g) / span;
  return (sector * 60 + 360) % 360;
}
