import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import zstd from "@foxglove/wasm-zstd";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBag, rgbdFrames } from "../../../src/bags/index.js";
import { encodeMessage } from "../../../src/messages/index.js";
import { temporaryFolder } from "../../support/bags.js";
import {
  imageAt,
  type RawMessage,
  records,
  textAt,
  withChunkFirst,
  writeRawMcap,
} from "../../support/raw-mcap.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string) => join(folder.path, name);

const start = 1_700_000_000_000_000_000n;
const ms = (n: number) => start + BigInt(n) * 1_000_000n;
const messages = Array.from({ length: 6 }, (_, i) =>
  imageAt(ms(i * 100), { topic: "/camera/color/image_raw" }),
);

async function read(path: string) {
  const bag = await openBag(path);
  try {
    const times: bigint[] = [];
    for await (const { logTime } of bag.messages()) times.push(logTime);
    return { times, start: bag.startTime, end: bag.endTime, damage: [...bag.damage] };
  } finally {
    await bag.close();
  }
}
const whole = { times: messages.map(({ time }) => time), start, end: ms(500), damage: [] };

/** A .db3 file as rosbag2 writes it, of one topic; messages as they are or each as a zstd frame. */
function writeDb3(
  path: string,
  of: readonly RawMessage[],
  options: { frames?: boolean; metadata?: string } = {},
): void {
  const database = new DatabaseSync(path);
  database.exec(`
    CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL);
    CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, data BLOB NOT NULL);
    CREATE INDEX timestamp_idx ON messages (timestamp ASC);`);
  const topic = database.prepare("INSERT INTO topics VALUES (?, ?, ?, 'cdr', '')");
  const insert = database.prepare("INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)");
  const ids = new Map<string, number>();
  for (const { topic: name, type, time, message } of of) {
    if (!ids.has(name)) topic.run(ids.set(name, ids.size + 1).size, name, type);
    const data = encodeMessage(type, message);
    insert.run(ids.get(name)!, time, options.frames ? zstd.compress(data, 1) : data);
  }
  if (options.metadata !== undefined) {
    database.exec(
      "CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, metadata TEXT NOT NULL)",
    );
    database.prepare("INSERT INTO metadata VALUES (1, 9, ?)").run(options.metadata);
  }
  database.close();
}

beforeAll(async () => {
  await zstd.isLoaded;
  await writeRawMcap(at("whole.mcap"), messages, { chunkSize: 10_000 });
});

describe("a chunk without messages", () => {
  it("whose times are 0 does not move the recording's start", async () => {
    const bytes = readFileSync(at("whole.mcap"));
    const schema = records(bytes).find(({ opcode }) => opcode === 0x03);
    // Topics stand in chunks: the first chunk's own beginning serves.
    const data = schema && bytes.subarray(schema.offset - 9, schema.offset + schema.length);
    const topics =
      data ?? Buffer.concat([Buffer.of(0x0c), Buffer.from("0400000000000000", "hex"), Buffer.alloc(4)]);
    withChunkFirst(at("whole.mcap"), at("first.mcap"), {
      compression: "",
      data: topics,
      size: topics.length,
    });
    expect(await read(at("first.mcap"))).toEqual(whole);
    const compressed = zstd.compress(topics, 1);
    withChunkFirst(at("whole.mcap"), at("first-zstd.mcap"), {
      compression: "zstd",
      data: compressed,
      size: topics.length,
    });
    expect(await read(at("first-zstd.mcap"))).toEqual(whole);
  });

  it("of no bytes at all is no loss, compressed or not", async () => {
    const empty = Buffer.from("28b52ffd2000010000", "hex");
    for (const [compression, data] of [
      ["", Buffer.alloc(0)],
      ["zstd", Buffer.alloc(0)],
      ["zstd", empty],
      ["lz4", Buffer.from("04224d186040820000000000000000", "hex").subarray(0, 11)],
    ] as const) {
      withChunkFirst(at("whole.mcap"), at("empty.mcap"), { compression, data, size: 0 });
      expect(await read(at("empty.mcap"))).toEqual(whole);
    }
  });

  it("that says it is empty but is not is a loss, and said", async () => {
    const full = zstd.compress(Buffer.alloc(3000, 7), 1);
    withChunkFirst(at("whole.mcap"), at("lies.mcap"), { compression: "zstd", data: full, size: 0 });
    const { times, start: begin, damage } = await read(at("lies.mcap"));
    expect([times, begin]).toEqual([whole.times, start]);
    expect(damage).toEqual([expect.stringMatching(/is lost: it is said to be empty and holds 3000 bytes/)]);
  });

  it("in a file without an index is left out as well", async () => {
    await writeRawMcap(at("bare.mcap"), messages, { chunkSize: 10_000, index: false });
    const bytes = readFileSync(at("bare.mcap"));
    const [header] = records(bytes);
    const begin = header!.offset + header!.length;
    withChunkFirst(at("whole.mcap"), at("donor.mcap"), { compression: "", data: Buffer.alloc(0), size: 0 });
    const donor = readFileSync(at("donor.mcap"));
    const chunk = records(donor)[1]!;
    writeFileSync(
      at("bare-empty.mcap"),
      Buffer.concat([
        bytes.subarray(0, begin),
        donor.subarray(chunk.offset - 9, chunk.offset + chunk.length),
        bytes.subarray(begin),
      ]),
    );
    expect(await read(at("bare-empty.mcap"))).toEqual(whole);
  });
});

