import type { ByteSource } from "../file.js";
import { chunkHeaderRoom, opcode, parseChunkHeader, recordHeaderSize, uint64, viewOf } from "./records.js";

const windowSize = 1024 * 1024;
const room = recordHeaderSize + chunkHeaderRoom;

/** Where the next whole chunk begins at or after `from`, after a place at which the records make no sense. */
export async function findChunk(source: ByteSource, from: number): Promise<number | undefined> {
  for (let start = from; start + recordHeaderSize < source.size; start += windowSize) {
    // What begins in this window may end in the next.
    const window = await source.read(start, Math.min(windowSize + room, source.size - start));
    for (let at = window.indexOf(opcode.chunk); at >= 0 && at < windowSize; ) {
      if (isChunk(window.subarray(at, at + room), source.size - start - at)) return start + at;
      at = window.indexOf(opcode.chunk, at + 1);
    }
  }
  return undefined;
}

/** Whether a Chunk begins here whose numbers fit each other; `left` bytes are left of the file. */
function isChunk(record: Uint8Array, left: number): boolean {
  if (record.byteLength < recordHeaderSize + 40) return false;
  const length = uint64(viewOf(record), 1);
  if (length < 40 || recordHeaderSize + length > left) return false;
  const content = record.subarray(recordHeaderSize);
  // Tested by its bytes first: reading a text of any length for every 6 in an image would take long.
  const view = viewOf(content);
  const nameLength = view.getUint32(28, true);
  if (nameLength > 4 || content.byteLength < 32 + nameLength + 8) return false;
  const { startTime, endTime, compression, dataOffset, dataLength } = parseChunkHeader(content);
  return (
    ["", "zstd", "lz4"].includes(compression) && startTime <= endTime && dataOffset + dataLength === length
  );
}
