import { availableParallelism } from "node:os";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { ColourImage } from "../../geometry/index.js";
import { compiledModule, WorkerClient } from "../../workers/index.js";
import { fitsGraph, pixelFeeds, pixelsName } from "../graphs/index.js";
import type { CallOptions, InferenceBackend, ModelFiles, ModelPart, Tensors } from "../port.js";
import { ImagePreprocessPool } from "../preprocess/image-preprocess-pool.js";
import { checkImageSide } from "../preprocess/preprocess.js";
import { reportSteps, type Timed } from "../steps.js";
import { providerGap } from "./gpu-libraries.js";
import type { InferenceRequest, Loaded, WorkerSettings } from "./ort-worker.js";
import { describePlacement, type ExecutionProvider, type Placement, placementProblem } from "./providers.js";

export interface InProcessOptions {
  /**
   * Execution providers in the order of the attempts: the first that is present and runs the model is used. A provider
   * that is not in the list is never used. Default cpu.
   */
  readonly providers?: readonly ExecutionProvider[];
  /** Fail unless this provider runs all of the model; shape bookkeeping may stay on the CPU. */
  readonly requireProvider?: ExecutionProvider;
  /** Threads inside an operator. Default: as many as the machine has cores, at most 8. */
  readonly threads?: number;
  /** Number of the GPU. Default 0. */
  readonly device?: number;
  /** Limit of a session's arena in GPU memory, in bytes; each model has three sessions. See session-options.ts. */
  readonly memoryLimit?: number;
  /** Folder in which TensorRT stores its engines, so that the next start takes seconds. */
  readonly engineCache?: string;
  /** Let TensorRT compute in half precision. */
  readonly fp16?: boolean;
  /** Run the model once before it counts as loaded. Default: everywhere but on the CPU. */
  readonly warmUp?: boolean;
  /**
   * Where images get the model's size: in `threads` of this process, or in the encoder's `graph`, which then takes
   * pixels. Default `auto`: in the graph on CUDA, where the model's images are stretched with the bilinear filter.
   */
  readonly resize?: ResizePlace;
  /** Encoder and decoder as one graph for the first queries of an image; takes their memory twice. Default false. */
  readonly locate?: boolean;
  /** Called with one line for each provider that was skipped. */
  readonly onNotice?: (line: string) => void;
}

export const resizePlaces = ["auto", "threads", "graph"] as const;
export type ResizePlace = (typeof resizePlaces)[number];

/** A thread that runs the parts of one model. */
export type InferenceThread = WorkerClient<InferenceRequest, Timed<Tensors>, Loaded>;

/**
 * ONNX Runtime on a worker thread of this process: onnxruntime-node's `run` blocks its thread, so it must not be
 * the thread that serves ROS or HTTP. Tensors are copied across (about 0.1 ms a megabyte).
 */
export class InProcessBackend implements InferenceBackend {
  readonly description: string;
  readonly #model: ModelFiles;
  readonly #images: ImagePreprocessPool;
  readonly #inputs: Loaded["inputs"];
  /** The encoder takes pixels of any size. */
  readonly takesPixels: boolean;
  /**
   * Features of an image and the logits of its first queries in one call, so that features are not copied to the
   * thread again. Absent for a model of one graph.
   */
  readonly locate?: NonNullable<InferenceBackend["locate"]>;
  readonly #thread: InferenceThread;
  #rejectFailed: (error: Error) => void = () => undefined;
  /** Rejects when the inference thread ends by itself; never resolves. */
  readonly failed = new Promise<never>((_, reject) => {
    this.#rejectFailed = reject;
  });

  private constructor(model: ModelFiles, { thread, description, inputs }: StartedThread) {
    this.#inputs = inputs;
    this.takesPixels = inputs.encoder?.includes(pixelsName) ?? false;
    if (inputs.encoder !== undefined && inputs.decoder !== undefined)
      this.locate = (...call) => this.#locate(...call);
    this.#model = model;
    this.#images = new ImagePreprocessPool(model.input);
    this.description = `in-process/${description}`;
    this.#thread = thread;
    // A caller may ignore the promise: the next request fails with the same error.
    this.failed.catch(() => undefined);
    thread.onEnd = (error) => this.#rejectFailed(this.#inferenceError(error));
  }

