import { elementCount, type InferenceBackend, type ModelPart, type Tensor, type Tensors } from "../port.js";
import type { Step } from "../steps.js";

export interface BatcherOptions {
  /** Requests run together at most. */
  readonly maxBatch: number;
  /** Milliseconds that the first of a batch waits for others, within its deadline. */
  readonly batchWait: number;
}

export interface Work {
  readonly part: ModelPart;
  readonly feeds: Tensors;
  /** performance.now() at which its client stops waiting. */
  readonly expires: number;
  /** False once its client has stopped waiting: it is then not run. */
  readonly wanted: () => boolean;
}

export interface Ran {
  readonly outputs: Tensors;
  readonly waitedMs: number;
  readonly ranMs: number;
  readonly batch: number;
  /** Milliseconds by step, where more than one part ran. */
  readonly steps?: Readonly<Partial<Record<Step, number>>>;
}

/** Work that was not run because its client had stopped waiting. */
export class Unwanted extends Error {}

interface Queued extends Work {
  readonly arrived: number;
  readonly shape: string;
  readonly resolve: (ran: Ran) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Runs work one batch after the other. Images of one size, and queries of one length, that wait at the same time
 * are run together; the first waits for others at most `batchWait`, and within its own deadline.
 */
export class Batcher {
  readonly #backend: InferenceBackend;
  readonly #options: BatcherOptions;
  readonly #queue: Queued[] = [];
  #running = false;
  #arrival: (() => void) | undefined;
  #meanMs = 0;
  batches = 0;
  batched = 0;

  constructor(backend: InferenceBackend, options: BatcherOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  get length(): number {
    return this.#queue.length + (this.#running ? 1 : 0);
  }

  /** @throws Unwanted, and what the back end throws */
  run(work: Work): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const shape = shapeOf(work);
      this.#queue.push({ ...work, shape, arrived: performance.now(), resolve, reject });
      this.#arrival?.();
      if (!this.#running) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#running = true;
    while (this.#queue.length > 0) {
      this.#dropUnwanted();
      const first = this.#queue[0];
      if (first === undefined) break;
      const mates = this.#matesOf(first);
      const waitLimit = this.#waitLimit(first, mates.length);
      if (waitLimit > 0) {
        await this.#nextArrival(waitLimit);
        continue;
      }
      for (const each of mates) this.#queue.splice(this.#queue.indexOf(each), 1);
      await this.#runTogether(mates);
    }
    this.#running = false;
  }

  #dropUnwanted(): void {
    const now = performance.now();
    for (const each of [...this.#queue]) {
      if (each.wanted() && each.expires > now) continue;
      this.#queue.splice(this.#queue.indexOf(each), 1);
      each.reject(new Unwanted(each.wanted() ? "deadline" : "cancelled"));
    }
  }

  #matesOf(first: Queued): Queued[] {
    const { maxBatch } = this.#options;
    if (first.shape === "" || maxBatch <= 1) return [first];
    return this.#queue.filter(({ shape }) => shape === first.shape).slice(0, maxBatch);
  }

  #waitLimit(first: Queued, mates: number): number {
    const { maxBatch, batchWait } = this.#options;
    if (first.shape === "" || mates >= maxBatch || batchWait <= 0) return 0;
    const now = performance.now();
    return Math.min(first.arrived + batchWait, first.expires - 2 * this.#meanMs) - now;
  }

  #nextArrival(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#arrival = undefined;
        resolve();
      };
      const timer = setTimeout(done, Math.max(1, ms));
      this.#arrival = done;
    });
  }

  async #runTogether(group: readonly Queued[]): Promise<void> {
    const began = performance.now();
    const { part } = group[0] as Queued;
    try {
      const outputs = await this.#call(part, join(group.map(({ feeds }) => feeds)));
      const ranMs = performance.now() - began;
      this.#meanMs = this.#meanMs === 0 ? ranMs : 0.8 * this.#meanMs + 0.2 * ranMs;
      this.batches++;
      this.batched += group.length;
      split(outputs, group.length).forEach((own, i) => {
        const { arrived, resolve } = group[i] as Queued;
        resolve({ outputs: own, waitedMs: began - arrived, ranMs, batch: group.length });
      });
    } catch (error) {
      for (const { reject } of group) reject(error as Error);
    }
  }

  #call(part: ModelPart, feeds: Tensors): Promise<Tensors> {
    if (part === "encoder") return this.#backend.encodeFrame(feeds);
    return part === "text" ? this.#backend.encodeText(feeds) : this.#backend.decode(feeds);
  }
}

/** What work must share to run together; empty: it runs alone. */
function shapeOf({ part, feeds }: Work): string {
  const tensors = Object.entries(feeds);
  if (part === "decoder" || tensors.some(([, { dims }]) => dims[0] !== 1)) return "";
  return `${part} ${tensors.map(([name, { type, dims }]) => `${name} ${type} ${dims}`).join(" ")}`;
}

function join(all: readonly Tensors[]): Tensors {
  const first = all[0] as Tensors;
  if (all.length === 1) return first;
  const joined = Object.entries(first).map(([name, { type, dims }]) => {
    const parts = all.map((feeds) => (feeds[name] as Tensor).data);
    const n = elementCount(dims);
    const data = makeArray(type, n * all.length);
    parts.forEach((part, i) => {
      (data as Float32Array).set(part as Float32Array, i * n);
    });
    return [name, { type, dims: [all.length, ...dims.slice(1)], data }] as const;
  });
  return Object.fromEntries(joined);
}

/** Splits outputs into one set for each row. @throws Error when an output has no row for each request */
function split(outputs: Tensors, rows: number): Tensors[] {
  if (rows === 1) return [outputs];
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(
      Object.entries(outputs).map(([name, { type, dims, data }]) => {
        if (dims[0] !== rows) throw new Error(`output ${name} has shape [${dims}] for ${rows} inputs`);
        const n = data.length / rows;
        return [name, { type, dims: [1, ...dims.slice(1)], data: data.slice(row * n, (row + 1) * n) }];
      }),
    ),
  );
}

function makeArray(type: Tensor["type"], n: number): Tensor["data"] {
  if (type === "int64") return new BigInt64Array(n);
  return type === "uint8" ? new Uint8Array(n) : new Float32Array(n);
}
