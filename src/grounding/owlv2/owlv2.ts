import type { ColourImage } from "../../geometry/index.js";
import type { CallOptions } from "../../inference/index.js";
import { detectorPhrase } from "../boxes/phrase.js";
import { readBox } from "../boxes/read-boxes.js";
import type { BoxFinder, ScoredBox } from "../boxes/types.js";
import { sigmoid } from "../hifics/score.js";
import { type BackendFactory, HubEngine, type HubOptions } from "../hub/engine.js";
import { HubEngineModel } from "../hub/engine-model.js";

export interface Owlv2Options extends HubOptions {
  /** Least score of a box that counts as found. Default 0.1, as in transformers. */
  readonly threshold?: number;
}

/** Phrases in one run; more are split. The boxes of a phrase do not depend on the others. */
const batch = 16;

/**
 * OWLv2 (arXiv 2306.09683) as transformers has it: one box for each patch of the square image, and the logit of each
 * phrase for each box.
 */
export class Owlv2 extends HubEngineModel implements BoxFinder {
  readonly threshold: number;

  private constructor(engine: HubEngine, options: Owlv2Options) {
    super(engine);
    this.threshold = options.threshold ?? 0.1;
  }

  /** @throws GraspGroundingError MODEL_*, PROVIDER_UNAVAILABLE */
  static async open(
    folder: string,
    createBackend: BackendFactory,
    options: Owlv2Options = {},
  ): Promise<Owlv2> {
    return new Owlv2(await HubEngine.open(folder, "owlv2", createBackend, options), options);
  }

  async find(
    image: ColourImage,
    phrases: readonly string[],
    options: CallOptions = {},
  ): Promise<readonly (readonly ScoredBox[])[]> {
    const features = await this.engine.features(image, options);
    const found: (readonly ScoredBox[])[] = [];
    for (let start = 0; start < phrases.length; start += batch) {
      const texts = phrases.slice(start, start + batch).map(detectorPhrase);
      const outputs = await this.engine.run({ ...features, ...this.engine.tokens(texts) }, options);
      found.push(...this.#read(outputs, texts.length, image));
    }
    return found;
  }

  #read(outputs: Parameters<HubEngine["output"]>[0], texts: number, image: ColourImage): ScoredBox[][] {
    const engine = this.engine;
    const boxes = engine.output(outputs, "pred_boxes", (d) => d.length === 3 && d[2] === 4, "[1, boxes, 4]");
    const n = boxes.dims[1] as number;
    const wanted = `[1, ${n}, ${texts}]`;
    const logits = engine.output(outputs, "logits", (d) => d[1] === n && d[2] === texts, wanted);
    const side = Math.max(image.width, image.height);
    const square = { width: side, height: side };
    return Array.from({ length: texts }, (_, t) =>
      Array.from({ length: n }, (_, i) => ({
        box: readBox(boxes.data as Float32Array, i, square, image),
        score: sigmoid(Number(logits.data[i * texts + t])),
      })),
    );
  }
}
