import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBag } from "../../../src/bags/index.js";
import { temporaryFolder } from "../../support/bags.js";
import { cli } from "../../support/cli.js";
import { runPython } from "../../support/python.js";
import { changed, imageAt, textAt, writeRawMcap } from "../../support/raw-mcap.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder.path, name);
afterAll(() => folder.remove());

const start = 1_700_000_000_000_000_000n;
const ms = (n: number) => start + BigInt(n) * 1_000_000n;
const chunk = 0x06;
const chunkIndex = 0x08;
const count = 30;

beforeAll(async () => {
  runPython("bench/reference/tiny_model.py", [at("tiny")]);
  const messages = Array.from({ length: count }, (_, i) => [
    imageAt(ms(i * 33)),
    textAt(ms(i * 33 + 1), "red"),
  ]).flat();
  await writeRawMcap(at("whole.mcap"), messages, { chunkSize: 20_000 });
});

async function read(path: string) {
  const bag = await openBag(path);
  const times: bigint[] = [];
  for await (const { logTime } of bag.messages()) times.push(logTime);
  const damage = [...bag.damage];
  await bag.close();
  return { times, damage, ordered: times.every((time, i) => i === 0 || time >= times[i - 1]!) };
}

const replay = (path: string) =>
  cli(["replay", path, "--query", "red", "--model", at("tiny"), "--json", at("out.jsonl"), "--quiet"]);

/** What a partial result is: lines were written, one line says what was lost, exit code 3. */
async function expectPartial(path: string, said: RegExp): Promise<void> {
  const { code, stderr } = await replay(path);
  expect([code, stderr]).toEqual([3, expect.stringMatching(said)]);
  expect(stderr).not.toMatch(/\n\s+at /);
}

