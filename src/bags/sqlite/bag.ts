import type { DatabaseSyncInstance } from "@photostructure/sqlite";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { DecoderCache } from "../compression/decoders.js";
import { isZstdFrame } from "../compression/zstd-frame.js";
import type { BagMessage, BagReader, MessageDefinitionText, MessageQuery, TopicInfo } from "../types.js";
import { BlobReader } from "./blob-reader.js";
import { type OpenedDatabase, openDatabase } from "./database.js";
import { IdSet } from "./id-set.js";
import { release } from "./release.js";

interface TopicRow {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly serialization_format: string;
  readonly offered_qos_profiles?: unknown;
}

interface MessageRow {
  readonly id: bigint;
  readonly topic_id: bigint;
  readonly timestamp: bigint;
  readonly data: Uint8Array;
}

/** So many rows in a row that cannot be read mean the end of what is good. */
const givingUp = 2000;

/** The memory of smaller messages is not worth giving back one by one. */
const worthReleasing = 64 * 1024;

/** After so many rows it is looked whether the file is still whole. */
const checkEvery = 64;

/** A recording in sqlite3: one .db3 file. */
export class SqliteBag implements BagReader {
  readonly storage = "sqlite3";
  readonly path: string;
  readonly topics: readonly TopicInfo[];
  readonly startTime: bigint | undefined;
  readonly endTime: bigint | undefined;
  readonly messageCompression: boolean;
  readonly #opened: OpenedDatabase;
  readonly #damage: string[];
  readonly #decoders: DecoderCache;
  readonly #topicsById = new Map<number, { topic: string; type: string }>();
  readonly #hasTimeIndex: boolean;
  readonly #blobs: BlobReader | undefined;

  private constructor(path: string, opened: OpenedDatabase) {
    this.path = path;
    this.#opened = opened;
    this.#damage = [...opened.damage];
    const { database } = opened;
    // All columns: bags of ROS 2 Crystal have no quality of service.
    const rows = database.prepare("SELECT * FROM topics").all();
    const definitions = readDefinitions(database);
    const counts = this.#attempt("the messages cannot be counted", () => readCounts(database));
    const topics = new Map<string, TopicInfo>();
    for (const row of rows as unknown as TopicRow[]) {
      const { id, name, type, serialization_format, offered_qos_profiles: qos } = row;
      this.#topicsById.set(id, { topic: name, type });
      const definition = definitions.get(type);
      const count = counts && (counts.get(id) ?? 0) + (topics.get(name)?.count ?? 0);
      topics.set(name, {
        name,
        type,
        count,
        serialization: serialization_format,
        ...(typeof qos === "string" && qos !== "" && { qos }),
        ...(definition && { definition }),
      });
    }
    this.topics = [...topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#decoders = new DecoderCache(this.topics);
    this.#hasTimeIndex = database
      .prepare("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'messages'")
      .all()
      .some(({ sql }) => /\(\s*timestamp\b/.test(String(sql)));
    this.#blobs =
      opened.file === undefined
        ? undefined
        : this.#attempt("its pages cannot be read", () => BlobReader.open(opened.file!, database));
    const range = this.#attempt("its time range cannot be read", () => readRange(database));
    this.messageCompression =
      this.#attempt("its messages' compression cannot be told", () => hasFrames(database, this.#blobs)) ??
      false;
    this.startTime = range?.[0];
    this.endTime = range?.[1];
  }

  /** @throws GraspGroundingError BAG_FORMAT, FILE_UNREADABLE */
  static async open(file: string): Promise<SqliteBag> {
    const opened = await openDatabase(file);
    try {
      const format = compressionFormat(opened.database);
      if (format !== "" && format !== "zstd")
        throw new GraspGroundingError("BAG_FORMAT", {
          path: file,
          detail: `compression ${format} is not known`,
        });
      return new SqliteBag(file, opened);
    } catch (error) {
      await opened.close();
      if (error instanceof GraspGroundingError) throw error;
      const detail = `its tables cannot be read: ${describe(error)}`;
      throw new GraspGroundingError("BAG_FORMAT", { path: file, detail }, { cause: error });
    }
  }

  get damage(): readonly string[] {
    return this.#damage;
  }

  async *messages(query: MessageQuery = {}): AsyncGenerator<BagMessage, void, void> {
    const ids = [...this.#topicsById]
      .filter(([, { topic }]) => query.topics === undefined || query.topics.includes(topic))
      .map(([id]) => id);
    if (ids.length === 0) return;
    const seen = new IdSet();
    try {
      for (const row of this.#rows(ids, query)) {
        seen.add(row.id);
        yield this.#message(row);
        if (query.borrow && this.#blobs === undefined && row.data.byteLength >= worthReleasing)
          release(row.data);
      }
      return;
    } catch (error) {
      this.#note(`the file is damaged (${describe(error)}); its messages are read one by one`);
    }
    try {
      for (const row of this.#oneByOne(ids, query)) if (!seen.has(row.id)) yield this.#message(row);
    } catch (error) {
      this.#note(`its messages cannot be read one by one either: ${describe(error)}`);
    }
  }

  decode<T>(message: BagMessage): T {
    return this.#decoders.decode<T>(message);
  }

  async close(): Promise<void> {
    this.#blobs?.close();
    await this.#opened.close();
  }

  #message({ topic_id, timestamp, data }: MessageRow): BagMessage {
    const { topic, type } = this.#topicsById.get(Number(topic_id))!;
    return { topic, type, logTime: timestamp, publishTime: timestamp, data };
  }

  *#rows(
    ids: readonly number[],
    { from, to, borrow = false }: MessageQuery,
  ): Generator<MessageRow, void, void> {
    const where =
      `topic_id IN (${ids.join(",")})` +
      (from === undefined ? "" : ` AND timestamp >= ${from}`) +
      (to === undefined ? "" : ` AND timestamp <= ${to}`);
    let rows = 0;
    for (const row of this.#ordered(where, borrow)) {
      if (rows++ % checkEvery === 0) this.#opened.check();
      yield row;
    }
    this.#opened.check();
  }

  /** The order is found without the images: sqlite would sort them where there is no index, and read them slowly. */
  *#ordered(where: string, borrow: boolean): Generator<MessageRow, void, void> {
    const { database } = this.#opened;
    const columns = this.#blobs === undefined ? "id" : "id, topic_id, timestamp";
    const sql = `SELECT ${columns} FROM messages WHERE ${where} ORDER BY timestamp, id`;
    if (this.#blobs === undefined && this.#hasTimeIndex) {
      yield* iterate(database, sql.replace("SELECT id", "SELECT id, topic_id, timestamp, data"));
      return;
    }
    const one = database.prepare("SELECT id, topic_id, timestamp, data FROM messages WHERE id = ?");
    one.setReadBigInts(true);
    const lent = borrow ? { buffer: Buffer.alloc(0) } : undefined;
    const order = this.#hasTimeIndex ? iterate(database, sql) : sorted(database, sql);
    for (const row of order) {
      const data = this.#blobs?.read(Number(row.id), lent);
      yield data === undefined ? (one.get(row.id) as unknown as MessageRow) : { ...row, data };
    }
  }

  /** What can still be read of a damaged file, in the order of recording. */
  *#oneByOne(ids: readonly number[], { from, to }: MessageQuery): Generator<MessageRow, void, void> {
    const one = this.#opened.database.prepare(
      "SELECT id, topic_id, timestamp, data FROM messages WHERE id = ?",
    );
    one.setReadBigInts(true);
    const wanted = new Set(ids.map(BigInt));
    let lost = 0;
    for (let id = 1, missing = 0; missing < givingUp; id++) {
      try {
        const row = one.get(id) as unknown as MessageRow | undefined;
        missing = row === undefined ? missing + 1 : 0;
        if (row === undefined || !wanted.has(row.topic_id)) continue;
        if ((from !== undefined && row.timestamp < from) || (to !== undefined && row.timestamp > to))
          continue;
        if (!(row.data instanceof Uint8Array)) continue;
        yield row;
      } catch {
        missing++;
        lost++;
      }
    }
    if (lost > 0) this.#note("some of its messages are lost");
  }

