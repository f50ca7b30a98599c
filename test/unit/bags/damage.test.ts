import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BagReader, openBag, ResultWriter, rgbdFrames } from "../../../src/bags/index.js";
import { GraspGroundingError } from "../../../src/errors/index.js";
import { headerOf } from "../../../src/messages/index.js";
import { temporaryFolder } from "../../support/bags.js";
import { processorMs } from "../../support/busy.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const start = 1_700_000_000_000_000_000n;
const frames = 40;

/** A small bag of ours: noise that does not compress, so that every byte of the file matters. */
async function writeBag(path: string): Promise<void> {
  const writer = await ResultWriter.create(path);
  const random = randomNumbers(1);
  for (let i = 0; i < frames; i++) {
    const stamp = start + BigInt(i) * 33_000_000n;
    const data = Uint8Array.from({ length: 48 * 32 * 3 }, () => random(256));
    const header = headerOf(stamp, "camera");
    const image = { header, width: 48, height: 32, encoding: "rgb8", is_bigendian: 0, step: 144, data };
    const time = { stamp, frameId: "camera" };
    await writer.message("/camera/image_raw", "sensor_msgs/msg/Image", time, image);
    await writer.message("/grasp_grounding/query", "std_msgs/msg/String", time, { data: `query ${i}` });
  }
  await writer.close();
}

/** Same messages as a .db3 of rosbag2. */
async function writeDatabase(path: string, source: BagReader): Promise<void> {
  const database = new DatabaseSync(path);
  database.exec(
    "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL);" +
      "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, data BLOB NOT NULL);" +
      "CREATE INDEX timestamp_idx ON messages (timestamp ASC); BEGIN",
  );
  for (const [i, { name, type }] of source.topics.entries())
    database.prepare("INSERT INTO topics VALUES (?, ?, ?, 'cdr', '')").run(i + 1, name, type);
  for await (const { topic, logTime, data } of source.messages()) {
    const id = source.topics.findIndex(({ name }) => name === topic) + 1;
    database
      .prepare("INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)")
      .run(id, logTime, data);
  }
  database.exec("COMMIT");
  database.close();
}

/** Reads all there is; what is wrong must be said in words, and nothing else may be thrown. */
async function readAll(
  path: string,
): Promise<{ texts: string[]; images: number; damage: readonly string[] }> {
  let bag: BagReader;
  try {
    bag = await openBag(path);
  } catch (error) {
    expect(error).toBeInstanceOf(GraspGroundingError);
    return { texts: [], images: 0, damage: [(error as Error).message] };
  }
  const texts: string[] = [];
  let images = 0;
  for await (const message of bag.messages()) {
    try {
      const decoded = bag.decode<{ data: unknown }>(message);
      if (typeof decoded.data === "string") texts.push(decoded.data);
      else images++;
    } catch (error) {
      expect(error).toBeInstanceOf(GraspGroundingError);
    }
  }
  const damage = [...bag.damage];
  await bag.close();
  return { texts, images, damage };
}

