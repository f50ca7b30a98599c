import { Worker } from "node:worker_threads";
import { describe, type ErrorCode, GraspGroundingError } from "../errors/index.js";
import { compiledModule } from "../workers/index.js";
import {
  type BackendStatus,
  type CallMessage,
  type CancelRequest,
  hasFailed,
  type Job,
  type JobReply,
  type JobResult,
  type PipelineCall,
  type Problem,
} from "./job.js";
import { awaitState, createState, type StartData } from "./worker-state.js";

export interface PipelineSource {
  /** URL of a module that exports `createPipeline(options): Promise<Bridge>`. */
  readonly module: string;
  readonly options: unknown;
}

/** A failed job: the code of the catalogue and its line. */
export class JobError extends Error {
  readonly code: string;
  constructor({ code, message }: Problem) {
    super(message);
    this.code = code;
  }
}

/** The pipeline on a thread of its own. Jobs are answered in their order. */
export class PipelineHost {
  readonly model: string;
  readonly #worker: Worker;
  readonly #pending = new Map<number, { resolve: (done: never) => void; reject: (error: Error) => void }>();
  #nextId = 1;
  #ended: Error | undefined;
  /** Where the model runs, and what the back end last said of itself. */
  backend: BackendStatus["backend"] | undefined;
  /** Called once when the thread ends by itself. */
  onEnd: ((error: Error) => void) | undefined;

  private constructor(worker: Worker, model: string) {
    this.#worker = worker;
    this.model = model;
    worker.on("message", (reply: JobReply | BackendStatus) => {
      if ("backend" in reply) this.backend = reply.backend;
      else this.#settle(reply);
    });
    worker.on("error", (error) => this.#end(error));
    worker.on("exit", (code) => this.#end(new Error(`exit code ${code}`)));
  }

  /**
   * Starts the thread and blocks until its model is loaded: a lifecycle transition answers when it is done, and
   * rclnodejs's transitions are synchronous.
   * @throws GraspGroundingError PIPELINE_TIMEOUT; Error with the pipeline's own line when it cannot be made.
   */
  static startBlocking(source: PipelineSource, timeoutSeconds: number): PipelineHost {
    const state = createState();
    const worker = new Worker(compiledModule(import.meta.url, "./pipeline-worker.js"), {
      workerData: { ...source, state } satisfies StartData,
      stdout: false,
      stderr: false,
    });
    const started = awaitState(state, timeoutSeconds * 1e3);
    if (started?.ready === true) return new PipelineHost(worker, started.model);
    worker.on("error", () => {});
    void worker.terminate();
    if (started === undefined) throw new GraspGroundingError("PIPELINE_TIMEOUT", { seconds: timeoutSeconds });
    throw new JobError(started);
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /**
   * Moves the images' memory to the thread.
   * @param signal gives up what is not done of it, which fails it with INFERENCE_CANCELLED; what is done by then is answered
   * @throws JobError, GraspGroundingError PIPELINE_ENDED
   */
  run(job: Omit<Job, "id">, signal?: AbortSignal): Promise<JobResult> {
    if (this.#ended !== undefined) return Promise.reject(this.#endedError());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const move = [job.frame?.colour.cdr, job.frame?.depth?.cdr]
        .filter((each) => each !== undefined && each.byteLength === each.buffer.byteLength)
        .map((each) => each!.buffer as ArrayBuffer);
      // An image that has moved already would be lost on the way without a word.
      if (move.some((each) => each.byteLength === 0))
        throw new RangeError("the image was handed over before");
      this.#worker.postMessage({ ...job, id } satisfies Job, move);
      this.#pending.set(id, { resolve, reject });
      signal?.addEventListener("abort", () => this.#cancel(id), { once: true });
    });
  }

  /** Has the bridge do something on an image of the caller's, which is copied. @throws as `run` */
  call(call: PipelineCall): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#endedError());
    const id = this.#nextId++;
    return new Promise<unknown>((resolve, reject) => {
      this.#worker.postMessage({ id, call } satisfies CallMessage);
      this.#pending.set(id, { resolve, reject });
    });
  }

  async close(): Promise<void> {
    this.onEnd = undefined;
    const exit = new Promise<void>((resolve) => this.#worker.once("exit", () => resolve()));
    if (this.#ended === undefined) this.#worker.postMessage("close");
    // A job in progress does not delay leaving for long: what it would answer nobody waits for.
    const timer = setTimeout(() => void this.#worker.terminate(), 2_000);
    if (this.#ended === undefined) await exit;
    clearTimeout(timer);
  }

  #cancel(id: number): void {
    if (this.#pending.has(id)) this.#worker.postMessage({ cancel: id } satisfies CancelRequest);
  }

  #settle(reply: JobReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (hasFailed(reply)) pending?.reject(new JobError(reply.failure));
    else pending?.resolve(("value" in reply ? reply.value : reply) as never);
  }

  #end(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    for (const { reject } of this.#pending.values()) reject(this.#endedError());
    this.#pending.clear();
    this.onEnd?.(this.#endedError());
  }

  #endedError(): GraspGroundingError {
    const code: ErrorCode = "PIPELINE_ENDED";
    return new GraspGroundingError(code, { detail: describe(this.#ended) }, { cause: this.#ended });
  }
}
