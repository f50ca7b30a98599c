import { McapIndexedReader } from "@mcap/core";
import type { ByteSource } from "../file.js";
import type { ChannelRecord, SchemaRecord } from "./records.js";

/** A part of the file that is read in one go: a chunk, or a run of messages outside chunks. */
export interface Segment {
  readonly kind: "chunk" | "plain";
  /** Of the chunk's record, or of the run's first record. */
  readonly offset: number;
  readonly length: number;
  /** Bytes of its records once they are decompressed. */
  readonly size: number;
  readonly compressed: boolean;
  readonly startTime: bigint;
  readonly endTime: bigint;
  /** Its times are not those of its messages, and it cannot be read. */
  readonly timesUnknown?: boolean;
  /** Channels in it; undefined when not known. */
  readonly channels: ReadonlySet<number> | undefined;
}

/** What a file holds, from its index or from walking it. */
export interface Summary {
  readonly schemas: ReadonlyMap<number, SchemaRecord>;
  readonly channels: ReadonlyMap<number, ChannelRecord>;
  readonly segments: readonly Segment[];
  /** Messages by channel; undefined when only reading them all would tell. */
  readonly counts: ReadonlyMap<number, number> | undefined;
}

/** More than the index of any sane file; a damaged length is refused before it is allocated. */
const maxRead = 256 * 1024 * 1024;

/** The summary at the file's end. @throws Error when there is none or it is damaged. */
export async function readSummary(source: ByteSource): Promise<Summary> {
  const reader = await McapIndexedReader.Initialize({
    readable: {
      size: async () => BigInt(source.size),
      read: async (offset, length) => {
        if (offset < 0n || length > maxRead || offset + length > source.size)
          throw new RangeError("its index points outside the file");
        return await source.read(Number(offset), Number(length));
      },
    },
  });
  const { statistics } = reader;
  if (reader.chunkIndexes.length === 0 && statistics?.messageCount !== 0n)
    throw new RangeError("it has no chunk index");
  if (reader.channelsById.size === 0 && statistics?.messageCount !== 0n)
    throw new RangeError("its index lists no topics");
  const places = [...reader.chunkIndexes].sort((a, b) => Number(a.chunkStartOffset - b.chunkStartOffset));
  for (const [i, { chunkStartOffset, chunkLength }] of places.entries()) {
    const next = places[i + 1]?.chunkStartOffset ?? BigInt(source.size);
    if (chunkStartOffset + chunkLength > next) throw new RangeError("its index has chunks that overlap");
  }
  const decoder = new TextDecoder();
  const schemas = new Map<number, SchemaRecord>();
  for (const { id, name, encoding, data } of reader.schemasById.values())
    schemas.set(id, { id, name, encoding, text: decoder.decode(data) });
  return {
    schemas,
    channels: reader.channelsById,
    counts:
      statistics && new Map([...statistics.channelMessageCounts].map(([id, count]) => [id, Number(count)])),
    segments: reader.chunkIndexes.map((index) => ({
      kind: "chunk",
      offset: Number(index.chunkStartOffset),
      length: Number(index.chunkLength),
      size: Number(index.uncompressedSize),
      compressed: index.compression !== "",
      startTime: index.messageStartTime,
      endTime: index.messageEndTime,
      channels: index.messageIndexOffsets.size > 0 ? new Set(index.messageIndexOffsets.keys()) : undefined,
    })),
  };
}
