import { type RequestOptions, WorkerClient, WorkerEndedError } from "./worker-client.js";

export interface WorkerPoolOptions {
  /** Name of a thread in the text of errors. */
  readonly name: string;
  readonly workerData: unknown;
  /** Threads at most, 1 or more; each starts when it is first needed. */
  readonly maxThreads: number;
  /** Requests that wait for a thread at most; another one is refused. Default 4096. */
  readonly maxQueued?: number;
}

export interface PoolRequestOptions extends Pick<RequestOptions, "transfer"> {
  /** Ends the thread after this request, e.g. because its memory would stay large. */
  readonly retireThread?: boolean;
}

interface Queued<Body, Value> {
  readonly body: Body;
  readonly options: PoolRequestOptions;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: Error) => void;
}

interface PoolThread<Body, Value> {
  readonly client: WorkerClient<Body, Value>;
  retired: boolean;
}

/** A second request waits at the thread, so that the thread is not idle while this one is busy. */
const maxRequestsPerThread = 2;

/** Threads that share a queue of requests. They start when first needed and do not keep the process alive when idle. */
export class WorkerPool<Body, Value> {
  readonly #module: URL;
  readonly #options: WorkerPoolOptions;
  readonly #queue: Queued<Body, Value>[] = [];
  #threads: PoolThread<Body, Value>[] = [];
  #closed: Error | undefined;

  /** @param module URL of the threads' compiled module; see compiledModule */
  constructor(module: URL, options: WorkerPoolOptions) {
    this.#module = module;
    this.#options = options;
  }

  /** @throws WorkerRequestError, WorkerEndedError, RangeError when the queue is full */
  request(body: Body, options: PoolRequestOptions = {}): Promise<Value> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const { name, maxQueued = 4096 } = this.#options;
    if (this.#queue.length >= maxQueued)
      return Promise.reject(new RangeError(`${maxQueued} requests wait for the ${name} already`));
    return new Promise((resolve, reject) => {
      this.#queue.push({ body, options, resolve, reject });
      this.#dispatch();
    });
  }

  /** Ends all threads. Requests without an answer, and later ones, fail with `reason`. */
  async close(reason = `the ${this.#options.name} was closed`): Promise<void> {
    this.#closed ??= new WorkerEndedError(reason, { cause: reason });
    for (const { reject } of this.#queue.splice(0)) reject(this.#closed);
    await Promise.all(this.#threads.map(({ client }) => client.close(reason)));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const thread = this.#freeThread();
      if (thread === undefined) return;
      void this.#send(thread, this.#queue.shift()!);
    }
  }

  /** An idle thread, else a new one, else the one with the fewest requests when it takes one more. */
  #freeThread(): PoolThread<Body, Value> | undefined {
    const usable = this.#threads.filter(({ retired }) => !retired);
    const best = usable.reduce<PoolThread<Body, Value> | undefined>(
      (a, b) => (a === undefined || b.client.pending < a.client.pending ? b : a),
      undefined,
    );
    if (best?.client.pending === 0) return best;
    if (this.#threads.length < this.#options.maxThreads) return this.#start();
    return best !== undefined && best.client.pending < maxRequestsPerThread ? best : undefined;
  }

  async #send(thread: PoolThread<Body, Value>, { body, options, resolve, reject }: Queued<Body, Value>) {
    const { transfer, retireThread = false } = options;
    thread.retired ||= retireThread;
    try {
      resolve(await thread.client.request(body, { transfer: transfer ?? [] }));
    } catch (error) {
      reject(error as Error);
    }
    if (thread.retired && thread.client.pending === 0) this.#forget(thread);
    this.#dispatch();
  }

  #start(): PoolThread<Body, Value> {
    const { name, workerData } = this.#options;
    const client = new WorkerClient<Body, Value>(this.#module, { name, workerData });
    const thread: PoolThread<Body, Value> = { client, retired: false };
    client.onEnd = () => this.#forget(thread);
    this.#threads.push(thread);
    return thread;
  }

  #forget(thread: PoolThread<Body, Value>): void {
    this.#threads = this.#threads.filter((other) => other !== thread);
    void thread.client.close();
  }
}
