import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { ColourImage } from "../../geometry/index.js";
import { compiledModule } from "../../workers/index.js";
import type { InferenceBackend, ModelFiles, ModelPart, Tensors } from "../port.js";
import { ImagePreprocessPool } from "../preprocess/image-preprocess-pool.js";
import { providerGap } from "./gpu-libraries.js";
import type { WorkerReply, WorkerRequest, WorkerSettings } from "./ort-worker.js";
import { describePlacement, type ExecutionProvider, type Placement, placementProblem } from "./providers.js";

export interface InProcessOptions {
  /**
   * Execution providers in the order they are tried: the first that is there and runs the model is taken. What is not in
   * the list is never taken instead. Default cpu.
   */
  readonly providers?: readonly ExecutionProvider[];
  /** Fail unless all of the model's work runs on this one; shape bookkeeping may stay on the CPU. */
  readonly requireProvider?: ExecutionProvider;
  /** Threads inside an operator. Default: as many as the machine gives, at most 8. */
  readonly threads?: number;
  /** Number of the GPU. Default 0. */
  readonly device?: number;
  /** Most bytes of GPU memory a session's arena may take; each model has three sessions. See session-options.ts. */
  readonly memoryLimit?: number;
  /** Folder in which TensorRT keeps the engines it built, so that the next start takes seconds. */
  readonly engineCache?: string;
  /** Let TensorRT compute in half precision. */
  readonly fp16?: boolean;
  /** Run the model once before it counts as loaded. Default: everywhere but on the CPU. */
  readonly warmUp?: boolean;
  /** Told, in one line each, of providers that were passed over. */
  readonly onNotice?: (line: string) => void;
}

interface Pending {
  readonly resolve: (reply: Tensors) => void;
  readonly reject: (error: Error) => void;
}

/**
 * ONNX Runtime on a worker thread of this process: onnxruntime-node's `run` blocks its thread, so it must not be
 * the one that serves ROS or HTTP. Tensors are copied across (about 0.1 ms a megabyte).
 */
export class InProcessBackend implements InferenceBackend {
  readonly description: string;
  readonly #model: string;
  readonly #input: string;
  readonly #images: ImagePreprocessPool;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #failure: Error | undefined;
  #rejectFailed: (error: Error) => void = () => undefined;
  /** Rejects when the inference thread ends by itself; never resolves. */
  readonly failed = new Promise<never>((_, reject) => {
    this.#rejectFailed = reject;
  });

