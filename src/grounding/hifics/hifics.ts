import { LRUCache } from "lru-cache";
import { GraspGroundingError } from "../../errors/index.js";
import type { ColourImage, RgbdFrame } from "../../geometry/index.js";
import {
  type BackendReport,
  type CallOptions,
  checkImageSide,
  elementCount,
  type InferenceBackend,
  type ModelFiles,
  type Tensor,
  type Tensors,
} from "../../inference/index.js";
import { cleanQuery } from "../query/clean.js";
import { stopwatch } from "../stopwatch.js";
import type { Detection, Grounder, Grounding, GroundOptions } from "../types.js";
import { instancesFromCandidates, minRelativeMass } from "./candidates.js";
import { closerCandidates, lookCloser } from "./closer-look.js";
import { presenceByErasing, presenceLimits } from "./erased-look.js";
import { FrameCache } from "./frame-cache.js";
import { instancesFromHeatmap, withScore } from "./instances.js";
import { type Manifest, modelFiles, readManifest, verifyFiles } from "./manifest.js";
import { type Decoded, readOutputs } from "./outputs.js";
import { answerScore } from "./score.js";
import { type Note, together } from "./together.js";
import { TextTokenizer } from "./tokenizer.js";

export interface HifiCsOptions {
  /** Frames whose features are cached, 1 or more. Default 4. */
  readonly frameCache?: number;
  /** Queries whose features are cached, 1 or more. Default 256. */
  readonly textCache?: number;
  /** Overrides of the manifest's thresholds. */
  readonly threshold?: number;
  readonly foundThreshold?: number;
  /** The weights are on another machine, whose hashes the back end compares: only the tokenizer is read here. */
  readonly runsElsewhere?: boolean;
}

type BackendFactory = (model: ModelFiles) => Promise<InferenceBackend>;

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

interface RunOptions extends CallOptions {
  readonly onStep: Note;
}

/**
 * HiFi-CS (arXiv 2409.10419): features of a frozen encoder, modulated level by level with the query (FiLM), decoded
 * to a mask. A frame is encoded once for all its queries, a query once for all its frames: both are cached by content.
 */
export class HifiCs implements Grounder {
  readonly manifest: Manifest;
  readonly #backend: InferenceBackend;
  readonly #tokenizer: TextTokenizer;
  readonly #frames: FrameCache<KnownFrame>;
  /** Of closer looks: apart from the frames', which they would push out. */
  readonly #crops = new FrameCache<KnownFrame>(8);
  readonly #texts: LRUCache<string, Tensors>;
  readonly #options: HifiCsOptions;

  private constructor(
    manifest: Manifest,
    backend: InferenceBackend,
    tokenizer: TextTokenizer,
    options: HifiCsOptions,
  ) {
    this.manifest = manifest;
    this.#backend = backend;
    this.#tokenizer = tokenizer;
    this.#options = options;
    this.#frames = new FrameCache(options.frameCache ?? 4);
    this.#texts = new LRUCache({ max: options.textCache ?? 256 });
  }

  /**
   * Opens a model folder: checks the manifest and every file's hash, then loads it.
   * @throws GraspGroundingError MODEL_*, PROVIDER_UNAVAILABLE
   */
  static async open(
    folder: string,
    createBackend: BackendFactory,
    options: HifiCsOptions = {},
  ): Promise<HifiCs> {
    const manifest = await readManifest(folder);
    await verifyFiles(folder, manifest, options.runsElsewhere ? "tokenizer" : "all");
    const tokenizer = await TextTokenizer.load(folder, manifest.text);
    const backend = await createBackend(modelFiles(folder, manifest));
    return new HifiCs(manifest, backend, tokenizer, options);
  }

  get model(): string {
    return this.manifest.name;
  }

  /** Back end and execution provider. */
  get runsOn(): string {
    return this.#backend.description;
  }

  /** Counters and states of the back end, for diagnostics. */
  get backendReport(): BackendReport {
    return this.#backend.report?.() ?? {};
  }

