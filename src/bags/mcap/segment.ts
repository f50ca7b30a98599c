import { crc32 } from "node:zlib";
import type { BufferPool } from "../buffer-pool.js";
import { decompressorFor, maxBlockSize } from "../decompress.js";
import type { ByteSource } from "../file.js";
import { opcode, parseChunkHeader, recordHeaderSize, uint64, viewOf } from "./records.js";
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
  if (length > maxBlockSize * 2) throw new RangeError(`its length of ${length} bytes is absurd`);
  // What is decompressed leaves the buffer that was read free again.
  const takes = offset + length <= source.size && (borrow || segment.compressed);
  const buffer = takes ? pool.take(length) : undefined;
  let inUse = false;
  try {
    const bytes = await source.read(offset, length, buffer);
    const records = kind === "plain" ? bytes : await unpackChunk(bytes, checksums);
    inUse = records.buffer === buffer?.buffer;
    // A chunk that turns out not to be compressed, as the index said it was, keeps its buffer.
    return { records, buffer: inUse && borrow ? buffer : undefined };
  } finally {
    if (buffer !== undefined && !inUse) pool.give(buffer);
  }
}

/** The records of a chunk. @param record a whole Chunk record. @throws Error in words when it is damaged. */
export async function unpackChunk(record: Uint8Array, checksums = true): Promise<Uint8Array> {
  if (record[0] !== opcode.chunk || uint64(viewOf(record), 1) + recordHeaderSize !== record.byteLength)
    throw new RangeError("the index points to something that is no chunk");
  const content = record.subarray(recordHeaderSize);
  const header = parseChunkHeader(content);
  const end = header.dataOffset + header.dataLength;
  if (end > content.byteLength) throw new RangeError("its data is longer than its record");
  if (header.uncompressedSize > maxBlockSize)
    throw new RangeError(`an uncompressed size of ${header.uncompressedSize} bytes is absurd`);
  const decompress = decompressorFor(header.compression);
  if (decompress === undefined)
    throw new RangeError(`compression ${JSON.stringify(header.compression)} is not known`);
  const data = content.subarray(header.dataOffset, end);
  const records = data.byteLength === 0 ? data : await decompress(data, header.uncompressedSize);
  if (checksums && header.crc !== 0 && crc32(records) !== header.crc)
    throw new RangeError("its checksum is wrong");
  return records;
}
