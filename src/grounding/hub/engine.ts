import { GraspGroundingError } from "../../errors/index.js";
import type { ColourImage } from "../../geometry/index.js";
import {
  type BackendReport,
  type CallOptions,
  checkImageSide,
  type InferenceBackend,
  type ModelFiles,
  type ModelPart,
  type Tensor,
  type Tensors,
} from "../../inference/index.js";
import { FrameCache } from "../hifics/frame-cache.js";
import type { TextTokenizer } from "../hifics/tokenizer.js";
import { hubModelFiles } from "./files.js";
import { type HubFamily, openHubModel } from "./manifest.js";
import { hubTokenizer } from "./text.js";

export type BackendFactory = (model: ModelFiles) => Promise<InferenceBackend>;

export interface HubOptions {
  /** Frames whose features are cached, 1 or more. Default 4. */
  readonly frameCache?: number;
  /** The weights are on another machine, whose hashes the back end compares: only the settings are read here. */
  readonly runsElsewhere?: boolean;
}

/** A model in the hub's layout, loaded: images to features (cached by content), features and more to outputs. */
export class HubEngine {
  readonly files: ModelFiles;
  readonly tokenizer: TextTokenizer | undefined;
  readonly #backend: InferenceBackend;
  readonly #frames: FrameCache<Promise<Tensors>>;

  private constructor(
    files: ModelFiles,
    tokenizer: TextTokenizer | undefined,
    backend: InferenceBackend,
    options: HubOptions,
  ) {
    this.files = files;
    this.tokenizer = tokenizer;
    this.#backend = backend;
    this.#frames = new FrameCache(options.frameCache ?? 4);
  }

  /**
   * Opens a folder of one of these families: checks the manifest and the hashes, then loads it.
   * @throws GraspGroundingError MODEL_*, PROVIDER_UNAVAILABLE
   */
  static async open(
    folder: string,
    family: HubFamily,
    createBackend: BackendFactory,
    options: HubOptions = {},
  ): Promise<HubEngine> {
    const model = await openHubModel(folder, options.runsElsewhere ? "settings" : "all");
    const { name } = model.manifest;
    if (model.manifest.family !== family)
      throw new GraspGroundingError("MODEL_FAMILY", { name, family: model.manifest.family, wanted: family });
    const files = hubModelFiles(model);
    const tokenizer = model.file("tokenizer") === undefined ? undefined : await hubTokenizer(model);
    return new HubEngine(files, tokenizer, await createBackend(files), options);
  }

  get model(): string {
    return this.files.name;
  }

  get runsOn(): string {
    return this.#backend.description;
  }

  get backendReport(): BackendReport {
    return this.#backend.report?.() ?? {};
  }

  /** Names of the inputs of a part, where the back end knows them. */
  inputsOf(part: ModelPart): readonly string[] | undefined {
    return this.#backend.inputsOf?.(part);
  }

  /** Features of an image; concurrent and later callers with the same image share them. */
  async features(image: ColourImage, options: CallOptions = {}): Promise<Tensors> {
    checkImageSide(image);
    const known = await this.#frames.get(image)?.catch(() => undefined);
    if (known !== undefined) return known;
    const features = this.#backend.encodeImage(image, options);
    this.#frames.set(image, features);
    features.catch(() => this.#frames.delete(features));
    return features;
  }

  /**
   * Tokens of texts: `input_ids` and `attention_mask`.
   * @throws GraspGroundingError MODEL_MISMATCH without a tokenizer
   */
  tokens(texts: readonly string[]): Tensors {
    if (this.tokenizer === undefined) throw this.mismatch("it has no tokenizer");
    return this.tokenizer.batch(texts);
  }

  /**
   * Runs the graph that reads features and query.
   * @throws GraspGroundingError INFERENCE_CANCELLED before the call, INFERENCE_FAILED
   */
  async run(feeds: Tensors, options: CallOptions = {}): Promise<Tensors> {
    if (options.signal?.aborted) throw new GraspGroundingError("INFERENCE_CANCELLED");
    return this.#backend.decode(feeds, options);
  }

  /** An output of the graph. @throws GraspGroundingError MODEL_MISMATCH where it is missing or of another shape */
  output(outputs: Tensors, name: string, fits: (dims: readonly number[]) => boolean, wanted: string): Tensor {
    const tensor = outputs[name];
    if (tensor !== undefined && fits(tensor.dims)) return tensor;
    throw this.mismatch(`output ${name} has shape [${tensor?.dims.join(", ") ?? ""}], wanted ${wanted}`);
  }

  mismatch(detail: string): GraspGroundingError {
    return new GraspGroundingError("MODEL_MISMATCH", { name: this.model, detail });
  }

  close(): Promise<void> {
    return this.#backend.close();
  }
}
