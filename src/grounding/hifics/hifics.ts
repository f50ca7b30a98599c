import { LRUCache } from "lru-cache";
import { GraspGroundingError } from "../../errors/index.js";
import type { ColourImage, RgbdFrame } from "../../geometry/index.js";
import {
  type BackendReport,
  type CallOptions,
  elementCount,
  type InferenceBackend,
  type ModelFiles,
  minImageSide,
  type Tensor,
  type Tensors,
} from "../../inference/index.js";
import { cleanQuery } from "../query/clean.js";
import type { Grounder, Grounding, Heatmap } from "../types.js";
import { FrameCache } from "./frame-cache.js";
import { instancesFromHeatmap } from "./instances.js";
import { type Manifest, modelFiles, readManifest, verifyFiles } from "./manifest.js";
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

/**
 * HiFi-CS (arXiv 2409.10419): features of a frozen encoder, modulated level by level with the query (FiLM), decoded
 * to a mask. A frame is encoded once for all its queries, a query once for all its frames: both are cached by content.
 */
export class HifiCs implements Grounder {
  readonly manifest: Manifest;
  readonly #backend: InferenceBackend;
  readonly #tokenizer: TextTokenizer;
  readonly #frames: FrameCache<Promise<Tensors>>;
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
    options: CallOptions = {},
  ): Promise<readonly Grounding[]> {
    const cleaned = queries.map(cleanQuery);
    if (cleaned.length === 0) return [];
    const clock = stopwatch();
    checkSize(frame.colour);
    const features = await this.#encodeImage(frame.colour, options);
    const encode = clock();
    // A back end in this process finishes a call that it began; later calls are not made.
    if (options.signal?.aborted) throw new GraspGroundingError("INFERENCE_CANCELLED");
    const texts = await this.#encodeTexts(cleaned, options);
    const text = clock();
    const maps = await this.#decode(features, texts, options);
    const decode = clock();
    return maps.map(({ heatmap, presence }, i) => {
      const found = presence >= (this.#options.foundThreshold ?? this.manifest.found.threshold);
      const detections = found ? this.#instances(heatmap, frame.colour, presence) : [];
      const instances = clock();
      return {
        query: cleaned[i] as string,
        model: this.model,
        backend: this.runsOn,
        found: detections.length > 0,
        detections,
        presence,
        heatmap,
        timings: { encode, text, decode, instances },
      };
    });
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  async #encodeImage(image: ColourImage, options: CallOptions): Promise<Tensors> {
    const known = this.#frames.get(image);
    if (known !== undefined) {
      const features = await known.catch(() => undefined);
      // The first caller may have cancelled; a second caller must not fail for that.
      if (features !== undefined) return features;
    }
    const features = this.#backend.encodeImage(image, options);
    this.#frames.set(image, features);
    features.catch(() => this.#frames.delete(features));
    return features;
  }

  /** One query a call, so that padding never changes a result; each query is encoded once. */
  async #encodeTexts(queries: readonly string[], options: CallOptions): Promise<readonly Tensors[]> {
    const missing = [...new Set(queries)].filter((query) => this.#texts.get(query) === undefined);
    for (const query of missing) {
      const tokens = this.#tokenizer.batch([query]);
      this.#texts.set(query, { ...tokens, ...(await this.#backend.encodeText(tokens, options)) });
    }
    return queries.map((query) => this.#texts.get(query) as Tensors);
  }

  async #decode(
    features: Tensors,
    texts: readonly Tensors[],
    options: CallOptions,
  ): Promise<{ heatmap: Heatmap; presence: number }[]> {
    const maps: { heatmap: Heatmap; presence: number }[] = [];
    for (let start = 0; start < texts.length; start += decodeBatch) {
      const rows = texts.slice(start, start + decodeBatch);
      const outputs = await this.#backend.decode(this.#decoderFeeds(features, rows), options);
      maps.push(...this.#readOutputs(outputs, rows.length));
    }
    return maps;
  }

  #decoderFeeds(features: Tensors, texts: readonly Tensors[]): Tensors {
    const feeds: Record<string, Tensor> = {};
    for (const name of this.manifest.decoder.inputs) {
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

  #readOutputs(outputs: Tensors, rows: number): { heatmap: Heatmap; presence: number }[] {
    const { output, presence: presenceName } = this.manifest.decoder;
    const logits = outputs[output];
    if (logits?.dims.length !== 4 || logits.dims[0] !== rows) {
      const detail = `output ${output} has shape [${logits?.dims.join(", ") ?? ""}], wanted [${rows}, 1, h, w]`;
      throw new GraspGroundingError("MODEL_MISMATCH", { name: this.model, detail });
    }
    const [, , height, width] = logits.dims as [number, number, number, number];
    const sign = this.manifest.mask.polarity === "background" ? -1 : 1;
    const plane = width * height;
    const presence = presenceName === undefined ? undefined : outputs[presenceName]?.data;
    return Array.from({ length: rows }, (_, row) => {
      const data = new Float32Array(plane);
      let top = 0;
      for (let i = 0; i < plane; i++) {
        const p = sigmoid(sign * Number(logits.data[row * plane + i]));
        data[i] = p;
        if (p > top) top = p;
      }
      return { heatmap: { width, height, data }, presence: presence ? sigmoid(Number(presence[row])) : top };
    });
  }

  #instances(heatmap: Heatmap, image: { width: number; height: number }, presence: number) {
    const { mask } = this.manifest;
    const detections = instancesFromHeatmap(heatmap, image, {
      threshold: this.#options.threshold ?? mask.threshold,
      ...(mask.min_area !== undefined && { minArea: mask.min_area }),
      ...(mask.relative_score !== undefined && { relativeScore: mask.relative_score }),
    });
    // The score combines both: that the object is present, and that it is at this place.
    return this.manifest.decoder.presence === undefined
      ? detections
      : detections.map((detection) => ({ ...detection, score: detection.score * presence }));
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

function checkSize({ width, height }: ColourImage): void {
  if (width < minImageSide || height < minImageSide)
    throw new GraspGroundingError("IMAGE_TOO_SMALL", {
      path: "image",
      width,
      height,
      limit: minImageSide,
    });
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Milliseconds since the previous call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const elapsed = now - last;
    last = now;
    return elapsed;
  };
}
