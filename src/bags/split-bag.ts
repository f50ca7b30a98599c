import { describe } from "../errors/index.js";
import { DecoderCache } from "./compression/decoders.js";
import { decompressMessage } from "./compression/zstd.js";
import type { BagMessage, BagReader, MessageQuery, TopicInfo } from "./types.js";

export interface SplitOptions {
  readonly path: string;
  readonly parts: readonly BagReader[];
  /** Each message is a zstd frame of its own (rosbag2's compression mode "message"), as metadata.yaml says. */
  readonly messageCompression: boolean;
  readonly damage: readonly string[];
}

/** A recording in several files, one after the other, read as one. */
export class SplitBag implements BagReader {
  readonly path: string;
  readonly storage: BagReader["storage"];
  readonly topics: readonly TopicInfo[];
  readonly startTime: bigint | undefined;
  readonly endTime: bigint | undefined;
  readonly #parts: readonly BagReader[];
  readonly #messageCompression: boolean;
  readonly #damage: string[];
  readonly #decoders: DecoderCache;

  constructor({ path, parts, messageCompression, damage }: SplitOptions) {
    this.path = path;
    this.#parts = [...parts].sort((a, b) => compareTimes(a.startTime, b.startTime));
    this.#messageCompression = messageCompression;
    this.#damage = [...damage];
    this.storage = parts[0]?.storage ?? "sqlite3";
    this.topics = mergeTopics(parts);
    this.#decoders = new DecoderCache(this.topics);
    for (const { startTime, endTime } of parts) {
      if (startTime !== undefined && (this.startTime === undefined || startTime < this.startTime))
        this.startTime = startTime;
      if (endTime !== undefined && (this.endTime === undefined || endTime > this.endTime))
        this.endTime = endTime;
    }
  }

  get damage(): readonly string[] {
    return [...this.#damage, ...this.#parts.flatMap(({ damage }) => damage)];
  }

  async *messages(query: MessageQuery = {}): AsyncGenerator<BagMessage, void, void> {
    for (const part of this.#parts) {
      const { from, to, topics } = query;
      if (from !== undefined && part.endTime !== undefined && part.endTime < from) continue;
      if (to !== undefined && part.startTime !== undefined && part.startTime > to) continue;
      if (topics !== undefined && !part.topics.some(({ name }) => topics.includes(name))) continue;
      if (this.#messageCompression || part.messageCompression) yield* this.#decompressed(part, query);
      else yield* part.messages(query);
    }
  }

  async *#decompressed(part: BagReader, query: MessageQuery): AsyncGenerator<BagMessage, void, void> {
    let lost = 0;
    for await (const message of part.messages(query)) {
      let data: Uint8Array;
      try {
        data = await decompressMessage(message.data);
      } catch (error) {
        if (lost++ === 0) this.#damage.push(`a message on ${message.topic} is lost: ${describe(error)}`);
        continue;
      }
      yield { ...message, data };
    }
  }

  decode<T>(message: BagMessage): T {
    return this.#decoders.decode<T>(message);
  }

  async close(): Promise<void> {
    for (const part of this.#parts) await part.close();
  }
}

const compareTimes = (a: bigint | undefined, b: bigint | undefined): number =>
  a === undefined || b === undefined || a === b ? 0 : a < b ? -1 : 1;

function mergeTopics(parts: readonly BagReader[]): TopicInfo[] {
  const topics = new Map<string, TopicInfo>();
  for (const topic of parts.flatMap((part) => part.topics)) {
    const before = topics.get(topic.name);
    const known = before === undefined || before.count !== undefined;
    const count = known && topic.count !== undefined ? (before?.count ?? 0) + topic.count : undefined;
    topics.set(topic.name, { ...topic, ...before, count });
  }
  return [...topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
