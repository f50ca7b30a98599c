import { promisify } from "node:util";
import zlib from "node:zlib";
import { loadDecompressHandlers } from "@mcap/support";
import type { BufferPool } from "./buffer-pool.js";
import { decompressOnThread, type FilePart } from "./wasm-pool.js";
import { zstdContentSize } from "./zstd-frame.js";

/** Buffers to use and to give back. */
export interface Recycling {
  readonly pool: BufferPool;
  /** The whole buffer of the pool that the compressed data lies in; it is given back to the pool. */
  readonly source: Uint8Array;
  /** Whether the result may lie in a buffer of the pool. */
  readonly borrow: boolean;
}

export type Compression = "zstd" | "lz4";

/** Larger blocks than any recorder writes; refuses a damaged size before it is allocated. */
export const maxBlockSize = 512 * 1024 * 1024;

/** Smaller blocks are not worth the transfer to another thread. */
const worthAThread = 128 * 1024;

type NativeZstd = (
  data: Uint8Array,
  options: { maxOutputLength: number; chunkSize: number },
) => Promise<Buffer>;

/** Node 22.15 and later bring zstd; it runs off the main thread. */
const nativeZstd: NativeZstd | undefined =
  "zstdDecompress" in zlib ? promisify(zlib.zstdDecompress as never) : undefined;

/** What a compressed block in a file is. */
export interface FileBlock {
  readonly kind: Compression;
  readonly part: FilePart;
  /** Bytes it decompresses to. */
  readonly size: number;
  /** The beginning of its data, at least `headRoom` bytes where there are so many. */
  readonly head: Uint8Array;
  /** CRC-32 of what it decompresses to, checked unless undefined. */
  readonly crc: number | undefined;
  /** Where the result may lie in a buffer of a pool. */
  readonly pool: BufferPool | undefined;
}

/** What a zstd frame says about itself lies in its first bytes. */
export const headRoom = 18;

/** Whether such a block is best read and decompressed on another thread in one go. */
export const isForThread = (kind: Compression, size: number): boolean =>
  size >= worthAThread && !(kind === "zstd" && nativeZstd !== undefined);

/** Reads and decompresses a block on another thread. @throws Error in words when it is damaged. */
export async function decompressFromFile(file: FileBlock): Promise<Uint8Array> {
  const { kind, part, size, head, crc, pool } = file;
  if (size === 0) return emptyBlock(kind, head, part.length);
  checkStatedSize(kind, head, size, part.length);
  const checksum = crc !== undefined;
  const result = await decompressOnThread({ kind, from: part, size, checksum, into: pool?.take(size) });
  if (result.block.byteLength !== size) throw wrongSize(result.block, size);
  if (checksum && result.crc !== crc) throw wrongChecksum();
  return result.block;
}

export const wrongChecksum = (): Error => new RangeError("its checksum is wrong");

const wrongSize = (block: Uint8Array, size: number): Error =>
  new RangeError(`decompressed to ${block.byteLength} bytes, not ${size}`);

/** Decompresses a block whose size is known. @throws Error in words when it does not decompress to that size. */
export async function decompressBlock(
  kind: Compression,
  data: Uint8Array,
  size: number,
  recycling?: Recycling,
): Promise<Uint8Array> {
  if (size === 0) return emptyBlock(kind, data, data.byteLength);
  checkStatedSize(kind, data, size, data.byteLength);
  const block = await decompress(kind, data, size, recycling);
  if (block.byteLength !== size) throw wrongSize(block, size);
  return block;
}

async function decompress(
  kind: Compression,
  data: Uint8Array,
  size: number,
  recycling: Recycling | undefined,
): Promise<Uint8Array> {
  let source = recycling?.source;
  try {
    if (kind === "zstd" && nativeZstd !== undefined)
      return await nativeZstd(data, { maxOutputLength: size, chunkSize: Math.max(64, size) });
    if (size < worthAThread) return (await loadDecompressHandlers())[kind]!(data, BigInt(size));
    const into = recycling?.borrow ? recycling.pool.take(size) : undefined;
    const owned = source !== undefined;
    // Where the worker fails, the buffer is lost with it.
    source = undefined;
    const result = await decompressOnThread({ kind, from: data, size, owned, into });
    source = result.source;
    return result.block;
  } finally {
    if (source !== undefined) recycling?.pool.give(source);
  }
}

/** More than any frame of nothing takes. */
const largestEmptyFrame = 64;

/** A block of no bytes is whole: a recorder that flushes writes one. @throws RangeError when it holds something */
function emptyBlock(kind: Compression, head: Uint8Array, length: number): Uint8Array {
  const stated = kind === "zstd" && length > 0 ? zstdContentSize(head) : undefined;
  if ((stated ?? 0) > 0 || length > largestEmptyFrame)
    throw new RangeError(`it is said to be empty and holds ${stated ?? "compressed"} bytes`);
  return new Uint8Array(0);
}

/** A damaged size is found out before anything is allocated for it. */
function checkStatedSize(kind: Compression, head: Uint8Array, size: number, length: number): void {
  if (kind === "zstd") {
    const stated = zstdContentSize(head);
    if (stated !== undefined && stated !== size)
      throw new RangeError(`it holds ${stated} bytes, not ${size}`);
  } else if (size > length * 256 + 1024) {
    // The format of lz4 cannot do better than 255 : 1.
    throw new RangeError(`${size} bytes cannot come from ${length}`);
  }
}
