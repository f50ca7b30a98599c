import { promisify } from "node:util";
import zlib from "node:zlib";
import { loadDecompressHandlers } from "@mcap/support";
import { wasmPool } from "./wasm-pool.js";
import { zstdContentSize } from "./zstd-frame.js";

/** Decompresses a block whose size is known. @throws Error when it does not decompress to that size. */
export type Decompress = (data: Uint8Array, size: number) => Promise<Uint8Array>;

/** Larger blocks than any recorder writes; refuses a damaged size before it is allocated. */
export const maxBlockSize = 512 * 1024 * 1024;

/** Smaller blocks are not worth the way to another thread. */
const worthAThread = 128 * 1024;

type NativeZstd = (data: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

/** Node 22.15 and later bring zstd; it runs off the main thread. */
const nativeZstd: NativeZstd | undefined =
  "zstdDecompress" in zlib ? promisify(zlib.zstdDecompress as never) : undefined;

/** The decompressor of an MCAP compression name, or undefined for a name not known. */
export function decompressorFor(compression: string): Decompress | undefined {
  switch (compression) {
    case "":
      return async (data) => data;
    case "zstd":
      return decompressZstd;
    case "lz4":
      return decompressLz4;
    default:
      return undefined;
  }
}

async function decompressZstd(data: Uint8Array, size: number): Promise<Uint8Array> {
  const stated = zstdContentSize(data);
  if (stated !== undefined && stated !== size) throw new RangeError(`it holds ${stated} bytes, not ${size}`);
  if (nativeZstd !== undefined)
    return checked(await nativeZstd(data, { maxOutputLength: Math.max(1, size) }), size);
  return checked(await withWasm("zstd", data, size), size);
}

async function decompressLz4(data: Uint8Array, size: number): Promise<Uint8Array> {
  // The format cannot do better than 255 : 1.
  if (size > data.byteLength * 256 + 1024)
    throw new RangeError(`${size} bytes cannot come from ${data.byteLength}`);
  return checked(await withWasm("lz4", data, size), size);
}

async function withWasm(kind: "zstd" | "lz4", data: Uint8Array, size: number): Promise<Uint8Array> {
  if (size >= worthAThread) return await wasmPool.run(kind, data, size);
  return (await loadDecompressHandlers())[kind]!(data, BigInt(size));
}

function checked(data: Uint8Array, size: number): Uint8Array {
  if (data.byteLength !== size) throw new RangeError(`decompressed to ${data.byteLength} bytes, not ${size}`);
  return data;
}