  /** @param options.signal cancels the rest of the work, on every back end */
  async ground(
    frame: Pick<RgbdFrame, "colour">,
    queries: readonly string[],
    options: GroundOptions = {},
  ): Promise<readonly Grounding[]> {
    const cleaned = queries.map(cleanQuery);
    if (cleaned.length === 0) return [];
    checkImageSide(frame.colour);
    const share = 1 / cleaned.length;
    const steps: Record<string, number> = {};
    const onStep: Note = (step, ms) => {
      steps[step] = (steps[step] ?? 0) + ms * share;
    };
    const run = await this.#run(frame.colour, cleaned, { ...options, onStep });
    const { texts, maps, encode, text, decode } = run;
    const clock = stopwatch();
    const groundings: Grounding[] = [];
    for (const [i, decoded] of maps.entries()) {
      const careful = options.effort === "careful" && decoded.candidates !== undefined;
      // A caller may write to its own; masks that were not read yet are drawn from the one that is kept.
      const heatmap = { ...decoded.heatmap, data: decoded.heatmap.data.slice() };
      onStep("heatmap", clock());
      const first = this.#instances(decoded, frame.colour, careful);
      const instances = clock();
      const look = (image: ColourImage) => this.#look(image, texts[i] as Tensors, options);
      const { ordered, presence } = careful
        ? await this.#secondLook(frame.colour, decoded, first, look)
        : { ordered: first, presence: decoded.presence };
      const shown = presence >= this.#foundFrom ? this.#answer(ordered, presence, careful) : [];
      const closer = careful ? clock() : 0;
      const isDrawn = options.alternatives && options.alternativesOf?.has(queries[i] as string) !== false;
      const drawn = isDrawn ? this.#alternatives(decoded, frame.colour) : undefined;
      groundings.push({
        query: cleaned[i] as string,
        model: this.model,
        backend: this.runsOn,
        found: shown.length > 0,
        detections: shown,
        presence,
        heatmap,
        ...(drawn !== undefined && { alternatives: drawn }),
        timings: {
          encode: encode * share,
          text: text * share,
          decode: decode * share,
          instances,
          ...(careful && { closer }),
          ...(drawn !== undefined && { alternatives: clock() }),
        },
        steps,
      });
    }
    return groundings;
  }

