import { describe, GraspGroundingError } from "../../errors/index.js";
import { BufferPool } from "../compression/buffer-pool.js";
import { DecoderCache } from "../compression/decoders.js";
import type { ByteSource } from "../file.js";
import { headBytes, otherFormat } from "../other-format.js";
import type { BagMessage, BagReader, MessageDefinitionText, MessageQuery, TopicInfo } from "../types.js";
import { settleTimes } from "./doubtful.js";
import { mergeSegments } from "./merge.js";
import { magic } from "./records.js";
import { recoverSummary } from "./recover.js";
import { readSummary, type Summary } from "./summary.js";

/** A recording in MCAP: by its index, or rebuilt from what is there when the index is missing. */
export class McapBag implements BagReader {
  readonly storage = "mcap";
  readonly path: string;
  readonly topics: readonly TopicInfo[];
  readonly startTime: bigint | undefined;
  readonly endTime: bigint | undefined;
  readonly #source: ByteSource;
  readonly #summary: Summary;
  readonly #damage: string[];
  readonly #decoders: DecoderCache;
  readonly #pool = new BufferPool();

  private constructor(path: string, source: ByteSource, summary: Summary, damage: readonly string[]) {
    this.path = path;
    this.#source = source;
    this.#summary = summary;
    this.#damage = [...damage];
    this.topics = topicsOf(summary);
    this.#decoders = new DecoderCache(this.topics);
    for (const { startTime, endTime, channels, timesUnknown } of summary.segments) {
      if (channels?.size === 0 || timesUnknown) continue;
      if (this.startTime === undefined || startTime < this.startTime) this.startTime = startTime;
      if (this.endTime === undefined || endTime > this.endTime) this.endTime = endTime;
    }
  }

  /** Takes over `source`. @throws GraspGroundingError BAG_FORMAT when it is no MCAP file. */
  static async open(path: string, source: ByteSource): Promise<McapBag> {
    try {
      const head = await source.read(0, Math.min(headBytes, source.size));
      if (head.length < magic.length || magic.some((value, i) => head[i] !== value))
        throw new GraspGroundingError("BAG_FORMAT", { path, detail: otherFormat(head, "an MCAP") });
      try {
        const summary = await settleTimes(source, await readSummary(source));
        return new McapBag(path, source, summary, []);
      } catch (error) {
        if (error instanceof GraspGroundingError) throw error;
        const { summary: recovered, damage } = await recoverSummary(source);
        const summary = await settleTimes(source, recovered);
        // A file that was written without an index on purpose is whole: nothing is lost and there is nothing to say.
        const meant = /File is not indexed|no chunk index/.test(describe(error));
        const said =
          damage.length > 0 || !meant
            ? [`the index at its end cannot be used (${brief(error)})`, ...damage]
            : [];
        return new McapBag(path, source, summary, said);
      }
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  get damage(): readonly string[] {
    return this.#damage;
  }

  async *messages(query: MessageQuery = {}): AsyncGenerator<BagMessage, void, void> {
    const names = query.topics && new Set(query.topics);
    const { channels, schemas } = this.#summary;
    const targets = new Map<number, { topic: string; type: string }>();
    for (const { id, topic, schemaId } of channels.values()) {
      if (names === undefined || names.has(topic))
        targets.set(id, { topic, type: schemas.get(schemaId)?.name ?? "" });
    }
    const raw = mergeSegments({
      source: this.#source,
      pool: this.#pool,
      checksums: query.checksums ?? true,
      borrow: query.borrow ?? false,
      segments: this.#summary.segments,
      wanted: (id) => targets.has(id),
      from: query.from,
      to: query.to,
      onDamage: (text) => this.#note(text),
    });
    for await (const { entry, data } of raw) {
      const { topic, type } = targets.get(entry.channelId)!;
      yield { topic, type, logTime: entry.logTime, publishTime: entry.publishTime, data };
    }
  }

  decode<T>(message: BagMessage): T {
    return this.#decoders.decode<T>(message);
  }

  async close(): Promise<void> {
    await this.#source.close();
  }

  /** The same part is met again when a bag is read twice. */
  #note(text: string): void {
    if (!this.#damage.includes(text)) this.#damage.push(text);
  }
}

function topicsOf({ schemas, channels, counts }: Summary): TopicInfo[] {
  const topics = new Map<string, TopicInfo>();
  for (const channel of channels.values()) {
    const schema = schemas.get(channel.schemaId);
    const before = topics.get(channel.topic);
    const definition = definitionOf(schema?.encoding ?? "", schema?.text ?? "");
    const qos = channel.metadata?.get("offered_qos_profiles");
    topics.set(channel.topic, {
      name: channel.topic,
      type: before?.type ?? schema?.name ?? "",
      count: counts && (before?.count ?? 0) + (counts.get(channel.id) ?? 0),
      serialization: channel.messageEncoding,
      ...(qos ? { qos } : before?.qos !== undefined && { qos: before.qos }),
      ...(before?.definition ? { definition: before.definition } : definition && { definition }),
    });
  }
  return [...topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function definitionOf(encoding: string, text: string): MessageDefinitionText | undefined {
  return (encoding === "ros2msg" || encoding === "ros2idl") && text.trim() !== ""
    ? { encoding, text }
    : undefined;
}

/** @mcap/core's messages end in the name of the library that wrote the file. */
const brief = (error: unknown): string => describe(error).replace(/\s*\[(library=.*|no header)\]$/, "");
