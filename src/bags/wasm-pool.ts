import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

/** One block to decompress; `data` comes back with the result, to be used again. */
interface Job {
  readonly kind: "zstd" | "lz4";
  readonly data: Uint8Array;
  readonly size: number;
  readonly resolve: (block: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

interface Reply {
  readonly block?: Uint8Array;
  readonly error?: string;
}

const require = createRequire(import.meta.url);

/** Plain JavaScript, because it is run as it stands, also where this file is not compiled. */
const program = `
const { parentPort, workerData } = require("node:worker_threads");
const zstd = require(workerData.zstd);
const lz4 = require(workerData.lz4);
Promise.all([zstd.isLoaded, lz4.isLoaded]).then(() => {
  parentPort.on("message", ({ kind, data, size }) => {
    try {
      const out = (kind === "zstd" ? zstd.decompress : lz4)(data, size);
      const whole = out.byteLength === out.buffer.byteLength;
      const block = whole ? new Uint8Array(out.buffer) : Uint8Array.from(out);
      parentPort.postMessage({ block }, [block.buffer]);
    } catch (error) {
      parentPort.postMessage({ error: String(error && error.message || error) });
    }
  });
});
`;

/**
 * Decompresses on worker threads: WebAssembly takes the processor for milliseconds a block, and two blocks at once
 * make up for what it is slower than native code. Idle workers do not keep the process alive.
 */
class WasmPool {
  readonly #waiting: Job[] = [];
  readonly #idle: Worker[] = [];
  #workers = 0;

  run(kind: Job["kind"], data: Uint8Array, size: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ kind, data, size, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#waiting.length === 0) return;
    const worker = this.#idle.pop() ?? this.#start();
    if (worker === undefined) return;
    const job = this.#waiting.shift()!;
    const done = (): void => {
      worker.off("message", onReply);
      worker.off("error", onError);
    };
    const onReply = ({ block, error }: Reply): void => {
      done();
      worker.unref();
      this.#idle.push(worker);
      if (block === undefined) job.reject(new Error(error));
      else job.resolve(block);
      this.#next();
    };
    const onError = (error: Error): void => {
      done();
      this.#workers--;
      job.reject(error);
      this.#next();
    };
    worker.on("message", onReply);
    worker.on("error", onError);
    worker.ref();
    worker.postMessage({ kind: job.kind, data: job.data, size: job.size });
  }

  #start(): Worker | undefined {
    if (this.#workers >= maxWorkers) return undefined;
    this.#workers++;
    const workerData = {
      zstd: require.resolve("@foxglove/wasm-zstd"),
      lz4: require.resolve("@foxglove/wasm-lz4"),
    };
    return new Worker(program, { eval: true, workerData });
  }
}

const maxWorkers = Math.max(1, Math.min(4, availableParallelism()));

export const wasmPool = new WasmPool();
