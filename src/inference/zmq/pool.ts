import { GraspGroundingError } from "../../errors/index.js";
import type { Message, MetaOf, WorkerErrorCode } from "./protocol.js";
import { metaOf, ProtocolError } from "./protocol.js";
import type { WorkerLink } from "./worker-connection.js";

export interface PoolOptions {
  /** Requests that wait for a worker at most. Default 256. */
  readonly maxQueue?: number;
  /** Requests a worker has at a time at most; the rest waits here, where it can go to whoever is free first. Default 4. */
  readonly window?: number;
  /** Milliseconds a request may take in all. Default 10,000. */
  readonly timeout?: number;
}

export interface JobRequest {
  readonly kind: "encode" | "text" | "decode";
  /** What is sent; `full` adds the picture to a request that else only names it. */
  readonly build: (
    link: WorkerLink,
    full: boolean,
  ) => { readonly meta: object; readonly blobs: readonly Uint8Array[] };
  /** Whether the worker has what the request names: it is then preferred. */
  readonly has?: (link: WorkerLink) => boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly link: WorkerLink;
  readonly meta: MetaOf<"result">;
  readonly blobs: readonly Uint8Array[];
}

interface Job extends JobRequest {
  readonly expires: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  /** Workers that failed it. */
  readonly failedOn: Map<WorkerLink, string>;
  /** Workers it was lost or failed on. */
  tries: number;
  full: boolean;
  sent: { readonly link: WorkerLink; readonly id: number } | undefined;
  done: boolean;
}

/** Workers a request is tried on: one, and after a failure one more. */
const attempts = 2;

/** Requests waiting for workers, and who has which: each is answered once, by a result or by a reason. */
export class JobPool {
  readonly #links: readonly WorkerLink[];
  readonly #maxQueue: number;
  readonly #window: number;
  readonly #timeout: number;
  readonly #queue: Job[] = [];
  readonly #open = new Set<Job>();
  readonly #sent = new Map<WorkerLink, Map<number, Job>>();
  readonly counts = { requests: 0, answered: 0, failed: 0, retried: 0, expired: 0, cancelled: 0, refused: 0 };
  #turn = 0;

  constructor(links: readonly WorkerLink[], options: PoolOptions) {
    this.#links = links;
    this.#maxQueue = options.maxQueue ?? 256;
    this.#window = options.window ?? 4;
    this.#timeout = options.timeout ?? 10_000;
    for (const link of links) this.#sent.set(link, new Map());
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** @throws GraspGroundingError INFERENCE_BUSY, INFERENCE_TIMEOUT, INFERENCE_CANCELLED, INFERENCE_FAILED, WORKER_LOST */
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

  /** Hands out what can be handed out. */
  pump(): void {
    for (const job of [...this.#queue]) {
      const link = this.#choose(job);
      if (link === undefined) continue;
      this.#queue.splice(this.#queue.indexOf(job), 1);
      this.#send(job, link);
    }
  }

  answer(link: WorkerLink, id: number, message: Message): void {
    const job = this.#sent.get(link)?.get(id);
    this.#sent.get(link)?.delete(id);
    if (job === undefined || job.done) throw new ProtocolError("late", "answers nothing that is waited for");
    job.sent = undefined;
    if (message.kind === "error") {
      const { code, detail } = metaOf("error", message);
      this.#refused(job, link, code, detail);
    } else {
      this.#succeeded(job, link, message);
    }
    this.pump();
  }

  lost(link: WorkerLink, why: string): void {
    const jobs = [...(this.#sent.get(link)?.values() ?? [])];
    this.#sent.get(link)?.clear();
    for (const job of jobs) {
      job.sent = undefined;
      this.#failed(job, link, why);
    }
    this.pump();
  }

  /** Fails everything that is open. */
  close(error: Error): void {
    for (const job of [...this.#open]) this.#end(job, error);
  }

  #choose(job: Job): WorkerLink | undefined {
    const now = performance.now();
    const ready = this.#links.filter((link) => link.state === "ready" && link.busyUntil <= now);
    const fresh = ready.filter((link) => !job.failedOn.has(link));
    // Where there is no other worker, the one that was restarted is asked again.
    const able = (fresh.length > 0 || this.#links.length > 1 ? fresh : ready).filter(
      (link) => link.inFlight.size < this.#window,
    );
    let best: WorkerLink | undefined;
    let lowest = Number.POSITIVE_INFINITY;
    const from = this.#turn++;
    for (let i = 0; i < able.length; i++) {
      const link = able[(from + i) % able.length] as WorkerLink;
      // Making the features again costs about as much as two other requests.
      const cost = link.load + (job.has === undefined || job.has(link) ? 0 : 2);
      if (cost < lowest) [best, lowest] = [link, cost];
    }
    return best;
  }

  #send(job: Job, link: WorkerLink): void {
    const { meta, blobs } = job.build(link, job.full);
    const remaining_ms = Math.max(0, job.expires - performance.now());
    const id = link.request(job.kind, { ...meta, remaining_ms }, blobs);
    if (id === undefined) {
      this.#queue.unshift(job);
      link.busyUntil = performance.now() + busyPause;
      return;
    }
    job.sent = { link, id };
    this.#sent.get(link)?.set(id, job);
  }

  #succeeded(job: Job, link: WorkerLink, message: Message): void {
    let meta: MetaOf<"result">;
    try {
      meta = metaOf("result", message);
    } catch {
      this.#failed(job, link, "its answer cannot be read");
      return;
    }
    this.counts.answered++;
    this.#close(job);
    job.resolve({ link, meta, blobs: message.blobs });
  }

  #refused(job: Job, link: WorkerLink, code: WorkerErrorCode, detail: string): void {
    switch (code) {
      case "missing":
        job.full = true;
        this.#queue.unshift(job);
        return;
      case "busy":
      case "loading":
      case "draining":
        // No failure of the request: it goes to another, or here again a little later, as long as its time lasts.
        link.busyUntil = performance.now() + busyPause;
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
        this.#failed(job, link, detail);
    }
  }

  #failed(job: Job, link: WorkerLink, why: string): void {
    if (job.done) return;
    job.failedOn.set(link, why);
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
      const { link, id } = job.sent;
      this.#sent.get(link)?.delete(id);
      link.giveUp(id);
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

/** Milliseconds a worker that said it is busy is left alone. */
const busyPause = 20;
