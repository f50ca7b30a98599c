import { GraspGroundingError } from "../../errors/index.js";
import type { Message, MetaOf, WorkerErrorCode } from "./protocol.js";
import { metaOf, ProtocolError } from "./protocol.js";
import type { WorkerConnection } from "./worker-connection.js";

export interface PoolOptions {
  /** Requests that wait for a worker at most. Default 256. */
  readonly maxQueue?: number;
  /** Limit of requests at one worker; the rest waits here for the first free worker. Default 4. */
  readonly window?: number;
  /** Milliseconds a request may take in all. Default 10,000. */
  readonly timeout?: number;
}

export interface JobRequest {
  readonly kind: "encode" | "text" | "decode";
  /** Makes the message; `full` adds the image to a request that otherwise only names it. */
  readonly build: (
    connection: WorkerConnection,
    full: boolean,
  ) => { readonly meta: object; readonly blobs: readonly Uint8Array[] };
  /** Whether the worker has the features that the request names: it is then preferred. */
  readonly has?: (connection: WorkerConnection) => boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly connection: WorkerConnection;
  readonly meta: MetaOf<"result">;
  readonly blobs: readonly Uint8Array[];
}

interface Job extends JobRequest {
  readonly expires: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  /** Workers that failed it. */
  readonly failedOn: Map<WorkerConnection, string>;
  /** Workers that lost or failed it. */
  tries: number;
  full: boolean;
  sent: { readonly connection: WorkerConnection; readonly id: number } | undefined;
  done: boolean;
}

/** Limit of workers for one request: one, and after a failure one more. */
const attempts = 2;

/** Requests that wait for workers or are at one: each is answered once, by a result or an error. */
export class JobPool {
  readonly #links: readonly WorkerConnection[];
  readonly #maxQueue: number;
  readonly #window: number;
  readonly #timeout: number;
  readonly #queue: Job[] = [];
  readonly #open = new Set<Job>();
  readonly #sent = new Map<WorkerConnection, Map<number, Job>>();
  readonly counts = { requests: 0, answered: 0, failed: 0, retried: 0, expired: 0, cancelled: 0, refused: 0 };
  #turn = 0;

