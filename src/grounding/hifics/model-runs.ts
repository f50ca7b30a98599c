import { LRUCache } from "lru-cache";
import { GraspGroundingError } from "../../errors/index.js";
import type { ColourImage } from "../../geometry/index.js";
import {
  type CallOptions,
  elementCount,
  type InferenceBackend,
  type Tensor,
  type Tensors,
} from "../../inference/index.js";
import { stopwatch } from "../stopwatch.js";
import { FrameCache } from "./frame-cache.js";
import type { Manifest } from "./manifest.js";
import { type Decoded, readOutputs } from "./outputs.js";
import { type Note, together } from "./together.js";
import type { TextTokenizer } from "./tokenizer.js";

/** How much is cached by content. */
export interface CacheSizes {
  /** Frames whose features are cached, 1 or more. Default 4. */
  readonly frameCache?: number;
  /** Queries whose features are cached, 1 or more. Default 256. */
  readonly textCache?: number;
}

/** Queries decoded in one call; more are split, so that memory stays bounded. */
const decodeBatch = 16;
/** Queries that one run takes by their tokens, at most: each has a few tensors of its own in the message. */
const askBatch = 8;
const isOneRun = (queries: readonly string[]): boolean =>
  queries.length <= askBatch && new Set(queries).size === queries.length;
/** Queries of an image whose answers are cached. */
const cachedAnswers = 8;

/** An image's features, and what the model said of it for its last queries. */
interface KnownFrame {
  readonly features: Promise<Tensors>;
  readonly answers: LRUCache<string, Decoded>;
}

const knownFrame = (features: Promise<Tensors>): KnownFrame => ({
  features,
  answers: new LRUCache({ max: cachedAnswers }),
});

export interface RunOptions extends CallOptions {
  readonly onStep: Note;
}

interface Asked {
  readonly texts: readonly Tensors[];
  readonly maps: Decoded[];
}

/** Runs the model's parts. A frame is encoded once for all its queries, a query once for all its frames. */
export class ModelRuns {
  readonly #manifest: Manifest;
  readonly #backend: InferenceBackend;
  readonly #tokenizer: TextTokenizer;
  readonly #frames: FrameCache<KnownFrame>;
  /** Of closer looks: apart from the frames', which they would push out. */
  readonly #crops = new FrameCache<KnownFrame>(8);
  readonly #texts: LRUCache<string, Tensors>;

  constructor(manifest: Manifest, backend: InferenceBackend, tokenizer: TextTokenizer, caches: CacheSizes) {
    this.#manifest = manifest;
    this.#backend = backend;
    this.#tokenizer = tokenizer;
    this.#frames = new FrameCache(caches.frameCache ?? 4);
    this.#texts = new LRUCache({ max: caches.textCache ?? 256 });
  }

