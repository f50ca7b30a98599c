import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

export interface WasmJob {
  readonly kind: "zstd" | "lz4";
  readonly data: Uint8Array;
  /** Bytes it decompresses to. */
  readonly size: number;
  /** Whether `data`'s buffer may be given to the worker; it comes back with the result. Otherwise it is copied. */
  readonly owned: boolean;
  /** A whole buffer to put the result into, which is then no longer to be used under its old name. */
  readonly into?: Uint8Array | undefined;
}

export interface WasmResult {
  /** At the beginning of its buffer, which may be longer. */
  readonly block: Uint8Array;
  /** The whole buffer that `data` lay in, when it was owned. */
  readonly source: Uint8Array | undefined;
}

interface Waiting {
  readonly job: WasmJob;
  readonly resolve: (result: WasmResult) => void;
  readonly reject: (error: Error) => void;
}

interface Reply extends Partial<WasmResult> {
  readonly error?: string;
}

/**
 * Runs as it stands, also where this file is not compiled. The modules are used without the packages' own wrappers,
 * which allocate twice a block; memory that is fresh for every block would cost as much as decompressing it.
 */
const program = `
const { parentPort, workerData } = require("node:worker_threads");
const modules = {};
const regions = {};
const ready = (async () => {
  for (const kind of ["zstd", "lz4"]) {
    modules[kind] = await require(workerData[kind])();
    await modules[kind].ready;
  }
})();
function region(kind, name, size) {
  const key = kind + name;
  const held = regions[key];
  if (held && held.size >= size) return held.pointer;
  if (held) modules[kind]._free(held.pointer);
  delete regions[key];
  const pointer = modules[kind]._malloc(size);
  if (!pointer) throw new Error("out of memory");
  regions[key] = { pointer, size };
  return pointer;
}
function decompress({ kind, data, size, into }) {
  const wasm = modules[kind];
  const from = region(kind, "from", data.length);
  const to = region(kind, "to", size);
  wasm.HEAPU8.set(data, from);
  const done =
    kind === "zstd"
      ? wasm._decompress(to, size, from, data.length)
      : wasm._decompressFrame((wasm.context ??= wasm._createDecompressionContext()), to, size, from, data.length);
  if (done < 0 || done > size) throw new Error("the compressed data is damaged");
  const block = into ? into.subarray(0, done) : new Uint8Array(done);
  block.set(wasm.HEAPU8.subarray(to, to + done));
  return block;
}
parentPort.on("message", async (job) => {
  const source = job.owned ? new Uint8Array(job.data.buffer) : undefined;
  const back = source ? [source.buffer] : [];
  try {
    await ready;
    const block = decompress(job);
    parentPort.postMessage({ block, source }, [block.buffer, ...back]);
  } catch (error) {
    if (job.kind === "lz4") modules.lz4.context = undefined;
    parentPort.postMessage({ error: String((error && error.message) || error), source }, back);
  }
});
`;

/** WebAssembly memory never shrinks: a worker that had to take so large a block is replaced. */
const largeBlock = 64 * 1024 * 1024;

/**
 * Decompresses on worker threads: WebAssembly takes the processor for milliseconds a block, and two blocks at once
 * make up for what it is slower than native code. Idle workers do not keep the process alive.
 */
class WasmPool {
  readonly #queue: Waiting[] = [];
  readonly #idle: Worker[] = [];
  #workers = 0;

  run(job: WasmJob): Promise<WasmResult> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#queue.length === 0) return;
    const worker = this.#idle.pop() ?? this.#start();
    if (worker === undefined) return;
    const { job, resolve, reject } = this.#queue.shift()!;
    const done = (usable: boolean): void => {
      worker.off("message", onReply);
      worker.off("error", onError);
      if (usable) {
        worker.unref();
        this.#idle.push(worker);
      } else {
        this.#workers--;
        void worker.terminate();
      }
    };
    const onReply = ({ block, source, error }: Reply): void => {
      done(job.size <= largeBlock);
      if (block === undefined) reject(new Error(error));
      else resolve({ block, source });
      this.#next();
    };
    const onError = (error: Error): void => {
      done(false);
      reject(error);
      this.#next();
    };
    worker.on("message", onReply);
    worker.on("error", onError);
    worker.ref();
    const { kind, data, size, owned, into } = job;
    const transfer = [...(owned ? [data.buffer] : []), ...(into ? [into.buffer] : [])] as ArrayBuffer[];
    worker.postMessage({ kind, data, size, owned, into }, transfer);
  }

  #start(): Worker | undefined {
    if (this.#workers >= maxWorkers) return undefined;
    this.#workers++;
    const require = createRequire(import.meta.url);
    const workerData = {
      zstd: require.resolve("@foxglove/wasm-zstd/dist/wasm-zstd.js"),
      lz4: require.resolve("@foxglove/wasm-lz4/dist/wasm-lz4.js"),
    };
    const worker = new Worker(program, { eval: true, workerData });
    // One that dies while it has nothing to do is only to be forgotten.
    worker.on("error", () => {
      const index = this.#idle.indexOf(worker);
      if (index < 0) return;
      this.#idle.splice(index, 1);
      this.#workers--;
    });
    return worker;
  }
}

const maxWorkers = Math.max(1, Math.min(4, availableParallelism()));

export const wasmPool = new WasmPool();
