/**
 * The records of an MCAP file (https://mcap.dev/spec) that are walked here in place, without copying:
 * opcode (1 byte), length of the content (8 bytes, little endian), content.
 */
export const opcode = {
  header: 0x01,
  footer: 0x02,
  schema: 0x03,
  channel: 0x04,
  message: 0x05,
  chunk: 0x06,
  messageIndex: 0x07,
  dataEnd: 0x0f,
} as const;

export const recordHeaderSize = 9;
export const magic = Uint8Array.of(0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a);

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** 64 bits as a number; what exceeds 2^53 (only damaged files) becomes infinite. */
export function uint64(view: DataView, offset: number): number {
  const high = view.getUint32(offset + 4, true);
  return high > 0x1f_ff_ff ? Number.POSITIVE_INFINITY : high * 2 ** 32 + view.getUint32(offset, true);
}

export interface SchemaRecord {
  readonly id: number;
  readonly name: string;
  readonly encoding: string;
  readonly text: string;
}

export interface ChannelRecord {
  readonly id: number;
  readonly schemaId: number;
  readonly topic: string;
  readonly messageEncoding: string;
  readonly metadata?: ReadonlyMap<string, string>;
}

const textDecoder = new TextDecoder();

/** Content of a Schema record. @throws RangeError when it is cut off. */
export function parseSchema(content: Uint8Array): SchemaRecord {
  const view = viewOf(content);
  const name = prefixed(content, view, 2);
  const encoding = prefixed(content, view, name.end);
  const data = prefixed(content, view, encoding.end);
  return { id: view.getUint16(0, true), name: name.text, encoding: encoding.text, text: data.text };
}

/** Content of a Channel record. @throws RangeError when it is cut off. */
export function parseChannel(content: Uint8Array): ChannelRecord {
  const view = viewOf(content);
  const topic = prefixed(content, view, 4);
  const encoding = prefixed(content, view, topic.end);
  return {
    id: view.getUint16(0, true),
    schemaId: view.getUint16(2, true),
    topic: topic.text,
    messageEncoding: encoding.text,
    metadata: parseMap(content, view, encoding.end),
  };
}

/** Length of the whole in bytes, then keys and values. An entry that is cut off is skipped: it holds no data. */
function parseMap(content: Uint8Array, view: DataView, offset: number): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  if (offset + 4 > content.byteLength) return map;
  const end = Math.min(content.byteLength, offset + 4 + view.getUint32(offset, true));
  try {
    for (let at = offset + 4; at + 8 <= end; ) {
      const key = prefixed(content, view, at);
      const value = prefixed(content, view, key.end);
      map.set(key.text, value.text);
      at = value.end;
    }
  } catch {
    return map;
  }
  return map;
}

function prefixed(content: Uint8Array, view: DataView, offset: number): { text: string; end: number } {
  const start = offset + 4;
  const end = start + view.getUint32(offset, true);
  if (end > content.byteLength) throw new RangeError("a text is longer than its record");
  return { text: textDecoder.decode(content.subarray(start, end)), end };
}

/** Content of a Chunk record up to its data. */
export interface ChunkHeader {
  readonly startTime: bigint;
  readonly endTime: bigint;
  readonly uncompressedSize: number;
  readonly crc: number;
  readonly compression: string;
  /** Where the compressed data lies in the content. */
  readonly dataOffset: number;
  readonly dataLength: number;
}

/** Room for everything before the data of a Chunk, with a compression name of up to 32 characters. */
export const chunkHeaderRoom = 8 + 8 + 8 + 4 + 4 + 32 + 8;

/** @param content the beginning of a Chunk's content. @throws RangeError when it is no chunk. */
export function parseChunkHeader(content: Uint8Array): ChunkHeader {
  const view = viewOf(content);
  const compression = prefixed(content, view, 28);
  return {
    startTime: view.getBigUint64(0, true),
    endTime: view.getBigUint64(8, true),
    uncompressedSize: uint64(view, 16),
    crc: view.getUint32(24, true),
    compression: compression.text,
    dataOffset: compression.end + 8,
    dataLength: uint64(view, compression.end),
  };
}

/** Where a message lies in a block of records. */
export interface MessageEntry {
  readonly channelId: number;
  readonly logTime: bigint;
  readonly publishTime: bigint;
  readonly start: number;
  readonly end: number;
}

const messagePrefix = 22;

/** Walks a block of records; other records than those with a handler are skipped. */
export function walkRecords(
  block: Uint8Array,
  handlers: {
    readonly message?: (entry: MessageEntry) => void;
    readonly schema?: (schema: SchemaRecord) => void;
    readonly channel?: (channel: ChannelRecord) => void;
  },
): number {
  const view = viewOf(block);
  let offset = 0;
  while (offset + recordHeaderSize <= block.byteLength) {
    const start = offset + recordHeaderSize;
    const end = start + uint64(view, offset + 1);
    if (end > block.byteLength) break;
    switch (block[offset]) {
      case opcode.message:
        if (end - start < messagePrefix) return offset;
        handlers.message?.({
          channelId: view.getUint16(start, true),
          logTime: view.getBigUint64(start + 6, true),
          publishTime: view.getBigUint64(start + 14, true),
          start: start + messagePrefix,
          end,
        });
        break;
      case opcode.schema:
        handlers.schema?.(parseSchema(block.subarray(start, end)));
        break;
      case opcode.channel:
        handlers.channel?.(parseChannel(block.subarray(start, end)));
        break;
    }
    offset = end;
  }
  return offset;
}
