import { Worker } from "node:worker_threads";
import type { FromThread, ToThread, WorkerFailure } from "./protocol.js";

/** A request that the thread answered with an error. */
export class WorkerRequestError extends Error {
  /** Code of the error catalogue, where the thread's error has one. */
  readonly code: string | undefined;
  constructor({ message, code }: WorkerFailure) {
    super(message);
    this.code = code;
  }
}

/** The thread ended or was closed before it answered. `cause` is the error that ended it, or says its exit code. */
export class WorkerEndedError extends Error {}

export interface WorkerClientOptions<Event> {
  /** Name of the thread in the text of errors, e.g. `inference thread`. */
  readonly name: string;
  /** Structured-cloneable data that the thread reads as `workerData`. */
  readonly workerData: unknown;
  /** Whether the idle thread keeps the process alive. Default false: only a thread with a pending request does. */
  readonly keepProcessAlive?: boolean;
  readonly onEvent?: (event: Event) => void;
}

export interface RequestOptions {
  /** Buffers that move to the thread instead of being copied. */
  readonly transfer?: readonly ArrayBufferLike[];
  /** Aborts the handler's signal in the thread; the request still settles with the thread's answer. */
  readonly signal?: AbortSignal | undefined;
}

interface Pending<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Requests to one worker thread and their replies, matched by number. The thread's module calls `serve`.
 * The thread keeps the process alive while a request is pending.
 */
export class WorkerClient<Body, Value, Started = undefined, Event = never> {
  readonly #worker: Worker;
  readonly #options: WorkerClientOptions<Event>;
  readonly #pending = new Map<number, Pending<Value>>();
  readonly #start: Promise<Started>;
  readonly #exit: Promise<void>;
  #settleStart: Pending<Started> | undefined;
  #nextId = 0;
  #ended: WorkerEndedError | undefined;
  #closing = false;
  /** Called once when the thread ends by itself, not when it is closed. */
  onEnd: ((error: WorkerEndedError) => void) | undefined;

  /** @param module URL of the thread's compiled module; see compiledModule */
  constructor(module: URL, options: WorkerClientOptions<Event>) {
    this.#options = options;
    const { name, workerData } = options;
    const worker = new Worker(module, { workerData, ...withoutInputType() });
    this.#worker = worker;
    this.#start = new Promise((resolve, reject) => {
      this.#settleStart = { resolve, reject };
    });
    this.#start.catch(() => undefined);
    this.#exit = new Promise((resolve) => worker.once("exit", () => resolve()));
    worker.on("message", (message: FromThread<Value, Started, Event>) => this.#receive(message));
    worker.on("error", (error) => this.#end(error.message, error));
    worker.on("exit", (code) => this.#end(`the ${name} ended (exit code ${code})`, `exit code ${code}`));
    this.#releaseWhenIdle();
  }

  /** Requests that have no answer yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Why the thread takes no more requests; undefined while it does. */
  get ended(): WorkerEndedError | undefined {
    return this.#ended;
  }

  /** Resolves when the thread calls reportStarted. @throws WorkerRequestError, WorkerEndedError when it cannot start */
  async started(): Promise<Started> {
    this.#worker.ref();
    try {
      return await this.#start;
    } finally {
      this.#releaseWhenIdle();
    }
  }

  /**
   * Posts at once; threads that take one request at a time answer in the order of the calls.
   * @throws WorkerRequestError, WorkerEndedError, DataCloneError
   */
  request(body: Body, { transfer = [], signal }: RequestOptions = {}): Promise<Value> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#post({ id, body }, transfer);
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
      signal?.addEventListener("abort", () => this.#cancel(id), { once: true });
    });
  }

  /**
   * Ends the thread. Pending requests fail with `reason`.
   * @param graceMs time for the thread to finish its requests and its own close before it is terminated. Default 0.
   */
  async close(reason = `the ${this.#options.name} was closed`, graceMs = 0): Promise<void> {
    this.#closing = true;
    if (graceMs > 0 && this.#ended === undefined) {
      this.#worker.ref();
      this.#post({ close: true });
      const timer = setTimeout(() => void this.#worker.terminate(), graceMs);
      await this.#exit;
      clearTimeout(timer);
    }
    this.#end(reason, reason);
    await this.#worker.terminate();
  }

  #post(message: ToThread<Body>, transfer: readonly ArrayBufferLike[] = []): void {
    this.#worker.postMessage(message, transfer as ArrayBuffer[]);
  }

  #cancel(id: number): void {
    if (this.#pending.has(id)) this.#post({ cancel: id });
  }

  #receive(message: FromThread<Value, Started, Event>): void {
    if ("event" in message) this.#options.onEvent?.(message.event);
    else if ("started" in message) this.#settleStart?.resolve(message.started);
    else if ("startFailure" in message)
      this.#settleStart?.reject(new WorkerRequestError(message.startFailure));
    else {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      this.#releaseWhenIdle();
      if ("failure" in message) pending?.reject(new WorkerRequestError(message.failure));
      else pending?.resolve(message.value);
    }
  }

  #releaseWhenIdle(): void {
    if (this.#pending.size === 0 && !this.#options.keepProcessAlive) this.#worker.unref();
  }

  #end(message: string, cause: unknown): void {
    if (this.#ended !== undefined) return;
    const error = new WorkerEndedError(message, { cause });
    this.#ended = error;
    this.#settleStart?.reject(error);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    if (!this.#closing) this.onEnd?.(error);
  }
}

/** Node refuses a module's URL under --input-type, which belongs to this process's own program and is inherited. */
const withoutInputType = () =>
  process.execArgv.some((argument) => argument.startsWith("--input-type")) ? { execArgv: [] } : {};