  /** Loads the parts of a model. @throws GraspGroundingError MODEL_MISMATCH, PROVIDER_UNAVAILABLE */
  static async create(model: ModelFiles, options: InProcessOptions = {}): Promise<InProcessBackend> {
    return new InProcessBackend(model, await startThread(model, options));
  }

  async encodeImage(image: ColourImage, options: CallOptions = {}): Promise<Tensors> {
    const { width, height, data } = image;
    if (this.takesPixels) {
      checkImageSide(image);
      return this.encodeFrame(pixelFeeds(image), options);
    }
    const tensors = await this.#images
      .tensors({ kind: "rgb", width, height, data }, options.onStep)
      .catch((error) => {
        throw this.#inferenceError(error as Error);
      });
    return this.#model.files.encoder === undefined
      ? tensors
      : this.#run({ part: "encoder", feeds: tensors }, options, buffersOf(tensors));
  }

  encodeFrame = (feeds: Tensors, options?: CallOptions): Promise<Tensors> =>
    this.#run({ part: "encoder", feeds }, options);
  encodeText = async (feeds: Tensors, options?: CallOptions): Promise<Tensors> =>
    this.#model.files.text === undefined ? {} : this.#run({ part: "text", feeds }, options);
  decode = (feeds: Tensors, options?: CallOptions): Promise<Tensors> =>
    this.#run({ part: "decoder", feeds }, options);

  inputsOf = (part: ModelPart): readonly string[] | undefined => this.#inputs[part];

  async #locate(image: ColourImage, feeds: Tensors, options: CallOptions = {}): Promise<Tensors> {
    const { width, height, data } = image;
    checkImageSide(image);
    const part = this.#inputs.locate === undefined ? "encoder" : "locate";
    const takesPixels = this.#inputs[part]?.includes(pixelsName) ?? false;
    const pixels = takesPixels
      ? pixelFeeds(image)
      : await this.#images.tensors({ kind: "rgb", width, height, data }, options.onStep).catch((error) => {
          throw this.#inferenceError(error as Error);
        });
    return this.#run(
      part === "locate"
        ? { part, feeds: { ...feeds, ...pixels } }
        : { part, feeds: pixels, decoderFeeds: feeds },
      options,
      takesPixels ? [] : buffersOf(pixels),
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#thread.close("the back end was closed"), this.#images.close()]);
  }

  /** @param transfer buffers that move to the thread: made here, and read by nobody else */
  async #run(
    request: InferenceRequest,
    { onStep }: CallOptions = {},
    transfer: readonly ArrayBufferLike[] = [],
  ): Promise<Tensors> {
    const start = performance.now();
    try {
      return await reportSteps(this.#thread.request(request, { transfer }), onStep, start);
    } catch (error) {
      throw this.#inferenceError(error as Error);
    }
  }

  #inferenceError(cause: Error): GraspGroundingError {
    return new GraspGroundingError(
      "INFERENCE_FAILED",
      { detail: describe(cause), name: this.#model.name },
      { cause },
    );
  }
}

const buffersOf = (tensors: Tensors): readonly ArrayBufferLike[] =>
  Object.values(tensors).map(({ data }) => data.buffer);

/** Threads inside an operator: the option, else the machine's cores, at most 8. */
export const inferenceThreads = (options: InProcessOptions): number =>
  options.threads ?? Math.min(8, availableParallelism());

/** A thread that has loaded a model. */
export interface StartedThread {
  readonly thread: InferenceThread;
  /** Providers that it runs on, as they are shown. */
  readonly description: string;
  readonly inputs: Loaded["inputs"];
}

