import { crc32 } from "node:zlib";
import { decompressorFor, maxBlockSize } from "../decompress.js";
import type { ByteSource } from "../file.js";
import { opcode, parseChunkHeader, recordHeaderSize, uint64, viewOf } from "./records.js";
import type { Segment } from "./summary.js";

/**
 * The records of a segment, decompressed and checked.
 * @throws Error in words when the segment is damaged.
 */
export async function loadSegment(source: ByteSource, segment: Segment): Promise<Uint8Array> {
  if (segment.length > maxBlockSize * 2)
    throw new RangeError(`its length of ${segment.length} bytes is absurd`);
  const bytes = await source.read(segment.offset, segment.length);
  return segment.kind === "plain" ? bytes : await unpackChunk(bytes);
}

/** @param record a whole Chunk record. */
export async function unpackChunk(record: Uint8Array): Promise<Uint8Array> {
  if (record[0] !== opcode.chunk || uint64(viewOf(record), 1) + recordHeaderSize !== record.byteLength)
    throw new RangeError("the index points to something that is no chunk");
  const content = record.subarray(recordHeaderSize);
  const header = parseChunkHeader(content);
  const end = header.dataOffset + header.dataLength;
  if (end > content.byteLength) throw new RangeError("its data is longer than its record");
  if (header.uncompressedSize > maxBlockSize)
    throw new RangeError(`an uncompressed size of ${header.uncompressedSize} bytes is absurd`);
  const decompress = await decompressorFor(header.compression);
  if (decompress === undefined)
    throw new RangeError(`compression ${JSON.stringify(header.compression)} is not known`);
  const data = content.subarray(header.dataOffset, end);
  const records = data.byteLength === 0 ? data : await decompress(data, header.uncompressedSize);
  if (header.crc !== 0 && crc32(records) !== header.crc) throw new RangeError("its checksum is wrong");
  return records;
}