  private constructor(model: ModelFiles, description: string, worker: Worker) {
    this.#model = model.name;
    this.#input = model.input.name;
    this.#images = new ImagePreprocessPool(model.input);
    this.description = `in-process/${description}`;
    this.#worker = worker;
    // Whoever wants to know awaits it; a request that fails says so too.
    this.failed.catch(() => undefined);
    worker.on("message", (reply: WorkerReply) => this.#settle(reply));
    worker.on("error", (error) => this.#fail(error));
    worker.on("exit", (code) => this.#fail(new Error(`the inference thread ended (${code})`)));
  }

  /** Loads the parts of a model. @throws GraspGroundingError MODEL_MISMATCH, PROVIDER_UNAVAILABLE */
  static async create(model: ModelFiles, options: InProcessOptions = {}): Promise<InProcessBackend> {
    const { worker, description } = await startWorker(model, options);
    worker.unref();
    return new InProcessBackend(model, description, worker);
  }

  async encodeImage(image: ColourImage): Promise<Tensors> {
    const { width, height, data } = image;
    const tensor = await this.#images.tensor({ kind: "rgb", width, height, data }).catch((error) => {
      throw this.#inferenceError(error as Error);
    });
    return this.encodeFrame({ [this.#input]: tensor });
  }

  encodeFrame = (feeds: Tensors): Promise<Tensors> => this.#run("encoder", feeds);
  encodeText = (feeds: Tensors): Promise<Tensors> => this.#run("text", feeds);
  decode = (feeds: Tensors): Promise<Tensors> => this.#run("decoder", feeds);

  async close(): Promise<void> {
    this.#fail(new Error("the back end was closed"));
    await Promise.all([this.#worker.terminate(), this.#images.close()]);
  }

  #run(part: ModelPart, feeds: Tensors): Promise<Tensors> {
    if (this.#failure !== undefined) return Promise.reject(this.#inferenceError(this.#failure));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, part, feeds } satisfies WorkerRequest);
    });
  }

  #settle(reply: WorkerReply): void {
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if (reply.error !== undefined) pending.reject(this.#inferenceError(new Error(reply.error)));
    else pending.resolve(reply.outputs);
  }

  #fail(error: Error): void {
    if (this.#failure === undefined) this.#rejectFailed(this.#inferenceError(error));
    this.#failure ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#inferenceError(error));
    this.#pending.clear();
  }

  #inferenceError(cause: Error): GraspGroundingError {
    return new GraspGroundingError(
      "INFERENCE_FAILED",
      { detail: describe(cause), name: this.#model },
      { cause },
    );
  }
}

/** Threads inside an operator: what was asked for, else as many as the machine gives, at most 8. */
export const inferenceThreads = (options: InProcessOptions): number =>
  options.threads ?? Math.min(8, availableParallelism());

/** A thread that has loaded a model, and what it runs on. */
export interface StartedWorker {
  readonly worker: Worker;
  readonly description: string;
}

/** Starts a thread on the first provider that runs the model. @throws MODEL_MISMATCH, PROVIDER_UNAVAILABLE */
export async function startWorker(
  model: Pick<ModelFiles, "name" | "session" | "tokens"> & { readonly files: WorkerSettings["files"] },
  options: InProcessOptions,
): Promise<StartedWorker> {
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
      const { worker, placement } = await tryProviders(model, options, rest);
      const problem = placement && placementProblem(requireProvider ?? provider, placement);
      const none = placement !== undefined && (placement.operators[provider] ?? 0) === 0;
      if (problem !== undefined && (none || requireProvider !== undefined)) {
        await worker.terminate();
        throw new GraspGroundingError("PROVIDER_UNAVAILABLE", { provider, detail: problem });
      }
      const ran = describePlacement(provider, placement);
      return { worker, description: passedOver.length === 0 ? ran : `${ran} (not ${passedOver.join(", ")})` };
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
  model: Parameters<typeof startWorker>[0],
  options: InProcessOptions,
  providers: readonly ExecutionProvider[],
): Promise<{ worker: Worker; placement: Placement | undefined }> {
  const { device = 0, memoryLimit, engineCache, fp16, warmUp } = options;
  const workerData: WorkerSettings = {
    files: model.files,
    providers,
    threads: inferenceThreads(options),
    device,
    memoryLimit,
    engineCache,
    fp16,
    session: model.session,
    warmUp: warmUp ?? providers[0] !== "cpu",
    tokens: model.tokens ?? 8,
  };
  const worker = new Worker(compiledModule(import.meta.url, "./ort-worker.js"), { workerData });
  const placement = await new Promise<Placement | undefined>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", (reply: WorkerReply) => {
      worker.off("error", reject);
      if (reply.error === undefined) resolve(reply.placement);
      else void worker.terminate().then(() => reject(new Error(reply.error)));
    });
  }).catch(async (error: Error) => {
    throw await loadError(model.name, providers[0] ?? "cpu", error);
  });
  return { worker, placement };
}

async function loadError(name: string, provider: ExecutionProvider, cause: Error) {
  const text = describe(cause);
  if (provider === "cpu" || !/provider|backend|adapter|CUDA|cuDNN|TensorRT|shared library/i.test(text))
    return new GraspGroundingError("MODEL_MISMATCH", { name, detail: text }, { cause });
  // ONNX Runtime says that a library could not be loaded, not which or why.
  const gap = await providerGap(provider);
  const detail = gap?.detail ?? text;
  return new GraspGroundingError("PROVIDER_UNAVAILABLE", { provider, detail }, { cause });
}
