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
