import { describe, GraspGroundingError } from "../../errors/index.js";
import type { ByteSource } from "../file.js";
import { findChunk } from "./find-chunk.js";
import {
  type ChannelRecord,
  chunkHeaderRoom,
  magic,
  opcode,
  parseChannel,
  parseChunkHeader,
  parseSchema,
  recordHeaderSize,
  type SchemaRecord,
  uint64,
  viewOf,
  walkRecords,
} from "./records.js";
import { unpackChunk } from "./segment.js";
import type { Segment, Summary } from "./summary.js";

/** Messages outside chunks are read in runs of about this size. */
const runSize = 4 * 1024 * 1024;
const windowSize = 256 * 1024;

const footerSize = recordHeaderSize + 8 + 8 + 4;
/** More than the index of any sane file. */
const largestSummary = 256 * 1024 * 1024;

/** A summary rebuilt from the data, and what is wrong with the file, in words. */
export interface Recovered {
  readonly summary: Summary;
  readonly damage: readonly string[];
}

/**
 * Rebuilds the index of a file that has none or a damaged one by walking its records from the start, up to where they
 * are good. Chunks are skipped over; only those that introduce topics are decompressed.
 */
export async function recoverSummary(source: ByteSource): Promise<Recovered> {
  return await new Walk(source).run();
}

/** A chunk whose message indexes, which follow it, are being gathered. */
interface PendingChunk extends Omit<Segment, "kind" | "channels"> {
  readonly counts: Map<number, number>;
}

interface Run {
  readonly offset: number;
  end: number;
  startTime: bigint;
  endTime: bigint;
  readonly channels: Set<number>;
}

