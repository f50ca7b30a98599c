import type { ColourImage } from "../../geometry/index.js";
import type { CallOptions, Tensor } from "../../inference/index.js";
import { detectorPhrase } from "../boxes/phrase.js";
import { readBox } from "../boxes/read-boxes.js";
import type { BoxFinder, ScoredBox } from "../boxes/types.js";
import { sigmoid } from "../hifics/score.js";
import type { TextTokenizer } from "../hifics/tokenizer.js";
import { type BackendFactory, HubEngine, type HubOptions } from "../hub/engine.js";
import { HubEngineModel } from "../hub/engine-model.js";
import { type Caption, captionsOf, phraseTokens } from "./caption.js";

export interface GroundingDinoOptions extends HubOptions {
  /** Least score of a box that counts as found. Default 0.25, as in transformers. */
  readonly threshold?: number;
}

/** Tokens that stand between phrases. */
const separators = ["[CLS]", "[SEP]", ".", "?"];
/** Tokens that the text side reads at most. */
const maxTokens = 256;

/**
 * Grounding DINO (arXiv 2303.05499) as transformers has it: boxes, and for each box the logit of each token of a
 * caption. The phrases of all queries on one image are one caption. A box's score for a phrase is that of the phrase's
 * best token.
 */
export class GroundingDino extends HubEngineModel implements BoxFinder {
  readonly threshold: number;
  readonly #tokenizer: TextTokenizer;
  readonly #separators: ReadonlySet<number>;

  private constructor(engine: HubEngine, tokenizer: TextTokenizer, options: GroundingDinoOptions) {
    super(engine);
    this.#tokenizer = tokenizer;
    this.threshold = options.threshold ?? 0.25;
    this.#separators = new Set(separators.map((token) => tokenizer.idOf(token) ?? -1));
  }

  /** @throws GraspGroundingError MODEL_*, PROVIDER_UNAVAILABLE */
  static async open(
    folder: string,
    createBackend: BackendFactory,
    options: GroundingDinoOptions = {},
  ): Promise<GroundingDino> {
    const engine = await HubEngine.open(folder, "grounding-dino", createBackend, options);
    if (engine.tokenizer === undefined) throw engine.mismatch("it has no tokenizer");
    return new GroundingDino(engine, engine.tokenizer, options);
  }

  async find(
    image: ColourImage,
    phrases: readonly string[],
    options: CallOptions = {},
  ): Promise<readonly (readonly ScoredBox[])[]> {
    const features = await this.engine.features(image, options);
    const found: ScoredBox[][] = phrases.map(() => []);
    const lengthOf = (text: string) => this.#tokenizer.encode(text).length;
    for (const caption of captionsOf(phrases.map(detectorPhrase), maxTokens, lengthOf)) {
      const tokens = this.engine.tokens([caption.text]);
      const ids = tokens.input_ids as Tensor;
      const types: Tensor = { type: "int64", dims: ids.dims, data: new BigInt64Array(ids.data.length) };
      const outputs = await this.engine.run({ ...features, ...tokens, token_type_ids: types }, options);
      this.#read(outputs, caption, Array.from(ids.data as BigInt64Array, Number), image).forEach(
        (boxes, k) => {
          found[caption.phrases[k] as number] = boxes;
        },
      );
    }
    return found;
  }

  /** Columns of `logits` that belong to a phrase which is a caption of its own. */
  phraseColumns(phrase: string): readonly number[] {
    const [caption] = captionsOf([detectorPhrase(phrase)], maxTokens, () => 0);
    return phraseTokens(this.#tokenizer.encode(caption?.text ?? ""), this.#separators)[0] ?? [];
  }

  /** Boxes of each phrase of a caption. */
  #read(
    outputs: Parameters<HubEngine["output"]>[0],
    caption: Caption,
    ids: readonly number[],
    image: ColourImage,
  ): ScoredBox[][] {
    const engine = this.engine;
    const boxes = engine.output(outputs, "pred_boxes", (d) => d.length === 3 && d[2] === 4, "[1, boxes, 4]");
    const n = boxes.dims[1] as number;
    const fits = (d: readonly number[]) => d.length === 3 && d[1] === n && (d[2] as number) >= ids.length;
    const logits = engine.output(outputs, "logits", fits, `[1, ${n}, ${ids.length} tokens or more]`);
    const columns = logits.dims[2] as number;
    const spans = phraseTokens(ids, this.#separators);
    return caption.phrases.map((_, k) =>
      Array.from({ length: n }, (_, i) => ({
        box: readBox(boxes.data as Float32Array, i, image, image),
        score: (spans[k] ?? []).reduce(
          (best, token) => Math.max(best, sigmoid(Number(logits.data[i * columns + token]))),
          0,
        ),
      })),
    );
  }
}
