import { createRequire } from "node:module";
import { WorkerPool } from "./worker-pool.js";

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
  /** A whole buffer to put the result into, which is then no longer to be used under its old name. */
  readonly into?: Uint8Array | undefined;
  /** Whether the CRC-32 of the result is wanted. */
  readonly checksum?: boolean;
}

export interface WasmResult {
  /** At the beginning of its buffer, which may be longer. */
  readonly block: Uint8Array;
  /** The whole buffer that `from` lay in, when it was owned. */
  readonly source: Uint8Array | undefined;
  readonly crc: number | undefined;
}

interface Reply extends Partial<WasmResult> {
  readonly error?: string;
}

/**
 * The modules are used without the packages' own wrappers, which allocate twice a block; memory that is fresh for
 * every block would cost as much as decompressing it.
 */
const program = `
const { readSync } = require("node:fs");
const { parentPort, workerData } = require("node:worker_threads");
const { crc32 } = require("node:zlib");
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
function fetch({ descriptor, offset, length }, memory, pointer) {
  for (let done = 0; done < length; ) {
    const read = readSync(descriptor, memory, pointer + done, length - done, offset + done);
    if (read === 0) throw new Error("the file ends at byte " + (offset + done));
    done += read;
  }
}
function decompress({ kind, from, size, into, checksum }) {
  const wasm = modules[kind];
  const { length } = from;
  const at = region(kind, "from", length);
  const to = region(kind, "to", size);
  if (from instanceof Uint8Array) wasm.HEAPU8.set(from, at);
  else fetch(from, wasm.HEAPU8, at);
  const done =
    kind === "zstd"
      ? wasm._decompress(to, size, at, length)
      : wasm._decompressFrame((wasm.context ??= wasm._createDecompressionContext()), to, size, at, length);
  if (done < 0 || done > size) throw new Error("the compressed data is damaged");
  const result = wasm.HEAPU8.subarray(to, to + done);
  const block = into ? into.subarray(0, done) : Buffer.allocUnsafeSlow(done);
  block.set(result);
  return { block, crc: checksum ? crc32(result) : undefined };
}
parentPort.on("message", async (job) => {
  const source = job.owned ? new Uint8Array(job.from.buffer) : undefined;
  const back = source ? [source.buffer] : [];
  try {
    await ready;
    const { block, crc } = decompress(job);
    parentPort.postMessage({ block, crc, source }, [block.buffer, ...back]);
  } catch (error) {
    if (job.kind === "lz4") modules.lz4.context = undefined;
    parentPort.postMessage({ error: String((error && error.message) || error), source }, back);
  }
});
`;

/** WebAssembly memory never shrinks: a worker that had to take so large a block is replaced. */
const largeBlock = 64 * 1024 * 1024;

let pool: WorkerPool<Reply> | undefined;

/**
 * Decompresses on worker threads: WebAssembly takes the processor for milliseconds a block, and two blocks at once
 * make up for what it is slower than native code.
 * @throws Error in words when the data is damaged.
 */
export async function decompressOnThread(job: WasmJob): Promise<WasmResult> {
  const { from, into, owned = false, size } = job;
  const transfer = [...(owned && "buffer" in from ? [from.buffer] : []), ...(into ? [into.buffer] : [])];
  pool ??= startPool();
  const reply = await pool.run({ message: { ...job, owned }, transfer, last: size > largeBlock });
  const { block, source, crc } = reply;
  if (block === undefined) throw new Error(reply.error);
  return { block, source, crc };
}

function startPool(): WorkerPool<Reply> {
  const { resolve } = createRequire(import.meta.url);
  return new WorkerPool(program, {
    zstd: resolve("@foxglove/wasm-zstd/dist/wasm-zstd.js"),
    lz4: resolve("@foxglove/wasm-lz4/dist/wasm-lz4.js"),
  });
}