/** Starts a thread on the first provider that runs the model. @throws MODEL_MISMATCH, PROVIDER_UNAVAILABLE */
export async function startThread(
  model: Pick<ModelFiles, "name" | "files" | "session" | "tokens"> &
    Partial<Pick<ModelFiles, "outputs" | "warmUpFeeds" | "input">>,
  options: InProcessOptions,
): Promise<StartedThread> {
  const { requireProvider, onNotice } = options;
  const providers = options.providers ?? [requireProvider ?? "cpu"];
  if (requireProvider !== undefined && !providers.includes(requireProvider)) {
    const detail = `it is required, and --provider ${providers.join(",")} leaves it out`;
    throw new GraspGroundingError("PROVIDER_UNAVAILABLE", { provider: requireProvider, detail });
  }
  const onGpu = providers.some((provider) => provider === "cuda" || provider === "tensorrt");
  if (onGpu && (options.memoryLimit !== undefined || options.fp16))
    onNotice?.(
      "onnxruntime-node may not hand the limit of GPU memory, or fp16, to the provider; watch nvidia-smi",
    );
  const passedOver: string[] = [];
  for (const [i, provider] of providers.entries()) {
    try {
      const rest = providers.slice(i);
      const { thread, placement, inputs } = await tryProviders(model, options, rest);
      const problem = placement && placementProblem(requireProvider ?? provider, placement);
      const none = placement !== undefined && (placement.operators[provider] ?? 0) === 0;
      if (problem !== undefined && (none || requireProvider !== undefined)) {
        await thread.close();
        throw new GraspGroundingError("PROVIDER_UNAVAILABLE", { provider, detail: problem });
      }
      const ran = describePlacement(provider, placement);
      const description = passedOver.length === 0 ? ran : `${ran} (not ${passedOver.join(", ")})`;
      return { thread, description, inputs };
    } catch (error) {
      const last = i === providers.length - 1;
      const unavailable = error instanceof GraspGroundingError && error.code === "PROVIDER_UNAVAILABLE";
      if (last || !unavailable || provider === requireProvider) throw error;
      passedOver.push(provider);
      onNotice?.(`${describe(error)}; trying ${providers.slice(i + 1).join(", then ")}`);
    }
  }
  throw new GraspGroundingError("PROVIDER_UNAVAILABLE", { provider: "", detail: "none is named" });
}

async function tryProviders(
  model: Parameters<typeof startThread>[0],
  options: InProcessOptions,
  providers: readonly ExecutionProvider[],
): Promise<
  Pick<Loaded, "inputs"> & { readonly thread: InferenceThread; readonly placement: Placement | undefined }
> {
  const { device = 0, memoryLimit, engineCache, fp16, warmUp } = options;
  const { outputs = {} } = model;
  const workerData: WorkerSettings = {
    files: model.files,
    outputs: { ...outputs, locate: [...(outputs.encoder ?? []), ...(outputs.decoder ?? [])] },
    providers,
    threads: inferenceThreads(options),
    device,
    memoryLimit,
    engineCache,
    fp16,
    session: model.session,
    warmUp: warmUp ?? providers[0] !== "cpu",
    tokens: model.tokens ?? 8,
    warmUpFeeds: model.warmUpFeeds ?? {},
    ...graphSettings(model, options, providers[0]),
  };
  const thread: InferenceThread = new WorkerClient(compiledModule(import.meta.url, "./ort-worker.js"), {
    name: "inference thread",
    workerData,
  });
  try {
    const { placement, inputs } = await thread.started();
    return { thread, placement, inputs };
  } catch (error) {
    await thread.close();
    throw await loadError(model.name, providers[0] ?? "cpu", error as Error);
  }
}

/** Which graphs are joined when the model is loaded. @throws MODEL_MISMATCH */
function graphSettings(
  { name, input, files }: Parameters<typeof startThread>[0],
  { resize = "auto", locate = false }: InProcessOptions,
  provider: ExecutionProvider | undefined,
) {
  const possible = input !== undefined && files.encoder !== undefined && fitsGraph(input);
  if (resize === "graph" && !possible) {
    const detail =
      "its images are not resized in the graph: only a stretched, bilinear input of an encoder is";
    throw new GraspGroundingError("MODEL_MISMATCH", { name, detail });
  }
  // TensorRT would build its engine again for each size of image.
  const inGraph = possible && (resize === "graph" || (resize === "auto" && provider === "cuda"));
  return { pixelInput: inGraph ? input : undefined, needsPixels: resize === "graph", locate };
}

async function loadError(name: string, provider: ExecutionProvider, cause: Error) {
  const text = describe(cause);
  if (provider === "cpu" || !/provider|backend|adapter|CUDA|cuDNN|TensorRT|shared library/i.test(text))
    return new GraspGroundingError("MODEL_MISMATCH", { name, detail: text }, { cause });
  // ONNX Runtime reports that a library could not be loaded, but not which or why.
  const gap = await providerGap(provider);
  const detail = gap?.detail ?? text;
  return new GraspGroundingError("PROVIDER_UNAVAILABLE", { provider, detail }, { cause });
}