  constructor(links: readonly WorkerConnection[], options: PoolOptions) {
    this.#links = links;
    this.#maxQueue = options.maxQueue ?? 256;
    this.#window = options.window ?? 4;
    this.#timeout = options.timeout ?? 10_000;
    for (const connection of links) this.#sent.set(connection, new Map());
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * @throws GraspGroundingError INFERENCE_BUSY, INFERENCE_TIMEOUT, INFERENCE_CANCELLED, INFERENCE_FAILED, WORKER_LOST
   */
  submit(request: JobRequest): Promise<Answer> {
    this.counts.requests++;
    if (request.signal?.aborted) return Promise.reject(this.#given("cancelled"));
    if (this.#queue.length >= this.#maxQueue) {
      this.counts.refused++;
      return Promise.reject(new GraspGroundingError("INFERENCE_BUSY", { waiting: this.#queue.length }));
    }
    return new Promise((resolve, reject) => {
      const expires = performance.now() + this.#timeout;
      const timer = setTimeout(() => this.#end(job, this.#given("expired")), this.#timeout);
      const abort = () => this.#end(job, this.#given("cancelled"));
      const finish = () => {
        clearTimeout(timer);
        request.signal?.removeEventListener("abort", abort);
      };
      const job: Job = {
        ...request,
        expires,
        resolve: (answer) => {
          finish();
          resolve(answer);
        },
        reject: (error) => {
          finish();
          reject(error);
        },
        failedOn: new Map(),
        tries: 0,
        full: false,
        sent: undefined,
        done: false,
      };
      request.signal?.addEventListener("abort", abort, { once: true });
      this.#open.add(job);
      this.#queue.push(job);
      this.pump();
    });
  }

  /** Sends waiting requests to free workers. */
  pump(): void {
    for (const job of [...this.#queue]) {
      const connection = this.#choose(job);
      if (connection === undefined) continue;
      this.#queue.splice(this.#queue.indexOf(job), 1);
      this.#send(job, connection);
    }
  }

  answer(connection: WorkerConnection, id: number, message: Message): void {
    const job = this.#sent.get(connection)?.get(id);
    this.#sent.get(connection)?.delete(id);
    if (job === undefined || job.done) throw new ProtocolError("late", "answers nothing that is waited for");
    job.sent = undefined;
    if (message.kind === "error") {
      const { code, detail } = metaOf("error", message);
      this.#refused(job, connection, code, detail);
    } else {
      this.#succeeded(job, connection, message);
    }
    this.pump();
  }

  lost(connection: WorkerConnection, why: string): void {
    const jobs = [...(this.#sent.get(connection)?.values() ?? [])];
    this.#sent.get(connection)?.clear();
    for (const job of jobs) {
      job.sent = undefined;
      this.#failed(job, connection, why);
    }
    this.pump();
  }

  /** Fails all open requests. */
  close(error: Error): void {
    for (const job of [...this.#open]) this.#end(job, error);
  }

  #choose(job: Job): WorkerConnection | undefined {
    const now = performance.now();
    const ready = this.#links.filter(
      (connection) => connection.state === "ready" && connection.busyUntil <= now,
    );
    const fresh = ready.filter((connection) => !job.failedOn.has(connection));
    // Without another worker, the restarted one gets the request again.
    const able = (fresh.length > 0 || this.#links.length > 1 ? fresh : ready).filter(
      (connection) => connection.inFlight.size < this.#window,
    );
    let best: WorkerConnection | undefined;
    let lowest = Number.POSITIVE_INFINITY;
    const from = this.#turn++;
    for (let i = 0; i < able.length; i++) {
      const connection = able[(from + i) % able.length] as WorkerConnection;
      // Making the features again costs about as much as two other requests.
      const cost = connection.load + (job.has === undefined || job.has(connection) ? 0 : 2);
      if (cost < lowest) [best, lowest] = [connection, cost];
    }
    return best;
  }

  #send(job: Job, connection: WorkerConnection): void {
    const { meta, blobs } = job.build(connection, job.full);
    const remaining_ms = Math.max(0, job.expires - performance.now());
    const id = connection.request(job.kind, { ...meta, remaining_ms }, blobs);
    if (id === undefined) {
      this.#queue.unshift(job);
      connection.busyUntil = performance.now() + busyPause;
      return;
    }
    job.sent = { connection, id };
    this.#sent.get(connection)?.set(id, job);
  }

  #succeeded(job: Job, connection: WorkerConnection, message: Message): void {
    let meta: MetaOf<"result">;
    try {
      meta = metaOf("result", message);
    } catch {
      this.#failed(job, connection, "its answer cannot be read");
      return;
    }
    this.counts.answered++;
    this.#close(job);
    job.resolve({ connection, meta, blobs: message.blobs });
  }

  #refused(job: Job, connection: WorkerConnection, code: WorkerErrorCode, detail: string): void {
    switch (code) {
      case "missing":
        job.full = true;
        this.#queue.unshift(job);
        return;
      case "busy":
      case "loading":
      case "draining":
        // Busy is no failure of the request: it goes to another worker, or here again a little later, within its
        // deadline.
        connection.busyUntil = performance.now() + busyPause;
        this.#queue.unshift(job);
        setTimeout(() => this.pump(), busyPause + 1).unref();
        return;
      case "deadline":
        this.#end(job, this.#given("expired"));
        return;
      case "cancelled":
        this.#end(job, this.#given("cancelled"));
        return;
      default:
        this.#failed(job, connection, detail);
    }
  }

  #failed(job: Job, connection: WorkerConnection, why: string): void {
    if (job.done) return;
    job.failedOn.set(connection, why);
    job.tries++;
    if (job.tries < attempts) {
      this.counts.retried++;
      this.#queue.unshift(job);
      return;
    }
    this.counts.failed++;
    const detail = [...job.failedOn]
      .map(([{ endpoint }, reason]) => `${endpoint} (${reason})`)
      .join(", then ");
    this.#close(job);
    job.reject(new GraspGroundingError("WORKER_LOST", { detail }));
  }

  #end(job: Job, error: Error): void {
    if (job.done) return;
    const at = this.#queue.indexOf(job);
    if (at >= 0) this.#queue.splice(at, 1);
    if (job.sent !== undefined) {
      const { connection, id } = job.sent;
      this.#sent.get(connection)?.delete(id);
      connection.cancel(id);
    }
    this.#close(job);
    job.reject(error);
    this.pump();
  }

  #close(job: Job): void {
    job.done = true;
    this.#open.delete(job);
  }

  #given(what: "expired" | "cancelled"): GraspGroundingError {
    this.counts[what]++;
    return what === "cancelled"
      ? new GraspGroundingError("INFERENCE_CANCELLED")
      : new GraspGroundingError("INFERENCE_TIMEOUT", { where: "the workers", ms: this.#timeout });
  }
}

/** Milliseconds for which a busy worker gets no request. */
const busyPause = 20;
