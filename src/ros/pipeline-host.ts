import { describe, GraspGroundingError } from "../errors/index.js";
import { compiledModule, WorkerClient, WorkerEndedError, WorkerRequestError } from "../workers/index.js";
import type {
  BackendStatus,
  FusedView,
  FuseRequest,
  Job,
  JobResult,
  PipelineCall,
  PipelineRequest,
  Problem,
} from "./job.js";
import { awaitClosed, awaitState, createState, type StartData } from "./worker-state.js";

export interface PipelineSource {
  /** URL of a module that exports `createPipeline(options): Promise<GraspPipeline>`. */
  readonly module: string;
  readonly options: unknown;
}

type PipelineThread = WorkerClient<PipelineRequest, unknown, undefined, BackendStatus>;

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
  /** Shared memory of threads that were told to close and have not ended. */
  static readonly #closing = new Set<SharedArrayBuffer>();
  readonly model: string;
  readonly #thread: PipelineThread;
  readonly #state: SharedArrayBuffer;
  /** Provider or worker that the model runs on, and the back end's last report. */
  backend: BackendStatus["backend"] | undefined;
  /** Called once when the thread ends by itself. */
  onEnd: ((error: Error) => void) | undefined;

  private constructor(thread: PipelineThread, model: string, state: SharedArrayBuffer) {
    this.#thread = thread;
    this.model = model;
    this.#state = state;
    thread.onEnd = (error) => this.onEnd?.(pipelineEnded(error));
  }

  /**
   * Starts the thread and blocks until its model is loaded: a lifecycle transition answers when it is done, and
   * rclnodejs's transitions are synchronous. A thread that closes frees its model first, so that the two never need
   * memory at the same time.
   * @throws GraspGroundingError PIPELINE_TIMEOUT; JobError with the pipeline's own line when it cannot be made.
   */
  static startBlocking(source: PipelineSource, timeoutSeconds: number): PipelineHost {
    for (const closing of PipelineHost.#closing) awaitClosed(closing, closeTimeoutMs);
    const state = createState();
    let host: PipelineHost | undefined;
    const thread: PipelineThread = new WorkerClient(compiledModule(import.meta.url, "./pipeline-worker.js"), {
      name: "pipeline thread",
      workerData: { ...source, state } satisfies StartData,
      keepProcessAlive: true,
      onEvent: ({ backend }) => {
        if (host !== undefined) host.backend = backend;
      },
    });
    const started = awaitState(state, timeoutSeconds * 1e3);
    if (started?.ready === true) {
      host = new PipelineHost(thread, started.model, state);
      return host;
    }
    // It ends in order: sockets that are open when a thread is terminated abort the process (zeromq.js issue 411).
    void thread.close("closed", closeTimeoutMs);
    if (started === undefined) throw new GraspGroundingError("PIPELINE_TIMEOUT", { seconds: timeoutSeconds });
    throw new JobError(started);
  }

  get ended(): boolean {
    return this.#thread.ended !== undefined;
  }

  /**
   * Moves the images' memory to the thread.
   * @param signal cancels the rest of the job, which then fails with INFERENCE_CANCELLED; a finished part is answered
   * @throws JobError, GraspGroundingError PIPELINE_ENDED
   */
  async run(job: Job, signal?: AbortSignal): Promise<JobResult> {
    const transfer = [job.frame?.colour.cdr, job.frame?.depth?.cdr]
      .filter((each) => each !== undefined && each.byteLength === each.buffer.byteLength)
      .map((each) => each!.buffer);
    // Memory that has moved before is empty, and posting it again would lose the image silently.
    if (!this.ended && transfer.some((each) => each.byteLength === 0))
      throw new RangeError("the image was handed over before");
    return (await this.#request({ job }, { transfer, signal })) as JobResult;
  }

  /** Calls the pipeline with an image of the caller's, which is copied. @throws as `run` */
  call(call: PipelineCall): Promise<unknown> {
    return this.#request({ call });
  }

  /** Plans on two images. @returns undefined where the second does not show the object. @throws as `run` */
  fuse(fuse: FuseRequest): Promise<FusedView | undefined> {
    return this.#request({ fuse }) as Promise<FusedView | undefined>;
  }

  async close(): Promise<void> {
    this.onEnd = undefined;
    PipelineHost.#closing.add(this.#state);
    try {
      // Nobody waits for the answer of a job in progress, so it delays the end for two seconds at most.
      await this.#thread.close("closed", closeTimeoutMs);
    } finally {
      PipelineHost.#closing.delete(this.#state);
    }
  }

  async #request(...request: Parameters<PipelineThread["request"]>): Promise<unknown> {
    try {
      return await this.#thread.request(...request);
    } catch (error) {
      if (error instanceof WorkerEndedError) throw pipelineEnded(error);
      if (!(error instanceof WorkerRequestError)) throw error;
      throw new JobError({ code: error.code ?? "INTERNAL", message: error.message });
    }
  }
}

const closeTimeoutMs = 2_000;

const pipelineEnded = ({ cause }: WorkerEndedError): GraspGroundingError =>
  new GraspGroundingError("PIPELINE_ENDED", { detail: describe(cause) }, { cause });
