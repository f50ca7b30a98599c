import { readSync } from "node:fs";
import { createRequire } from "node:module";
import { type Reply, serve } from "../../workers/index.js";
import { crc32 } from "./crc32.js";
import type { FilePart, WasmJob, WasmResult } from "./wasm-pool.js";

/** The packages' compiled modules, used without their wrappers, which allocate twice a block. */
interface WasmModule {
  readonly ready: Promise<unknown>;
  readonly HEAPU8: Uint8Array;
  _malloc(size: number): number;
  _free(pointer: number): void;
  /** zstd: bytes written, or a negative number. */
  _decompress(to: number, size: number, from: number, length: number): number;
  /** lz4: the same, with a context that an error spoils. */
  _decompressFrame(context: number, to: number, size: number, from: number, length: number): number;
  _createDecompressionContext(): number;
}

interface Region {
  readonly pointer: number;
  readonly size: number;
}

const require = createRequire(import.meta.url);
const moduleFiles = {
  zstd: "@foxglove/wasm-zstd/dist/wasm-zstd.js",
  lz4: "@foxglove/wasm-lz4/dist/wasm-lz4.js",
} as const;
const modules = new Map<WasmJob["kind"], Promise<WasmModule>>();
const regions = new Map<string, Region>();
let lz4Context: number | undefined;

function load(kind: WasmJob["kind"]): Promise<WasmModule> {
  const loaded = modules.get(kind) ?? start(kind);
  modules.set(kind, loaded);
  return loaded;
}

async function start(kind: WasmJob["kind"]): Promise<WasmModule> {
  const module = await (require(moduleFiles[kind]) as () => Promise<WasmModule>)();
  await module.ready;
  return module;
}

/**
 * Memory of the module for `size` bytes, used again by later blocks: memory that is fresh costs as much as
 * decompressing.
 */
function region(wasm: WasmModule, key: string, size: number): number {
  const existing = regions.get(key);
  if (existing !== undefined && existing.size >= size) return existing.pointer;
  if (existing !== undefined) wasm._free(existing.pointer);
  regions.delete(key);
  const pointer = wasm._malloc(size);
  if (pointer === 0) throw new Error("out of memory");
  regions.set(key, { pointer, size });
  return pointer;
}

function readPart({ descriptor, offset, length }: FilePart, memory: Uint8Array, pointer: number): void {
  for (let done = 0; done < length; ) {
    const read = readSync(descriptor, memory, pointer + done, length - done, offset + done);
    if (read === 0) throw new Error(`the file ends at byte ${offset + done}`);
    done += read;
  }
}

function decompressed(wasm: WasmModule, { kind, from, size }: WasmJob): Uint8Array {
  const { length } = from;
  const source = region(wasm, `${kind} source`, length);
  const target = region(wasm, `${kind} target`, size);
  if (from instanceof Uint8Array) wasm.HEAPU8.set(from, source);
  else readPart(from, wasm.HEAPU8, source);
  const written =
    kind === "zstd"
      ? wasm._decompress(target, size, source, length)
      : decompressLz4(wasm, target, size, source, length);
  if (written < 0 || written > size) {
    if (kind === "lz4") lz4Context = undefined;
    throw new Error("the compressed data is damaged");
  }
  return wasm.HEAPU8.subarray(target, target + written);
}

function decompressLz4(wasm: WasmModule, target: number, size: number, source: number, length: number) {
  lz4Context ??= wasm._createDecompressionContext();
  const context = lz4Context;
  // The context is set again only when the call returns: one that threw is not used any more.
  lz4Context = undefined;
  const written = wasm._decompressFrame(context, target, size, source, length);
  lz4Context = context;
  return written;
}

serve(async (job: WasmJob): Promise<Reply<WasmResult>> => {
  const { kind, from, into, checksum = false, owned = false } = job;
  const result = decompressed(await load(kind), job);
  const block = into ? into.subarray(0, result.length) : Buffer.allocUnsafeSlow(result.length);
  block.set(result);
  const crc = checksum ? crc32(result) : undefined;
  const source = owned && from instanceof Uint8Array ? new Uint8Array(from.buffer) : undefined;
  return {
    value: { block, crc, source },
    transfer: source === undefined ? [block.buffer] : [block.buffer, source.buffer],
  };
});
