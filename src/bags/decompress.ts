import { promisify } from "node:util";
import zlib from "node:zlib";
import { loadDecompressHandlers } from "@mcap/support";

/** Decompresses a block whose size is known. @throws Error when it does not decompress to that size. */
export type Decompress = (data: Uint8Array, size: number) => Promise<Uint8Array>;

/** Larger blocks than any recorder writes; refuses a damaged size before it is allocated. */
export const maxBlockSize = 512 * 1024 * 1024;

type NativeZstd = (data: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

/** Node 22.15 and later bring zstd; it runs off the main thread. */
const nativeZstd: NativeZstd | undefined =
  "zstdDecompress" in zlib ? promisify(zlib.zstdDecompress as never) : undefined;

/** The decompressor of an MCAP compression name, or undefined for a name not known. */
export async function decompressorFor(compression: string): Promise<Decompress | undefined> {
  if (compression === "") return async (data) => data;
  if (compression === "zstd" && nativeZstd !== undefined)
    return async (data, size) =>
      checked(await nativeZstd(data, { maxOutputLength: Math.max(1, size) }), size);
  const handler = (await loadDecompressHandlers())[compression];
  if (handler === undefined) return undefined;
  return async (data, size) => checked(handler(data, BigInt(size)), size);
}

function checked(data: Uint8Array, size: number): Uint8Array {
  if (data.byteLength !== size) throw new RangeError(`decompressed to ${data.byteLength} bytes, not ${size}`);
  return data;
}
