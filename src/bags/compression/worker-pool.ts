import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

/** What a worker is sent, and the buffers that are given to it. */
export interface Work {
  readonly message: object;
  readonly transfer: readonly ArrayBufferLike[];
  /** The worker is not used again after this, e.g. because its memory would stay large. */
  readonly last?: boolean;
}

interface Waiting<Reply> {
  readonly work: Work;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

interface Held<Reply> {
  readonly worker: Worker;
  /** Sent and not yet answered, in order. */
  readonly sent: Waiting<Reply>[];
  last: boolean;
}

const maxWorkers = Math.max(1, Math.min(4, availableParallelism()));

/** A second job waits at the worker, so that it need not wait for this thread between two. */
const atOnce = 2;

/**
 * Threads that answer each message with one message, in order. They are started when first needed and kept; idle
 * ones do not keep the process alive.
 */
export class WorkerPool<Reply> {
  readonly #program: string;
  readonly #workerData: object;
  readonly #queue: Waiting<Reply>[] = [];
  #held: Held<Reply>[] = [];

  /** @param program source text (CommonJS), so that it runs as it stands, also where this file is not compiled. */
  constructor(program: string, workerData: object) {
    this.#program = program;
    this.#workerData = workerData;
  }

  /** @throws Error when the worker died over it. */
  run(work: Work): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ work, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    while (this.#queue.length > 0) {
      const held = this.#free();
      if (held === undefined) return;
      this.#send(held, this.#queue.shift()!);
    }
  }

  /** The worker with the least to do, or a new one when all have something to do. */
  #free(): Held<Reply> | undefined {
    let best: Held<Reply> | undefined;
    for (const held of this.#held)
      if (!held.last && (best === undefined || held.sent.length < best.sent.length)) best = held;
    if (best !== undefined && best.sent.length === 0) return best;
    if (this.#held.length < maxWorkers) return this.#start();
    return best !== undefined && best.sent.length < atOnce ? best : undefined;
  }

  #send(held: Held<Reply>, waiting: Waiting<Reply>): void {
    const { message, transfer, last = false } = waiting.work;
    held.sent.push(waiting);
    held.last ||= last;
    held.worker.ref();
    held.worker.postMessage(message, transfer as ArrayBuffer[]);
  }

  #start(): Held<Reply> {
    // Node's own options of this process are not the program's: one says that evaluated text is a module.
    const worker = new Worker(this.#program, { eval: true, workerData: this.#workerData, execArgv: [] });
    const held: Held<Reply> = { worker, sent: [], last: false };
    worker.on("message", (reply: Reply) => {
      const waiting = held.sent.shift();
      if (held.sent.length === 0) {
        worker.unref();
        if (held.last) this.#forget(held);
      }
      waiting?.resolve(reply);
      this.#next();
    });
    worker.on("error", (error: Error) => {
      this.#forget(held);
      for (const { reject } of held.sent.splice(0)) reject(error);
      this.#next();
    });
    this.#held.push(held);
    return held;
  }

  #forget(held: Held<Reply>): void {
    this.#held = this.#held.filter((other) => other !== held);
    void held.worker.terminate();
  }
}
