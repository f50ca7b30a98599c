import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { describe, GraspGroundingError } from "../errors/index.js";
import type { WorkerReply, WorkerRequest } from "./ort-worker.js";
import type { InferenceBackend, ModelFiles, ModelPart, Tensors } from "./port.js";

export type ExecutionProvider = "cpu" | "cuda" | "tensorrt" | "webgpu";

export interface InProcessOptions {
  /** Execution provider; there is no silent fallback to another. Default cpu. */
  readonly provider?: ExecutionProvider;
  /** Threads inside an operator. Default: as many as the machine gives, at most 8. */
  readonly threads?: number;
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
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #failure: Error | undefined;

  private constructor(model: string, provider: ExecutionProvider, worker: Worker) {
    this.#model = model;
    this.description = `in-process/${provider}`;
    this.#worker = worker;
    worker.on("message", (reply: WorkerReply) => this.#settle(reply));
    worker.on("error", (error) => this.#fail(error));
    worker.on("exit", (code) => this.#fail(new Error(`the inference thread ended (${code})`)));
  }

  /** Loads the three parts. @throws GraspGroundingError MODEL_MISMATCH, PROVIDER_UNAVAILABLE */
  static async create(model: ModelFiles, options: InProcessOptions = {}): Promise<InProcessBackend> {
    const provider = options.provider ?? "cpu";
    const threads = inferenceThreads(options);
    const worker = new Worker(workerUrl(), { workerData: { files: model.files, provider, threads } });
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error) => reject(loadError(model.name, provider, error));
      worker.once("error", fail);
      worker.once("message", (reply: WorkerReply) => {
        worker.off("error", fail);
        if (reply.error === undefined) resolve();
        else void worker.terminate().then(() => fail(new Error(reply.error)));
      });
    });
    worker.unref();
    return new InProcessBackend(model.name, provider, worker);
  }

  encodeFrame = (feeds: Tensors): Promise<Tensors> => this.#run("encoder", feeds);
  encodeText = (feeds: Tensors): Promise<Tensors> => this.#run("text", feeds);
  decode = (feeds: Tensors): Promise<Tensors> => this.#run("decoder", feeds);

  async close(): Promise<void> {
    this.#fail(new Error("the back end was closed"));
    await this.#worker.terminate();
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

function loadError(name: string, provider: ExecutionProvider, cause: Error): GraspGroundingError {
  const detail = describe(cause);
  return /provider|backend/i.test(detail) && provider !== "cpu"
    ? new GraspGroundingError("PROVIDER_UNAVAILABLE", { provider, detail }, { cause })
    : new GraspGroundingError("MODEL_MISMATCH", { name, detail }, { cause });
}

/** The compiled worker, also when this file itself runs from source (as it does under the test runner). */
export function workerUrl(): URL {
  const here = import.meta.url.replace("/src/inference/", "/dist/inference/");
  return new URL("./ort-worker.js", here);
}