  /** Probability from which an object counts as found. */
  get #foundFrom(): number {
    return this.#options.foundThreshold ?? this.manifest.found.threshold;
  }

  /** The candidates in the order of a closer look, and the presence once the best one is erased. */
  async #secondLook(
    image: ColourImage,
    { presence }: Decoded,
    candidates: readonly Detection[],
    look: (image: ColourImage) => Promise<Decoded>,
  ): Promise<{ readonly ordered: readonly Detection[]; readonly presence: number }> {
    const [first] = candidates;
    if (first === undefined) return { ordered: candidates, presence };
    if (this.manifest.decoder.presence === undefined)
      return { ordered: await lookCloser(image, candidates, look), presence };
    const [, most] = presenceLimits(presence, first.score);
    if (most < this.#foundFrom) return { ordered: candidates, presence: most };
    const ordered = await lookCloser(image, candidates, look);
    const best = ordered[0] ?? first;
    return { ordered, presence: await presenceByErasing(image, presence, best, this.#foundFrom, look) };
  }

  /** The queries' features, what the model says of each, and the milliseconds of its parts. */
  async #run(image: ColourImage, queries: readonly string[], given: RunOptions) {
    const clock = stopwatch();
    const options = { ...given, image };
    // A back end in this process finishes a call that it began; later calls are not made.
    const checkCancelled = () => {
      if (options.signal?.aborted) throw new GraspGroundingError("INFERENCE_CANCELLED");
    };
    const known = this.#frames.get(image);
    let encode = clock();
    options.onStep("compare", encode);
    const isNew = (query: string) => this.#texts.get(query) === undefined;
    if (this.#backend.ask !== undefined && isOneRun(queries) && queries.every(isNew)) {
      const { texts, maps } = await this.#ask(image, known, queries, options);
      const took = clock();
      const [encoded, decoded] = known === undefined ? [encode + took, 0] : [encode, took];
      return { texts, maps, encode: encoded, text: 0, decode: decoded };
    }
    if (this.#backend.locate !== undefined && known === undefined) {
      const texts = await this.#encodeTexts(queries, options);
      const text = clock();
      checkCancelled();
      const first = queries.slice(0, decodeBatch);
      const { frame, maps } = await this.#locate(image, first, texts.slice(0, decodeBatch), options);
      encode += clock();
      const rest = queries.slice(decodeBatch);
      maps.push(...(await this.#decode(frame, rest, texts.slice(decodeBatch), options)));
      return { texts, maps, encode, text, decode: clock() };
    }
    const frame = await this.#encodeImage(image, options, this.#frames, known);
    encode += clock();
    checkCancelled();
    const texts = await this.#encodeTexts(queries, options);
    const text = clock();
    const maps = await this.#decode(frame, queries, texts, options);
    return { texts, maps, encode, text, decode: clock() };
  }

  /** Queries that are new, by their tokens, of an image that may be new too: one run for all parts. */
  async #ask(
    image: ColourImage,
    known: KnownFrame | undefined,
    queries: readonly string[],
    options: RunOptions,
  ): Promise<{ texts: readonly Tensors[]; maps: Decoded[] }> {
    const clock = stopwatch();
    const tokens = queries.map((query) => this.#tokenizer.batch([query]));
    options.onStep("tokens", clock());
    // The first caller may have cancelled; a second caller must not fail for that.
    const features = await known?.features.catch(() => undefined);
    const ask = this.#backend.ask as NonNullable<InferenceBackend["ask"]>;
    const asked = ask({ image, features, tokens }, options);
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
  #keepFrame(image: ColourImage, outputs: Promise<Tensors>): KnownFrame {
    const levels = this.manifest.encoder.outputs;
    const frame = knownFrame(
      outputs.then((made) => Object.fromEntries(levels.map((name) => [name, made[name] as Tensor]))),
    );
    this.#frames.set(image, frame);
    frame.features.catch(() => this.#frames.delete(frame));
    return frame;
  }

  #withoutLevels(outputs: Tensors): Tensors {
    const levels = this.manifest.encoder.outputs;
    return Object.fromEntries(Object.entries(outputs).filter(([name]) => !levels.includes(name)));
  }

  /** A new image and its first queries in one run; the features are cached as those of #encodeImage. */
  async #locate(
    image: ColourImage,
    queries: readonly string[],
    texts: readonly Tensors[],
    options: RunOptions,
  ): Promise<{ frame: KnownFrame; maps: Decoded[] }> {
    const levels = this.manifest.encoder.outputs;
    const feeds = this.#decoderFeeds({}, texts, levels);
    const located = (this.#backend.locate as NonNullable<InferenceBackend["locate"]>)(image, feeds, options);
    const frame = this.#keepFrame(image, located);
    const outputs = this.#withoutLevels(await located);
    return { frame, maps: this.#read(frame, queries, outputs, options) };
  }

  /** What the model says of one image and one query. */
  async #look(image: ColourImage, text: Tensors, options: CallOptions): Promise<Decoded> {
    if (options.signal?.aborted) throw new GraspGroundingError("INFERENCE_CANCELLED");
    const quiet = { ...options, image, onStep: () => undefined };
    const known = this.#crops.get(image);
    const frame = await this.#encodeImage(image, quiet, this.#crops, known);
    const rows = { outputs: await this.#decodeRows(frame, [text], quiet), row: 0, rows: 1 };
    return readOutputs(rows, this.manifest);
  }

  close(): Promise<void> {
    return this.#backend.close();
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
      const decoded = readOutputs({ outputs, row, rows: queries.length }, this.manifest);
      frame.answers.set(query, decoded);
      onStep("heatmap", clock());
      return decoded;
    });
  }

  /** @param without inputs that are made in the same run */
  #decoderFeeds(features: Tensors, texts: readonly Tensors[], without: readonly string[] = []): Tensors {
    const feeds: Record<string, Tensor> = {};
    for (const name of this.manifest.decoder.inputs) {
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
        name: this.model,
        detail: `nothing produces ${name}`,
      });
    }
    return tensor;
  }

  /** What one query's outputs mean on an image of this size, best first. */
  #instances(
    decoded: Decoded,
    image: { width: number; height: number },
    careful: boolean,
  ): readonly Detection[] {
    const { mask } = this.manifest;
    const threshold = this.#options.threshold ?? mask.threshold;
    if (decoded.candidates !== undefined)
      return instancesFromCandidates(decoded.candidates, image, {
        threshold,
        // A closer look may prefer what the first look held for unlikely.
        ...(careful && { relativeMass: 0, limit: closerCandidates }),
      });
    return instancesFromHeatmap(decoded.heatmap, image, {
      threshold,
      ...(mask.min_area !== undefined && { minArea: mask.min_area }),
      ...(mask.relative_score !== undefined && { relativeScore: mask.relative_score }),
    });
  }

  /** Every object of a decoder that draws whole instances, the unlikely included. */
  #alternatives({ candidates }: Decoded, image: { width: number; height: number }): readonly Detection[] {
    if (candidates === undefined) return [];
    const threshold = this.#options.threshold ?? this.manifest.mask.threshold;
    return instancesFromCandidates(candidates, image, { threshold, relativeMass: 0.02, limit: 8 });
  }

  /**
   * The detections as answered. The score combines both: the object is present, and it is at this place. After a
   * closer look, candidates with little mass next to the first are dropped, as in the first look.
   */
  #answer(detections: readonly Detection[], presence: number, careful: boolean): readonly Detection[] {
    if (this.manifest.decoder.presence === undefined) return detections;
    const least = careful ? (detections[0]?.score ?? 0) * minRelativeMass : 0;
    return detections
      .filter(({ score }) => score >= least)
      .map((detection) => withScore(detection, answerScore(detection.score, presence, this.manifest)));
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