describe("an MCAP file", () => {
  it("whose chunk has a wrong checksum loses that chunk, and says so", async () => {
    changed(at("whole.mcap"), at("crc.mcap"), (bytes, places) => {
      const second = places.filter(({ opcode }) => opcode === chunk)[1]!;
      bytes[second.offset + 24]! ^= 1;
    });
    const { times, damage } = await read(at("crc.mcap"));
    expect(damage).toEqual([expect.stringMatching(/^the chunk at byte \d+ is lost: its checksum is wrong$/)]);
    expect(times.length).toBeGreaterThan(count);
    expect(times.length).toBeLessThan(2 * count);
    await expectPartial(at("crc.mcap"), /checksum is wrong/);
  });

  it("whose index has a wrong checksum is read by walking it, whole", async () => {
    changed(at("whole.mcap"), at("index-crc.mcap"), (bytes, places) => {
      const footer = places.at(-1)!;
      expect(footer.opcode).toBe(0x02);
      expect(bytes.readUInt32LE(footer.offset + 16)).not.toBe(0);
      const summary = Number(bytes.readBigUInt64LE(footer.offset));
      expect(crc32(bytes.subarray(summary, footer.offset + 16))).toBe(bytes.readUInt32LE(footer.offset + 16));
      bytes[footer.offset + 16]! ^= 1;
    });
    const { times } = await read(at("index-crc.mcap"));
    expect(times).toHaveLength(2 * count);
  });

  it("whose first chunk and index are damaged keeps its topics, and the messages of the other chunks", async () => {
    changed(at("whole.mcap"), at("both.mcap"), (bytes, places) => {
      bytes[places.find(({ opcode }) => opcode === chunk)!.offset + 24]! ^= 1;
      bytes[places.at(-1)!.offset + 16]! ^= 1;
    });
    const { times, damage } = await read(at("both.mcap"));
    expect(damage.join("; ")).toMatch(/index at its end cannot be used.*the chunk at byte \d+ is lost/);
    expect(times.length).toBeGreaterThan(count);
    expect(times.length).toBeLessThan(2 * count);
  });

  it("without an index and with a hole in its middle is read on behind the hole", async () => {
    changed(at("whole.mcap"), at("hole.mcap"), (bytes, places) => {
      const second = places.filter(({ opcode }) => opcode === chunk)[1]!;
      bytes.fill(0, second.offset - 9, second.offset + 500);
      bytes[places.at(-1)!.offset + 16]! ^= 1;
    });
    const { times, damage } = await read(at("hole.mcap"));
    expect(damage.join("; ")).toMatch(/bytes \d+ to \d+ are skipped: no record begins here/);
    expect(damage.join("; ")).not.toMatch(/stopped/);
    expect(times.length).toBeGreaterThan(count);
    expect(times.length).toBeLessThan(2 * count);
    expect(times).toContain(ms((count - 1) * 33));
  });

  it("whose chunks overlap in time is read in the order of time", async () => {
    const order = Array.from({ length: count }, (_, i) => ((i * 7) % count) * 33);
    await writeRawMcap(
      at("times.mcap"),
      order.map((t) => imageAt(ms(t))),
      { chunkSize: 9_000 },
    );
    const { times, damage, ordered } = await read(at("times.mcap"));
    expect([times.length, new Set(times).size, ordered, damage]).toEqual([count, count, true, []]);
  });

  it("whose index has chunks that overlap in the file is read by walking it, each message once", async () => {
    changed(at("whole.mcap"), at("overlap.mcap"), (bytes, places) => {
      const [first, second] = places.filter(({ opcode }) => opcode === chunkIndex);
      // The second chunk's start and length become the first one's.
      bytes.copy(bytes, second!.offset + 16, first!.offset + 16, first!.offset + 32);
      const footer = places.at(-1)!;
      bytes.writeUInt32LE(0, footer.offset + 16);
    });
    const { times, damage } = await read(at("overlap.mcap"));
    expect([times.length, new Set(times).size]).toEqual([2 * count, 2 * count]);
    expect(damage).toEqual([expect.stringMatching(/index.*chunks that overlap/)]);
    await expectPartial(at("overlap.mcap"), /chunks that overlap/);
  });

  it("whose depth has a definition that does not fit is read without it, and says so", async () => {
    const messages = Array.from({ length: 4 }, (_, i) => [
      imageAt(ms(i * 33)),
      imageAt(ms(i * 33), { topic: "/camera/depth", encoding: "16UC1", bytes: 2 }),
    ]).flat();
    const definitions = { "/camera/depth": "uint64 a\nuint64[] b\nstring c" };
    await writeRawMcap(at("schema.mcap"), messages, { definitions });
    await expectPartial(at("schema.mcap"), /\/camera\/depth cannot be used: .*sensor_msgs\/msg\/Image/);
    await writeRawMcap(at("no-schema.mcap"), messages, {
      definitions: { "/camera/depth": "this is no definition" },
    });
    await expectPartial(at("no-schema.mcap"), /\/camera\/depth cannot be used/);
  });

  it("whose colour has a definition that does not fit is refused in one line", async () => {
    await writeRawMcap(at("colour.mcap"), [imageAt(start)], {
      definitions: { "/camera/image_raw": "uint64[] b" },
    });
    const { code, stderr } = await replay(at("colour.mcap"));
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("a sqlite3 bag", () => {
  /** One table of topics, one of messages, as rosbag2 has them; `page` is what a write in the middle changes. */
  const make = (path: string): void => {
    const database = new DatabaseSync(path);
    database.exec(
      "PRAGMA journal_mode=DELETE; CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT, offered_qos_profiles TEXT);" +
        "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB);" +
        "CREATE INDEX timestamp_idx ON messages (timestamp ASC);" +
        "INSERT INTO topics VALUES (1, '/query', 'std_msgs/msg/String', 'cdr', '')",
    );
    const insert = database.prepare("INSERT INTO messages(topic_id, timestamp, data) VALUES (1, ?, ?)");
    database.exec("BEGIN");
    for (let i = 0; i < 500; i++)
      insert.run(ms(i), Buffer.from([0, 1, 0, 0, 4, 0, 0, 0, 0x72, 0x65, 0x64, 0]));
    database.exec("COMMIT");
    database.close();
  };

  it("with a rollback journal left is read as it was before the write that was cut off", async () => {
    const path = at("hot.db3");
    make(path);
    const writer = new DatabaseSync(path);
    // A small cache makes sqlite write pages of a transaction that never ends into the file.
    writer.exec("PRAGMA cache_size=5; PRAGMA cache_spill=ON; BEGIN IMMEDIATE");
    writer.exec("UPDATE messages SET timestamp = timestamp + 1000000000000, data = zeroblob(300)");
    mkdirSync(at("left"));
    for (const suffix of ["", "-journal"]) copyFileSync(path + suffix, at(`left/bag.db3${suffix}`));
    writer.exec("ROLLBACK");
    writer.close();
    const { times, damage } = await read(at("left/bag.db3"));
    expect(damage).toEqual([expect.stringMatching(/journal/)]);
    expect(times).toEqual(Array.from({ length: 500 }, (_, i) => ms(i)));
  });
});

it("a split recording with a file missing gives a partial result", async () => {
  mkdirSync(at("split"));
  copyFileSync(at("whole.mcap"), at("split/split_0.mcap"));
  writeFileSync(
    at("split/metadata.yaml"),
    "rosbag2_bagfile_information:\n  relative_file_paths: [split_0.mcap, split_1.mcap]\n",
  );
  await expectPartial(at("split"), /split_1\.mcap is lost: the file is missing/);
});
