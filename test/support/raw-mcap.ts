import { readFileSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { McapWriter } from "@mcap/core";
import { FileHandleWritable } from "@mcap/nodejs";
import { builtinDefinition, encodeMessage, headerOf } from "../../src/messages/index.js";

export interface RawMessage {
  readonly topic: string;
  readonly type: string;
  readonly time: bigint;
  readonly message: unknown;
}

export interface RawOptions {
  readonly chunkSize?: number;
  readonly chunks?: boolean;
  /** Without index, statistics and repeated topics, as a recorder that was told so writes. */
  readonly index?: boolean;
  /** Definition to give a topic in place of its own. */
  readonly definitions?: Readonly<Record<string, string>>;
}

/** Writes an MCAP with the format's own library, uncompressed, so that damage can be put where it is wanted. */
export async function writeRawMcap(
  path: string,
  messages: readonly RawMessage[],
  options: RawOptions = {},
): Promise<void> {
  const { chunkSize, chunks = true, index = true, definitions = {} } = options;
  const handle = await open(path, "w");
  const writer = new McapWriter({
    writable: new FileHandleWritable(handle),
    useChunks: chunks,
    ...(chunkSize !== undefined && { chunkSize }),
    ...(!index && {
      useStatistics: false,
      useSummaryOffsets: false,
      useMessageIndex: false,
      useChunkIndex: false,
      repeatSchemas: false,
      repeatChannels: false,
    }),
  });
  await writer.start({ profile: "ros2", library: "test" });
  const channels = new Map<string, number>();
  for (const [sequence, { topic, type, time, message }] of messages.entries()) {
    let channelId = channels.get(topic);
    if (channelId === undefined) {
      const data = Buffer.from(definitions[topic] ?? builtinDefinition(type) ?? "");
      const schemaId = await writer.registerSchema({ name: type, encoding: "ros2msg", data });
      channelId = await writer.registerChannel({
        schemaId,
        topic,
        messageEncoding: "cdr",
        metadata: new Map(),
      });
      channels.set(topic, channelId);
    }
    const data = encodeMessage(type, message);
    await writer.addMessage({ channelId, sequence, logTime: time, publishTime: time, data });
  }
  await writer.end();
  await handle.close();
}

export const textAt = (time: bigint, text: string): RawMessage => ({
  topic: "/query",
  type: "std_msgs/msg/String",
  time,
  message: { data: text },
});

export const imageAt = (
  time: bigint,
  { topic = "/camera/image_raw", encoding = "rgb8", bytes = 3, width = 48, height = 32 } = {},
): RawMessage => ({
  topic,
  type: "sensor_msgs/msg/Image",
  time,
  message: {
    header: headerOf(time, "camera"),
    width,
    height,
    encoding,
    is_bigendian: 0,
    step: width * bytes,
    data: Uint8Array.from({ length: width * height * bytes }, (_, i) => (i * 31 + Number(time % 97n)) % 256),
  },
});

export interface RecordPlace {
  readonly opcode: number;
  /** Of the record's content. */
  readonly offset: number;
  readonly length: number;
}

/** The records of a file, in their order. */
export function records(bytes: Buffer): RecordPlace[] {
  const found: RecordPlace[] = [];
  for (let at = 8; at + 9 <= bytes.length - 8; ) {
    const length = Number(bytes.readBigUInt64LE(at + 1));
    found.push({ opcode: bytes[at]!, offset: at + 9, length });
    at += 9 + length;
  }
  return found;
}

/** Changes a copy of a file. */
export function changed(
  from: string,
  to: string,
  change: (bytes: Buffer, places: RecordPlace[]) => void,
): void {
  const bytes = readFileSync(from);
  change(bytes, records(bytes));
  writeFileSync(to, bytes);
}

const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const record = (opcode: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(opcode), u64(content.length), content]);
};

/**
 * Copies a file with a chunk without messages put first, whose times are 0 as the C++ writer has them.
 * @param data the chunk's compressed data, and its size before. Its index names no channel.
 */
export function withChunkFirst(
  from: string,
  to: string,
  chunk: { readonly compression: string; readonly data: Uint8Array; readonly size: number },
): void {
  const bytes = readFileSync(from);
  const places = records(bytes);
  const [header] = places;
  const begin = header!.offset + header!.length;
  const end = places.find(({ opcode }) => opcode === 0x0f)!;
  const name = Buffer.concat([u32(chunk.compression.length), Buffer.from(chunk.compression)]);
  const times = [u64(0), u64(0)];
  const added = record(
    0x06,
    ...times,
    u64(chunk.size),
    u32(0),
    name,
    u64(chunk.data.length),
    Buffer.from(chunk.data),
  );
  const summary: Buffer[] = [
    record(
      0x08,
      ...times,
      u64(begin),
      u64(added.length),
      u32(0),
      u64(0),
      name,
      u64(chunk.data.length),
      u64(chunk.size),
    ),
  ];
  for (const { opcode, offset, length } of places.filter((place) => place.offset > end.offset)) {
    const content = Buffer.from(bytes.subarray(offset, offset + length));
    // Offsets of what comes after the chunk that was put in; summary offsets are optional.
    if (opcode === 0x08) {
      const shift = (at: number) =>
        content.writeBigUInt64LE(content.readBigUInt64LE(at) + BigInt(added.length), at);
      shift(16);
      const map = content.readUInt32LE(32);
      for (let at = 36; at < 36 + map; at += 10) shift(at + 2);
    }
    if (opcode !== 0x0e && opcode !== 0x02) summary.push(record(opcode, content));
  }
  // With a CRC of 0, which stands for none.
  const dataEnd = record(0x0f, u32(0));
  const body = Buffer.concat([
    bytes.subarray(0, begin),
    added,
    bytes.subarray(begin, end.offset - 9),
    dataEnd,
  ]);
  const footer = record(0x02, u64(body.length), u64(0), u32(0));
  writeFileSync(to, Buffer.concat([body, ...summary, footer, bytes.subarray(0, 8)]));
}
