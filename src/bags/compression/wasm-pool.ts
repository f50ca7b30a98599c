import { availableParallelism } from "node:os";
import { compiledModule, WorkerPool } from "../../workers/index.js";

/** Where compressed data lies in a file of this process. */
export interface FilePart {
  readonly descriptor: number;
  readonly offset: number;
  readonly length: number;
}

export interface WasmJob {
  readonly kind: "zstd" | "lz4";
  /** The compressed data, or where the worker reads it, which saves two copies. */
  readonly from: Uint8Array | FilePart;
  /** Bytes it decompresses to. */
  readonly size: number;
  /** Whether `from`'s buffer may be given to the worker; it comes back with the result. Otherwise it is copied. */
  readonly owned?: boolean;
  /** A full buffer that receives the result. It moves to the thread and comes back as the result's buffer. */
  readonly into?: Uint8Array | undefined;
  /** Whether to compute the CRC-32 of the result. */
  readonly checksum?: boolean;
}

export interface WasmResult {
  /** At the beginning of its buffer, which may be longer. */
  readonly block: Uint8Array;
  /** The full buffer that `from` lay in, when it was owned. */
  readonly source: Uint8Array | undefined;
  readonly crc: number | undefined;
}

/** WebAssembly memory never shrinks: a thread is replaced after a block this large. */
const largeBlockBytes = 64 * 1024 * 1024;

let pool: WorkerPool<WasmJob, WasmResult> | undefined;

/**
 * Decompresses on worker threads: WebAssembly occupies the processor for milliseconds a block, and two blocks at once
 * make up for its lower speed against native code.
 * @throws Error in words when the data is damaged.
 */
export function decompressOnThread(job: WasmJob): Promise<WasmResult> {
  const { from, into, owned = false, size } = job;
  const transfer = [...(owned && "buffer" in from ? [from.buffer] : []), ...(into ? [into.buffer] : [])];
  pool ??= startPool();
  return pool.request(job, { transfer, retireThread: size > largeBlockBytes });
}

function startPool(): WorkerPool<WasmJob, WasmResult> {
  return new WorkerPool(compiledModule(import.meta.url, "./wasm-worker.js"), {
    name: "decompression thread",
    workerData: undefined,
    maxThreads: Math.max(1, Math.min(4, availableParallelism())),
  });
}
