import type { Worker } from "node:worker_threads";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { Tensors } from "../port.js";
import { type InProcessOptions, startWorker } from "./backend.js";
import type { WorkerReply, WorkerRequest } from "./ort-worker.js";

/** One ONNX file on a worker thread of this process, for models that do not come in three parts. */
export class SingleModel {
  readonly #name: string;
  readonly #worker: Worker;
  readonly #pending = new Map<
    number,
    { resolve: (outputs: Tensors) => void; reject: (error: Error) => void }
  >();
  #nextId = 0;

  private constructor(name: string, worker: Worker) {
    this.#name = name;
    this.#worker = worker;
    worker.on("message", (reply: WorkerReply) => {
      const pending = this.#pending.get(reply.id);
      this.#pending.delete(reply.id);
      if (this.#pending.size === 0) worker.unref();
      if (reply.error === undefined) pending?.resolve(reply.outputs);
      else pending?.reject(this.#error(new Error(reply.error)));
    });
    worker.on("error", (error) => this.#fail(error));
    worker.on("exit", () => this.#fail(new Error("the inference thread ended")));
    worker.unref();
  }

  /** @throws GraspGroundingError MODEL_MISMATCH, PROVIDER_UNAVAILABLE */
  static async create(name: string, file: string, options: InProcessOptions = {}): Promise<SingleModel> {
    const { worker } = await startWorker({ name, files: { encoder: file } }, options);
    return new SingleModel(name, worker);
  }

  /** @throws GraspGroundingError INFERENCE_FAILED */
  run(feeds: Tensors): Promise<Tensors> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, part: "encoder", feeds } satisfies WorkerRequest);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(this.#error(error));
    this.#pending.clear();
  }

  #error(cause: Error): GraspGroundingError {
    const details = { detail: describe(cause), name: this.#name };
    return new GraspGroundingError("INFERENCE_FAILED", details, { cause });
  }
}