  #attempt<T>(what: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.#note(`${what}: ${describe(error)}`);
      return undefined;
    }
  }

  #note(text: string): void {
    if (!this.#damage.includes(text)) this.#damage.push(text);
  }
}

function* iterate(database: DatabaseSyncInstance, sql: string): Generator<MessageRow, void, void> {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  for (const row of statement.iterate()) yield row as unknown as MessageRow;
}

/** All rows at once: without an index sqlite sorts them before it gives the first. */
function sorted(database: DatabaseSyncInstance, sql: string): MessageRow[] {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  return statement.all() as unknown as MessageRow[];
}

/** Definitions by type; bags of before ROS 2 Jazzy have none. */
function readDefinitions(database: DatabaseSyncInstance): ReadonlyMap<string, MessageDefinitionText> {
  const found = new Map<string, MessageDefinitionText>();
  const table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'message_definitions'";
  if (database.prepare(table).get() === undefined) return found;
  const sql = "SELECT topic_type, encoding, encoded_message_definition AS text FROM message_definitions";
  for (const { topic_type, encoding, text } of database.prepare(sql).all()) {
    if ((encoding === "ros2msg" || encoding === "ros2idl") && typeof text === "string" && text.trim() !== "")
      found.set(String(topic_type), { encoding, text });
  }
  return found;
}

/** What the file's own `metadata` table names (rosbag2 writes it since ROS 2 Iron); empty when it names none. */
function compressionFormat(database: DatabaseSyncInstance): string {
  const table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'metadata'";
  if (database.prepare(table).get() === undefined) return "";
  const row = database.prepare("SELECT metadata FROM metadata ORDER BY id DESC LIMIT 1").get();
  return /^\s*compression_format:\s*["']?(\w*)/m.exec(String(row?.metadata ?? ""))?.[1] ?? "";
}

/**
 * Whether messages are zstd frames; a few tell, and one of them may be damaged. sqlite would read all of an image for
 * its first bytes.
 */
function hasFrames(database: DatabaseSyncInstance, blobs: BlobReader | undefined): boolean {
  const one = database.prepare("SELECT substr(data, 1, 4) AS head FROM messages WHERE id = ?");
  const ids = database.prepare("SELECT id FROM messages ORDER BY id LIMIT 8").all();
  return ids.some(({ id }) => {
    const head = blobs?.head(Number(id)) ?? one.get(id!)?.head;
    return head instanceof Uint8Array && isZstdFrame(head);
  });
}

function readCounts(database: DatabaseSyncInstance): ReadonlyMap<number, number> {
  const rows = database.prepare("SELECT topic_id, count(*) AS n FROM messages GROUP BY topic_id").all();
  return new Map(rows.map(({ topic_id, n }) => [Number(topic_id), Number(n)]));
}

function readRange(database: DatabaseSyncInstance): readonly [bigint, bigint] | undefined {
  const ends = ["min", "max"].map((end) => {
    const statement = database.prepare(`SELECT ${end}(timestamp) AS time FROM messages`);
    statement.setReadBigInts(true);
    return statement.get()?.time;
  });
  const [first, last] = ends;
  return typeof first === "bigint" && typeof last === "bigint" ? [first, last] : undefined;
}