/** Numbers below a limit, the same in every run. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % Math.trunc(limit);
  };
}

const whole = join(folder.path, "whole.mcap");
const database = join(folder.path, "whole.db3");

beforeAll(async () => {
  await writeBag(whole);
  const bag = await openBag(whole);
  await writeDatabase(database, bag);
  await bag.close();
});

describe("a damaged MCAP file", () => {
  it("cut anywhere gives a beginning of what was there, and says that it was cut", async () => {
    const bytes = readFileSync(whole);
    const path = join(folder.path, "cut.mcap");
    let most = 0;
    for (let length = 0; length < bytes.length; length += 1709) {
      writeFileSync(path, bytes.subarray(0, length));
      const { texts, damage } = await readAll(path);
      expect(texts).toEqual(Array.from({ length: texts.length }, (_, i) => `query ${i}`));
      expect(damage.length).toBeGreaterThan(0);
      most = Math.max(most, texts.length);
    }
    expect(most).toBe(frames);
  });

  it("cut within its index is read whole", async () => {
    const path = join(folder.path, "no-index.mcap");
    copyFileSync(whole, path);
    truncateSync(path, readFileSync(whole).length - 30);
    const { texts, images, damage } = await readAll(path);
    expect([texts.length, images]).toEqual([frames, frames]);
    expect(damage[0]).toMatch(/index/);
  });

  it("with a flipped bit in a chunk loses that chunk and says so", async () => {
    const bytes = readFileSync(whole);
    const path = join(folder.path, "flipped.mcap");
    bytes[Math.trunc(bytes.length / 2)]! ^= 4;
    writeFileSync(path, bytes);
    const { damage } = await readAll(path);
    expect(damage).toEqual([expect.stringMatching(/^the chunk at byte \d+ is lost: /)]);
  });

  it("with any bytes overwritten neither crashes nor hangs", async () => {
    const bytes = readFileSync(whole);
    const path = join(folder.path, "fuzzed.mcap");
    const random = randomNumbers(12_345);
    for (let run = 0; run < 300; run++) {
      const copy = Buffer.from(bytes);
      for (let i = random(12); i >= 0; i--) {
        // Structure is at the beginning, at the end and at round places; noise is in between.
        const near = [random(600), copy.length - 1 - random(3000), random(copy.length)][random(3)]!;
        copy[near] = [0, 255, random(256)][random(3)]!;
      }
      writeFileSync(path, run % 4 === 0 ? copy.subarray(0, random(copy.length)) : copy);
      const began = processorMs();
      await readAll(path);
      expect(processorMs() - began).toBeLessThan(10_000);
    }
    expect(process.memoryUsage().rss).toBeLessThan(1e9);
  });
});

describe("a damaged sqlite3 bag", () => {
  it("is read like the MCAP it was made of, without definitions of its own", async () => {
    const { texts, images, damage } = await readAll(database);
    expect([texts.length, images, damage]).toEqual([frames, frames, []]);
  });

  it("cut anywhere gives what can still be read, and says so", async () => {
    const bytes = readFileSync(database);
    const path = join(folder.path, "cut.db3");
    for (let length = 0; length < bytes.length; length += 4096 * 3 + 777) {
      writeFileSync(path, bytes.subarray(0, length));
      const { texts, damage } = await readAll(path);
      expect(damage.length).toBeGreaterThan(0);
      expect(texts.every((text) => /^query \d+$/.test(text))).toBe(true);
      expect(new Set(texts).size).toBe(texts.length);
    }
    writeFileSync(path, bytes.subarray(0, Math.trunc((bytes.length * 0.7) / 4096) * 4096));
    expect((await readAll(path)).texts.length).toBeGreaterThan(frames / 4);
  });

  it("with any bytes overwritten neither crashes nor hangs", async () => {
    const bytes = readFileSync(database);
    const path = join(folder.path, "fuzzed.db3");
    const random = randomNumbers(12_345);
    for (let run = 0; run < 150; run++) {
      const copy = Buffer.from(bytes);
      for (let i = random(12); i >= 0; i--)
        copy[
          [random(4096), random(copy.length / 4096) * 4096 + random(16), random(copy.length)][random(3)]!
        ] = random(256);
      writeFileSync(path, copy);
      const began = processorMs();
      await readAll(path);
      expect(processorMs() - began).toBeLessThan(10_000);
    }
  });

  it("whose recorder was killed is read from a copy with its journal applied; the bag itself is not touched", async () => {
    const path = join(folder.path, "killed.db3");
    copyFileSync(database, path);
    const writer = new DatabaseSync(path);
    writer.exec("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
    writer
      .prepare(
        "INSERT INTO messages(topic_id, timestamp, data) SELECT topic_id, timestamp + 1, data FROM messages WHERE topic_id = 2",
      )
      .run();
    const left = join(folder.path, "left");
    mkdirSync(left);
    for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, join(left, `bag.db3${suffix}`));
    writer.close();
    const before = readFileSync(join(left, "bag.db3"));
    const { texts, images, damage } = await readAll(join(left, "bag.db3"));
    expect(texts.length + images).toBe(frames * 3);
    expect(damage).toEqual([expect.stringMatching(/journal/)]);
    expect(readFileSync(join(left, "bag.db3")).equals(before)).toBe(true);
  });
});

describe("a folder", () => {
  const metadata = (files: readonly string[]): string =>
    `rosbag2_bagfile_information:\n  version: 5\n  storage_identifier: sqlite3\n  relative_file_paths:\n${files
      .map((file) => `    - ${file}\n`)
      .join("")}  compression_format: ""\n  compression_mode: ""\n`;

  it("with split files is read as one, in their order; a missing one is named", async () => {
    const split = join(folder.path, "split");
    mkdirSync(split);
    // As Foxy names them: relative to the parent. Ten is after two.
    const names = ["bag_0.db3", "bag_2.db3", "bag_10.db3"];
    for (const [i, name] of names.entries()) {
      copyFileSync(database, join(split, name));
      const part = new DatabaseSync(join(split, name));
      part.exec(`UPDATE messages SET timestamp = timestamp + ${i * 10_000_000_000}`);
      part.close();
    }
    writeFileSync(join(split, "metadata.yaml"), metadata(names.map((name) => `split/${name}`)));
    let bag = await openBag(split);
    expect(bag.topics.map(({ count }) => count)).toEqual([frames * 3, frames * 3]);
    let last = 0n;
    let count = 0;
    for await (const { logTime } of bag.messages()) {
      expect(logTime >= last).toBe(true);
      last = logTime;
      count++;
    }
    expect(count).toBe(frames * 6);
    await bag.close();

    rmSync(join(split, "metadata.yaml"));
    expect((await readAll(split)).texts).toHaveLength(frames * 3);

    writeFileSync(join(split, "metadata.yaml"), metadata(names));
    rmSync(join(split, "bag_2.db3"));
    bag = await openBag(split);
    expect(bag.damage).toEqual(["bag_2.db3 is lost: the file is missing"]);
    expect(bag.topics.map(({ count }) => count)).toEqual([frames * 2, frames * 2]);
    await bag.close();
  });

  it.each([
    ["nothing", {}, "BAG_FORMAT"],
    ["metadata that is no YAML", { "metadata.yaml": "{{{" }, "BAG_FORMAT"],
    ["metadata of something else", { "metadata.yaml": "name: x\n" }, "BAG_FORMAT"],
    ["a file that is no bag", { "bag.mcap": "hello, I am not a bag" }, "BAG_FORMAT"],
    ["an empty file", { "bag.db3": "" }, "BAG_FORMAT", "it is empty"],
    ["a ROS 1 bag", { "bag.mcap": "#ROSBAG V2.0\nE" }, "BAG_FORMAT", "rosbags-convert"],
    [
      "a Git LFS pointer",
      { "bag.mcap": "version https://git-lfs.github.com/spec/v1\n" },
      "BAG_FORMAT",
      "git lfs pull",
    ],
    ["a sqlite3 file by another name", { "bag.mcap": "SQLite format 3\0" }, "BAG_FORMAT", "name it .db3"],
    [
      "an MCAP file by another name",
      { "bag.db3": Buffer.from("\x89MCAP0\r\n", "latin1") },
      "BAG_FORMAT",
      "name it .mcap",
    ],
    ["a page of a web server", { "bag.mcap": "<!DOCTYPE html><html>404" }, "BAG_FORMAT", "web server"],
  ] as const)("with %s is refused in one line", async (name, files, code, says: string = "") => {
    const target = join(folder.path, `bad ${name}`);
    mkdirSync(target);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(target, file), text);
    await expect(openBag(target)).rejects.toMatchObject({ code, message: expect.stringContaining(says) });
  });

  it("in a compression that is not known, or cut off in its first chunk, is refused with that reason", async () => {
    const one = join(folder.path, "one.mcap");
    await writeBag(one);
    const bytes = readFileSync(one);
    const unknown = Buffer.from(bytes.toString("latin1").replaceAll("zstd", "brot"), "latin1");
    for (const [content, why] of [
      [unknown, /damaged.*compression "brot" is not known/],
      [bytes.subarray(0, 3000), /damaged.*cut off/],
    ] as const) {
      writeFileSync(one, content);
      const bag = await openBag(one);
      await expect(rgbdFrames(bag)).rejects.toMatchObject({
        code: "BAG_IMAGES_LOST",
        message: expect.stringMatching(why),
      });
      await bag.close();
    }
  });

  it("that is not there is refused", async () => {
    await expect(openBag(join(folder.path, "nowhere"))).rejects.toMatchObject({ code: "BAG_MISSING" });
  });
});

describe("frames", () => {
  it("of a bag without depth are colour alone; without images there are none", async () => {
    const bag = await openBag(whole);
    const source = await rgbdFrames(bag);
    expect(source.topics).toEqual({ colour: "/camera/image_raw" });
    let count = 0;
    for await (const handle of source) {
      expect(handle.index).toBe(count++);
      expect((await handle.load()).colour.width).toBe(48);
    }
    expect(count).toBe(frames);
    await expect(rgbdFrames(bag, { colour: "/nope" })).rejects.toMatchObject({ code: "BAG_TOPIC" });
    await expect(rgbdFrames(bag, { colour: "/grasp_grounding/query" })).rejects.toMatchObject({
      code: "BAG_TOPIC_TYPE",
    });
    await bag.close();

    const path = join(folder.path, "texts.mcap");
    const writer = await ResultWriter.create(path);
    await writer.message("/query", "std_msgs/msg/String", { stamp: start, frameId: "" }, { data: "the mug" });
    await writer.close();
    const texts = await openBag(path);
    await expect(rgbdFrames(texts)).rejects.toMatchObject({ code: "BAG_NO_IMAGE" });
    await texts.close();
  });

  it("with depth but no camera info are refused", async () => {
    const path = join(folder.path, "no-info.mcap");
    const writer = await ResultWriter.create(path);
    const header = headerOf(start, "camera");
    const image = (encoding: string, step: number) => ({
      header,
      width: 4,
      height: 2,
      encoding,
      is_bigendian: 0,
      step,
      data: new Uint8Array(step * 2),
    });
    const time = { stamp: start, frameId: "camera" };
    await writer.message("/color", "sensor_msgs/msg/Image", time, image("rgb8", 12));
    await writer.message("/depth", "sensor_msgs/msg/Image", time, image("16UC1", 8));
    await writer.close();
    const bag = await openBag(path);
    await expect(rgbdFrames(bag)).rejects.toMatchObject({ code: "DEPTH_WITHOUT_CAMERA" });
    expect((await rgbdFrames(bag, { depth: false })).topics).toEqual({ colour: "/color" });
    await bag.close();
  });
});
