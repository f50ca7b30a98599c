import type { RgbdFrame } from "../../geometry/index.js";
import { instancesFromHeatmap } from "../hifics/instances.js";
import { sigmoid } from "../hifics/score.js";
import { type BackendFactory, HubEngine, type HubOptions } from "../hub/engine.js";
import { HubEngineModel } from "../hub/engine-model.js";
import { cleanQuery } from "../query/clean.js";
import { stopwatch } from "../stopwatch.js";
import type { Grounder, Grounding, GroundOptions, Heatmap } from "../types.js";

export interface ClipSegOptions extends HubOptions {
  /** Probability from which a pixel belongs to the object, and from which the object is there. Default 0.4. */
  readonly threshold?: number;
}

/** Queries in one run; more are split, so that memory stays bounded. */
const batch = 8;

/**
 * CLIPSeg (arXiv 2112.10003) as transformers has it: one graph reads an image and queries and draws each query's mask,
 * logits [queries, height, width] over the stretched image. The probability of a query is that of its best pixel.
 */
export class ClipSeg extends HubEngineModel implements Grounder {
  readonly #threshold: number;

  private constructor(engine: HubEngine, options: ClipSegOptions) {
    super(engine);
    this.#threshold = options.threshold ?? 0.4;
  }

  /** @throws GraspGroundingError MODEL_*, PROVIDER_UNAVAILABLE */
  static async open(
    folder: string,
    createBackend: BackendFactory,
    options: ClipSegOptions = {},
  ): Promise<ClipSeg> {
    return new ClipSeg(await HubEngine.open(folder, "clipseg", createBackend, options), options);
  }

  async ground(
    frame: Pick<RgbdFrame, "colour">,
    queries: readonly string[],
    options: GroundOptions = {},
  ): Promise<readonly Grounding[]> {
    const cleaned = queries.map(cleanQuery);
    if (cleaned.length === 0) return [];
    const clock = stopwatch();
    const features = await this.engine.features(frame.colour, options);
    const encode = clock() / cleaned.length;
    const maps: Heatmap[] = [];
    for (let start = 0; start < cleaned.length; start += batch) {
      const tokens = this.engine.tokens(cleaned.slice(start, start + batch));
      maps.push(...this.#heatmaps(await this.engine.run({ ...features, ...tokens }, options)));
    }
    if (maps.length !== cleaned.length)
      throw this.engine.mismatch(`${maps.length} masks for ${cleaned.length} queries`);
    const decode = clock() / cleaned.length;
    return maps.map((heatmap, i) => {
      const presence = heatmap.data.reduce((best, p) => Math.max(best, p), 0);
      const detections = instancesFromHeatmap(heatmap, frame.colour, { threshold: this.#threshold });
      return {
        query: cleaned[i] as string,
        model: this.model,
        backend: this.runsOn,
        found: detections.length > 0,
        detections,
        presence,
        heatmap,
        timings: { encode, decode, instances: clock() },
      };
    });
  }

  /** One query's logits may come without their first axis. */
  #heatmaps(outputs: Parameters<HubEngine["output"]>[0]): Heatmap[] {
    const wanted = "[queries, height, width]";
    const logits = this.engine.output(
      outputs,
      "logits",
      ({ length }) => length === 2 || length === 3,
      wanted,
    );
    const [height = 0, width = 0] = logits.dims.slice(-2);
    const plane = width * height;
    return Array.from({ length: logits.data.length / plane }, (_, q) => ({
      width,
      height,
      data: (logits.data as Float32Array).slice(q * plane, (q + 1) * plane).map(sigmoid),
    }));
  }
}