describe("a recording whose messages are compressed one by one", () => {
  it.each([
    ["nothing else", undefined],
    ["its own metadata table", "compression_format: zstd\ncompression_mode: MESSAGE\n"],
  ])("is read by %s", async (_, metadata) => {
    const name = metadata === undefined ? "plain" : "stated";
    mkdirSync(at(name));
    writeDb3(at(`${name}/${name}_0.db3`), messages, {
      frames: true,
      ...(metadata !== undefined && { metadata }),
    });
    for (const path of [at(name), at(`${name}/${name}_0.db3`)]) {
      expect(await read(path)).toEqual(whole);
      const bag = await openBag(path);
      let frames = 0;
      for await (const handle of await rgbdFrames(bag))
        frames += (await handle.load()).colour.width === 48 ? 1 : 0;
      expect(frames).toBe(6);
      await bag.close();
    }
  });

  it("in a compression that is not known is refused with its name", async () => {
    writeDb3(at("lz9.db3"), messages, { metadata: "compression_format: lz9\ncompression_mode: MESSAGE\n" });
    await expect(openBag(at("lz9.db3"))).rejects.toMatchObject({
      code: "BAG_FORMAT",
      message: expect.stringMatching(/lz9 is not known/),
    });
  });

  it("in MCAP without metadata.yaml is refused with the reason", async () => {
    await writeRawMcap(at("framed.mcap"), [messages[0]!], { chunks: false });
    const bytes = readFileSync(at("framed.mcap"));
    // The message's data begins behind its 22 bytes of prefix.
    const begin = bytes.indexOf(encodeMessage("sensor_msgs/msg/Image", messages[0]!.message));
    Buffer.from("28b52ffd", "hex").copy(bytes, begin);
    writeFileSync(at("framed.mcap"), bytes);
    const bag = await openBag(at("framed.mcap"));
    await expect(rgbdFrames(bag)).rejects.toMatchObject({
      code: "BAG_IMAGES_UNREADABLE",
      message: expect.stringMatching(/each message is compressed, and the metadata.yaml/),
    });
    await bag.close();
  });
});

describe("a folder that holds a part plain and compressed", () => {
  const frame = () => zstd.compress(readFileSync(at("killed/a_0.db3")), 1);
  const fresh = (name: string) => {
    mkdirSync(at(name));
    for (const file of ["a_0.db3", "a_1.db3"]) copyFileSync(at(`killed/${file}`), at(`${name}/${file}`));
    return at(name);
  };
  beforeAll(() => {
    mkdirSync(at("killed"));
    writeDb3(at("killed/a_0.db3"), messages.slice(0, 3));
    writeDb3(at("killed/a_1.db3"), messages.slice(3));
  });

  it("answers once", async () => {
    const path = fresh("both");
    writeFileSync(join(path, "a_0.db3.zstd"), frame());
    expect(await read(path)).toEqual(whole);
  });

  it("takes the plain part when the compressed one is cut off, and the other way round", async () => {
    const path = fresh("cut");
    writeFileSync(join(path, "a_0.db3.zstd"), frame().subarray(0, 400));
    expect(await read(path)).toEqual(whole);
    const other = fresh("cut-plain");
    writeFileSync(join(other, "a_0.db3.zstd"), frame());
    writeFileSync(join(other, "a_0.db3"), readFileSync(join(other, "a_0.db3")).subarray(0, 5000));
    expect(await read(other)).toEqual(whole);
  });

  it("is read by the form that is there when metadata.yaml names the other", async () => {
    const path = fresh("named");
    const yaml = (names: string) => `rosbag2_bagfile_information:\n  relative_file_paths: [${names}]\n`;
    writeFileSync(join(path, "metadata.yaml"), yaml("a_0.db3.zstd, a_1.db3.zstd"));
    expect(await read(path)).toEqual(whole);
  });
});

describe("a topic whose images cannot be read", () => {
  const labels = (time: bigint) =>
    imageAt(time, { topic: "/camera/color/labels", encoding: "32SC1", bytes: 4 });

  it("is passed over when a readable one is there, and that is no damage", async () => {
    await writeRawMcap(at("labels.mcap"), [...messages, ...messages.map(({ time }) => labels(time))]);
    const bag = await openBag(at("labels.mcap"));
    const frames = await rgbdFrames(bag);
    expect(frames.topics.colour).toBe("/camera/color/image_raw");
    expect(frames.unreadable).toEqual([]);
    expect(frames.notes).toEqual([expect.stringMatching(/labels is skipped: its encoding 32SC1/)]);
    await bag.close();
  });

  it("is named with the reason when there is no other", async () => {
    await writeRawMcap(at("only.mcap"), [labels(start), textAt(start, "red")]);
    const bag = await openBag(at("only.mcap"));
    await expect(rgbdFrames(bag)).rejects.toMatchObject({
      code: "BAG_IMAGES_UNREADABLE",
      message: expect.stringMatching(/labels.*32SC1/),
    });
    await bag.close();
  });

  it("and that the user named says why it cannot be used", async () => {
    const bag = await openBag(at("labels.mcap"));
    await expect(
      rgbdFrames(bag, { depth: "/camera/color/labels" }).then(async (frames) => {
        for await (const handle of frames) await handle.load();
      }),
    ).rejects.toThrow(/camera info|32SC1/);
    await bag.close();
  });
});