  /** The queries' features, what the model says of each, and the milliseconds of its parts. */
  async run(image: ColourImage, queries: readonly string[], given: RunOptions) {
    const clock = stopwatch();
    const options = { ...given, image };
    // A back end in this process finishes a call that it began; later calls are not made.
    const checkCancelled = () => {
      if (options.signal?.aborted) throw new GraspGroundingError("INFERENCE_CANCELLED");
    };
    const isNew = (query: string) => this.#texts.get(query) === undefined;
    const goByTokens = this.#backend.ask !== undefined && isOneRun(queries) && queries.every(isNew);
    const guess = goByTokens ? this.#frames.guess(image) : undefined;
    const guessed = guess && (await this.#ask(image, guess, queries, options, true));
    if (guessed !== undefined) return { ...guessed, encode: 0, text: 0, decode: clock() };
    let known = this.#frames.get(image);
    let encode = clock();
    options.onStep("compare", encode);
    if (goByTokens) {
      const answered = await this.#ask(image, known, queries, options, false);
      const took = clock();
      const [encoded, decoded] = known === undefined ? [encode + took, 0] : [encode, took];
      return { ...(answered as Asked), encode: encoded, text: 0, decode: decoded };
    }
    if (this.#backend.locate !== undefined && known === undefined) {
      const texts = await this.#encodeTexts(queries, options);
      const text = clock();
      checkCancelled();
      // Another call may have begun with this image meanwhile.
      known = this.#frames.get(image);
      if (known === undefined) {
        const first = queries.slice(0, decodeBatch);
        let decode = 0;
        const onStep: Note = (step, ms) => {
          if (step === "decoder") decode += ms;
          options.onStep(step, ms);
        };
        const located = { ...options, onStep };
        const { frame, maps } = await this.#locate(image, first, texts.slice(0, decodeBatch), located);
        encode += clock() - decode;
        const rest = queries.slice(decodeBatch);
        maps.push(...(await this.#decode(frame, rest, texts.slice(decodeBatch), options)));
        return { texts, maps, encode, text, decode: decode + clock() };
      }
      encode += text;
    }
    const frame = await this.#encodeImage(image, options, this.#frames, known);
    encode += clock();
    checkCancelled();
    const texts = await this.#encodeTexts(queries, options);
    const text = clock();
    const maps = await this.#decode(frame, queries, texts, options);
    return { texts, maps, encode, text, decode: clock() };
  }

  /**
   * Queries that are new, by their tokens, of an image that may be new too: one run for all parts.
   * @param guessed `known` is compared with the image while the back end works; undefined where it is another one's
   */
  async #ask(
    image: ColourImage,
    known: KnownFrame | undefined,
    queries: readonly string[],
    options: RunOptions,
    guessed: boolean,
  ): Promise<Asked | undefined> {
    const clock = stopwatch();
    const tokens = queries.map((query) => this.#tokenizer.batch([query]));
    options.onStep("tokens", clock());
    // The first caller may have cancelled; a second caller must not fail for that.
    const features = await known?.features.catch(() => undefined);
    const ask = this.#backend.ask as NonNullable<InferenceBackend["ask"]>;
    const asked = ask({ image, features, tokens }, options);
    if (guessed && known !== undefined && !this.#frames.holds(known, image)) {
      asked.catch(() => undefined);
      return undefined;
    }
    const frame =
      features === undefined
        ? this.#keepFrame(
            image,
            asked.then(({ outputs }) => outputs),
          )
        : known;
    const answered = await asked;
    const texts = queries.map((query, i) => {
      const text = { ...tokens[i], ...answered.texts[i] } as Tensors;
      this.#texts.set(query, text);
      return text;
    });
    const outputs = this.#withoutLevels(answered.outputs);
    return { texts, maps: this.#read(frame as KnownFrame, queries, outputs, options) };
  }

  /** Caches what a run that also answers queries made of a new image. */
  #keepFrame(image: ColourImage, outputs: Promise<Tensors>, cache = this.#frames): KnownFrame {
    const levels = this.#manifest.encoder.outputs;
    const frame = knownFrame(
      outputs.then((made) => Object.fromEntries(levels.map((name) => [name, made[name] as Tensor]))),
    );
    cache.set(image, frame);
    frame.features.catch(() => cache.delete(frame));
    return frame;
  }

  #withoutLevels(outputs: Tensors): Tensors {
    const levels = this.#manifest.encoder.outputs;
    return Object.fromEntries(Object.entries(outputs).filter(([name]) => !levels.includes(name)));
  }

  /** A new image and its first queries in one run; the features are cached as those of #encodeImage. */
  async #locate(
    image: ColourImage,
    queries: readonly string[],
    texts: readonly Tensors[],
    options: RunOptions,
  ): Promise<{ frame: KnownFrame; maps: Decoded[] }> {
    const levels = this.#manifest.encoder.outputs;
    const feeds = this.#decoderFeeds({}, texts, levels);
    const located = (this.#backend.locate as NonNullable<InferenceBackend["locate"]>)(image, feeds, options);
    const frame = this.#keepFrame(image, located);
    const outputs = this.#withoutLevels(await located);
    return { frame, maps: this.#read(frame, queries, outputs, options) };
  }

  /** What the model says of one image and one query. */
  async look(image: ColourImage, text: Tensors, options: CallOptions): Promise<Decoded> {
    if (options.signal?.aborted) throw new GraspGroundingError("INFERENCE_CANCELLED");
    const quiet = { ...options, image, onStep: () => undefined };
    const known = this.#crops.get(image);
    if (this.#backend.locate !== undefined && known === undefined) {
      const located = this.#backend.locate(
        image,
        this.#decoderFeeds({}, [text], this.#manifest.encoder.outputs),
        quiet,
      );
      this.#keepFrame(image, located, this.#crops);
      return readOutputs({ outputs: await located, row: 0, rows: 1 }, this.#manifest);
    }
    const frame = await this.#encodeImage(image, quiet, this.#crops, known);
    const rows = { outputs: await this.#decodeRows(frame, [text], quiet), row: 0, rows: 1 };
    return readOutputs(rows, this.#manifest);
  }

  async #encodeImage(
    image: ColourImage,
    options: CallOptions,
    cache: FrameCache<KnownFrame>,
    known: KnownFrame | undefined,
  ): Promise<KnownFrame> {
    // The first caller may have cancelled; a second caller must not fail for that.
    if (known !== undefined && (await known.features.then(Boolean, () => false))) return known;
    const frame = knownFrame(this.#backend.encodeImage(image, options));
    cache.set(image, frame);
    frame.features.catch(() => cache.delete(frame));
    await frame.features;
    return frame;
  }

  /** One query a call, so that padding never changes a result; each query is encoded once, several at a time. */
  async #encodeTexts(queries: readonly string[], options: RunOptions): Promise<readonly Tensors[]> {
    const missing = [...new Set(queries)].filter((query) => this.#texts.get(query) === undefined);
    for (let start = 0; start < missing.length; start += decodeBatch)
      await together(options.onStep, (onStep) =>
        missing.slice(start, start + decodeBatch).map(async (query) => {
          const clock = stopwatch();
          const tokens = this.#tokenizer.batch([query]);
          onStep("tokens", clock());
          const text = await this.#backend.encodeText(tokens, { ...options, onStep });
          this.#texts.set(query, { ...tokens, ...text });
        }),
      );
    return queries.map((query) => this.#texts.get(query) as Tensors);
  }

  /** What the model says of queries; those that were asked of this image before are not decoded again. */
  async #decode(
    frame: KnownFrame,
    queries: readonly string[],
    texts: readonly Tensors[],
    options: RunOptions,
  ): Promise<Decoded[]> {
    const all = queries.map((query, i) => ({ query, text: texts[i] as Tensors }));
    const maps = new Map(
      all.flatMap((each) => {
        const known = frame.answers.get(each.query);
        return known === undefined ? [] : [[each, known]];
      }),
    );
    const missing = all.filter((each) => !maps.has(each));
    for (let start = 0; start < missing.length; start += decodeBatch) {
      const some = missing.slice(start, start + decodeBatch);
      const rows = some.map(({ text }) => text);
      const outputs = await this.#decodeRows(frame, rows, options);
      const asked = some.map(({ query }) => query);
      this.#read(frame, asked, outputs, options).forEach((map, i) => {
        maps.set(some[i] as (typeof all)[number], map);
      });
    }
    return all.map((each) => maps.get(each) as Decoded);
  }

  async #decodeRows(frame: KnownFrame, texts: readonly Tensors[], options: CallOptions): Promise<Tensors> {
    return this.#backend.decode(this.#decoderFeeds(await frame.features, texts), options);
  }

  /** Reads the outputs for queries of an image, and keeps what they say. */
  #read(frame: KnownFrame, queries: readonly string[], outputs: Tensors, { onStep }: RunOptions): Decoded[] {
    return queries.map((query, row) => {
      const clock = stopwatch();
      const decoded = readOutputs({ outputs, row, rows: queries.length }, this.#manifest);
      frame.answers.set(query, decoded);
      onStep("heatmap", clock());
      return decoded;
    });
  }

  /** @param without inputs that are made in the same run */
  #decoderFeeds(features: Tensors, texts: readonly Tensors[], without: readonly string[] = []): Tensors {
    const feeds: Record<string, Tensor> = {};
    for (const name of this.#manifest.decoder.inputs) {
      if (without.includes(name)) continue;
      const shared = features[name];
      feeds[name] = shared ?? stack(texts.map((text) => this.#textTensor(text, name)));
    }
    return feeds;
  }

  #textTensor(text: Tensors, name: string): Tensor {
    const tensor = text[name];
    if (tensor === undefined) {
      throw new GraspGroundingError("MODEL_MISMATCH", {
        name: this.#manifest.name,
        detail: `nothing produces ${name}`,
      });
    }
    return tensor;
  }
}

/** Concatenates along the first axis; tensors that differ in their second axis (tokens) are padded with zeros. */
function stack(tensors: readonly Tensor[]): Tensor {
  const first = tensors[0] as Tensor;
  if (tensors.length === 1) return first;
  const longest = Math.max(...tensors.map((t) => t.dims[1] ?? 1));
  const inner = elementCount(first.dims.slice(2));
  const dims = [tensors.length, ...first.dims.slice(1)];
  if (dims.length > 1) dims[1] = longest;
  const row = longest * inner;
  const data =
    first.type === "int64" ? new BigInt64Array(row * tensors.length) : new Float32Array(row * tensors.length);
  tensors.forEach((tensor, i) => {
    (data as Float32Array).set(tensor.data as Float32Array, i * row);
  });
  return { type: first.type, dims, data };
}