class Walk {
  readonly #source: ByteSource;
  readonly #schemas = new Map<number, SchemaRecord>();
  readonly #channels = new Map<number, ChannelRecord>();
  readonly #segments: Segment[] = [];
  readonly #counts = new Map<number, number>();
  readonly #damage: string[] = [];
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;
  #chunk: PendingChunk | undefined;
  #run: Run | undefined;
  /** Where the data ends and the index begins, as the walk found it. */
  #dataEnd: number | undefined;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async run(): Promise<Recovered> {
    for (let from: number | undefined = magic.length; from !== undefined; ) from = await this.#walk(from);
    await this.#finishChunk();
    this.#finishRun();
    await this.#topicsAtEnd();
    return {
      summary: {
        schemas: this.#schemas,
        channels: this.#channels,
        segments: this.#segments,
        counts: this.#counts,
      },
      damage: this.#damage,
    };
  }

  /** Walks the records from `offset` on; where they stop being good, gives the chunk at which to go on, if any. */
  async #walk(offset: number): Promise<number | undefined> {
    const { size } = this.#source;
    let at = offset;
    try {
      for (let ended = false; !ended; ) {
        if (at + recordHeaderSize > size) throw new RangeError("the end of the recording is missing");
        const head = await this.#bytes(at, recordHeaderSize);
        const kind = head[0] ?? 0;
        const start = at + recordHeaderSize;
        const end = start + uint64(viewOf(head), 1);
        if (kind === 0) throw new RangeError("no record begins here");
        if (end > size) {
          if (kind === opcode.chunk) await this.#cutChunk(at, start);
          throw new RangeError("the last record is cut off");
        }
        if (kind !== opcode.messageIndex) await this.#finishChunk();
        ended = kind === opcode.dataEnd || kind === opcode.footer;
        await this.#record(kind, at, start, end);
        at = end;
        if (kind === opcode.dataEnd) this.#dataEnd = at;
      }
      return undefined;
    } catch (error) {
      if (error instanceof GraspGroundingError) throw error;
      await this.#finishChunk();
      this.#finishRun();
      const next = await findChunk(this.#source, at + 1);
      this.#damage.push(
        next === undefined
          ? `stopped at byte ${at} of ${size}: ${describe(error)} (${size - at} bytes lost)`
          : `bytes ${at} to ${next} are skipped: ${describe(error)}`,
      );
      return next;
    }
  }

  /**
   * Topics stand in the first chunk that uses them, and again at the file's end: where the chunk is damaged, the
   * messages of all others are saved by the second, even when the rest of the index is of no use.
   */
  async #topicsAtEnd(): Promise<void> {
    const at = this.#source.size - magic.length - footerSize;
    if (at < magic.length) return;
    const footer = await this.#source.read(at, footerSize);
    const start = this.#dataEnd ?? uint64(viewOf(footer), recordHeaderSize);
    if (footer[0] !== opcode.footer || start < magic.length || start >= at || at - start > largestSummary)
      return;
    const summary = await this.#source.read(start, at - start);
    if (summary[0] !== opcode.schema && summary[0] !== opcode.channel) return;
    try {
      walkRecords(summary, {
        schema: (schema) => this.#addSchema(schema),
        channel: (channel) => this.#addChannel(channel),
      });
    } catch {
      // It is known to be damaged; what came before is used.
    }
  }

  async #record(kind: number, offset: number, start: number, end: number): Promise<void> {
    switch (kind) {
      case opcode.schema:
        this.#addSchema(parseSchema(await this.#bytes(start, end - start)));
        break;
      case opcode.channel:
        this.#addChannel(parseChannel(await this.#bytes(start, end - start)));
        break;
      case opcode.message:
        await this.#message(offset, start, end);
        break;
      case opcode.chunk: {
        this.#finishRun();
        const room = Math.min(end - start, chunkHeaderRoom);
        const { startTime, endTime, uncompressedSize, compression } = parseChunkHeader(
          await this.#bytes(start, room),
        );
        this.#chunk = {
          offset,
          length: end - offset,
          size: uncompressedSize,
          compressed: compression !== "",
          startTime,
          endTime,
          counts: new Map(),
        };
        break;
      }
      case opcode.messageIndex: {
        const view = viewOf(await this.#bytes(start, Math.min(end - start, 6)));
        this.#chunk?.counts.set(view.getUint16(0, true), Math.trunc(view.getUint32(2, true) / 16));
        break;
      }
    }
  }

  async #message(offset: number, start: number, end: number): Promise<void> {
    const view = viewOf(await this.#bytes(start, Math.min(end - start, 22)));
    const channelId = view.getUint16(0, true);
    const time = view.getBigUint64(6, true);
    if (this.#run !== undefined && end - this.#run.offset > runSize) this.#finishRun();
    this.#run ??= { offset, end, startTime: time, endTime: time, channels: new Set() };
    this.#run.end = end;
    if (time < this.#run.startTime) this.#run.startTime = time;
    if (time > this.#run.endTime) this.#run.endTime = time;
    this.#run.channels.add(channelId);
    this.#count(channelId, 1);
  }

  #finishRun(): void {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) return;
    const { offset, end, ...rest } = run;
    this.#segments.push({ ...plain(offset, end - offset), ...rest });
  }

  async #finishChunk(): Promise<void> {
    const chunk = this.#chunk;
    this.#chunk = undefined;
    if (chunk === undefined) return;
    const { offset, length, size, compressed, counts } = chunk;
    const place = { kind: "chunk", offset, length, size, compressed } as const;
    const known = counts.size > 0 && [...counts.keys()].every((id) => this.#channels.has(id));
    if (known) {
      for (const [id, count] of counts) this.#count(id, count);
      const { startTime, endTime } = chunk;
      this.#segments.push({ ...place, startTime, endTime, channels: new Set(counts.keys()) });
      return;
    }
    try {
      const records = await unpackChunk(await this.#source.read(offset, length));
      const found = this.#learn(records);
      if (found === undefined) return;
      this.#segments.push({ ...place, ...found });
    } catch (error) {
      if (error instanceof GraspGroundingError) throw error;
      this.#damage.push(`the chunk at byte ${offset} is lost: ${describe(error)}`);
    }
  }

  /** Of an uncompressed chunk that was cut off, the messages that are whole. */
  async #cutChunk(offset: number, start: number): Promise<void> {
    await this.#finishChunk();
    this.#finishRun();
    const room = Math.min(this.#source.size - start, chunkHeaderRoom);
    const header = parseChunkHeader(await this.#bytes(start, room));
    if (header.compression !== "") return;
    const dataStart = start + header.dataOffset;
    const length = Math.min(this.#source.size - dataStart, header.dataLength);
    const records = await this.#source.read(dataStart, length);
    const found = this.#learn(records);
    if (found === undefined) return;
    this.#segments.push({ ...plain(dataStart, length), ...found });
    this.#damage.push(`the chunk at byte ${offset} is cut off; its whole messages are used`);
  }

  /** Takes topics and counts from a chunk's records; undefined when there is no message. */
  #learn(records: Uint8Array): Pick<Segment, "startTime" | "endTime" | "channels"> | undefined {
    const channels = new Set<number>();
    let startTime: bigint | undefined;
    let endTime = 0n;
    walkRecords(records, {
      schema: (schema) => this.#addSchema(schema),
      channel: (channel) => this.#addChannel(channel),
      message: ({ channelId, logTime }) => {
        channels.add(channelId);
        this.#count(channelId, 1);
        if (startTime === undefined || logTime < startTime) startTime = logTime;
        if (logTime > endTime) endTime = logTime;
      },
    });
    return startTime === undefined ? undefined : { startTime, endTime, channels };
  }

  #addSchema(schema: SchemaRecord): void {
    if (!this.#schemas.has(schema.id)) this.#schemas.set(schema.id, schema);
  }

  #addChannel(channel: ChannelRecord): void {
    if (!this.#channels.has(channel.id)) this.#channels.set(channel.id, channel);
  }

  #count(channelId: number, count: number): void {
    this.#counts.set(channelId, (this.#counts.get(channelId) ?? 0) + count);
  }

  /** Small reads are served from a window, so that a walk over many small records is not a system call each. */
  async #bytes(offset: number, length: number): Promise<Uint8Array> {
    const inside = offset >= this.#windowStart && offset + length <= this.#windowStart + this.#window.length;
    if (!inside) {
      if (length > windowSize) return await this.#source.read(offset, length);
      this.#window = await this.#source.read(offset, Math.min(windowSize, this.#source.size - offset));
      this.#windowStart = offset;
    }
    return this.#window.subarray(offset - this.#windowStart, offset - this.#windowStart + length);
  }
}

const plain = (offset: number, length: number) =>
  ({ kind: "plain", offset, length, size: length, compressed: false }) as const;
