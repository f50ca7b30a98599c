import type { BufferPool } from "../compression/buffer-pool.js";
import { crc32 } from "../compression/crc32.js";
import {
  decompressBlock,
  decompressFromFile,
  headRoom,
  isForThread,
  maxBlockSize,
  wrongChecksum,
} from "../compression/decompress.js";
import type { ByteSource } from "../file.js";
import {
  type ChunkHeader,
  chunkHeaderRoom,
  opcode,
  parseChunkHeader,
  recordHeaderSize,
  uint64,
  viewOf,
} from "./records.js";
import type { Segment } from "./summary.js";

export interface LoadOptions {
  readonly source: ByteSource;
  readonly pool: BufferPool;
  /** Whether chunks' checksums are checked. */
  readonly checksums: boolean;
  /** Whether the records may lie in a buffer of the pool, which the caller gives back. */
  readonly borrow: boolean;
}

/** The records of a segment, and the pool's buffer they lie in, if any. */
export interface Loaded {
  readonly records: Uint8Array;
  readonly buffer: Uint8Array | undefined;
}

/**
 * Reads a segment's records, decompressed and checked.
 * @throws Error in words when the segment is damaged.
 */
export async function loadSegment(segment: Segment, options: LoadOptions): Promise<Loaded> {
  const { source, pool, checksums, borrow } = options;
  const { offset, length, kind } = segment;
  if (length > maxBlockSize * 2 || offset + length > source.size)
    throw new RangeError(`its length of ${length} bytes is absurd`);
  const threaded = segment.compressed ? await unpackOnThread(segment, options) : undefined;
  if (threaded !== undefined)
    return { records: threaded, buffer: borrow ? new Uint8Array(threaded.buffer) : undefined };
  // What is decompressed leaves the buffer that was read free again.
  const bytes = await source.read(
    offset,
    length,
    borrow || segment.compressed ? pool.take(length) : undefined,
  );
  const records = kind === "plain" ? bytes : await unpackChunk(bytes, { pool, checksums, borrow });
  return { records, buffer: borrow ? new Uint8Array(records.buffer) : undefined };
}

/** A chunk whose data another thread reads and decompresses; undefined when that is not worth it. */
async function unpackOnThread(segment: Segment, options: LoadOptions): Promise<Uint8Array | undefined> {
  const { source, pool, checksums, borrow } = options;
  const { descriptor } = source;
  if (descriptor === undefined || !isForThread("lz4", segment.size)) return undefined;
  const room = Math.min(segment.length, recordHeaderSize + chunkHeaderRoom + headRoom);
  const record = await source.read(segment.offset, room);
  const {
    compression: kind,
    uncompressedSize: size,
    crc,
    dataOffset,
    dataLength,
  } = headerOf(record, segment.length);
  if ((kind !== "zstd" && kind !== "lz4") || dataLength === 0 || !isForThread(kind, size)) return undefined;
  const at = recordHeaderSize + dataOffset;
  return await decompressFromFile({
    kind,
    part: { descriptor, offset: segment.offset + at, length: dataLength },
    size,
    head: record.subarray(at),
    crc: checksums && crc !== 0 ? crc : undefined,
    pool: borrow ? pool : undefined,
  });
}

/**
 * The records of a chunk. @param record a whole Chunk record. @param options when its buffer is of the pool.
 * @throws Error in words when it is damaged.
 */
export async function unpackChunk(
  record: Uint8Array,
  options?: Omit<LoadOptions, "source">,
): Promise<Uint8Array> {
  const header = headerOf(record, record.byteLength);
  const { compression, uncompressedSize, crc, dataOffset, dataLength } = header;
  const content = record.subarray(recordHeaderSize);
  const data = content.subarray(dataOffset, dataOffset + dataLength);
  const recycling = options && { ...options, source: new Uint8Array(record.buffer) };
  let records = data;
  if (compression === "zstd" || compression === "lz4") {
    if (data.byteLength > 0) records = await decompressBlock(compression, data, uncompressedSize, recycling);
  } else if (compression !== "") {
    throw new RangeError(`compression ${JSON.stringify(compression)} is not known`);
  }
  if (options?.checksums !== false && crc !== 0 && crc32(records) !== crc) throw wrongChecksum();
  return records;
}

/** @param record the beginning of a Chunk record of `length` bytes. @throws RangeError when it is none. */
function headerOf(record: Uint8Array, length: number): ChunkHeader {
  if (record[0] !== opcode.chunk || uint64(viewOf(record), 1) + recordHeaderSize !== length)
    throw new RangeError("the index points to something that is no chunk");
  const header = parseChunkHeader(record.subarray(recordHeaderSize));
  if (recordHeaderSize + header.dataOffset + header.dataLength > length)
    throw new RangeError("its data is longer than its record");
  if (header.uncompressedSize > maxBlockSize)
    throw new RangeError(`an uncompressed size of ${header.uncompressedSize} bytes is absurd`);
  return header;
}
