// Reads damaged bags: bytes flipped, cut, fields overwritten, pieces moved. None may crash or hang the reader, or take
// more than a gigabyte. Every bag is made from its number and the seed, so a failure can be had again.
//     node scripts/bags/fuzz.mjs [--count 2000] [--seed 1] [--first 0]
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setUp } from "../lib/setup.mjs";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
    first: { type: "string", default: "0" },
    child: { type: "string" },
  },
});
const [count, seed, first] = [Number(values.count), Number(values.seed), Number(values.first)];
const hang = 10_000;
const most = 1e9;

if (values.child === undefined) await parent();
else await child(values.child);

/** Watches a child; one that crashes or hangs is reported, and the next one goes on behind the bag that did it. */
async function parent() {
  await setUp();
  const folder = mkdtempSync(join(tmpdir(), "fuzz-bags-"));
  const failures = [];
  const outcomes = {};
  let peak = 0;
  let slowest = 0;
  let at = first;
  const began = performance.now();
  try {
    await makeSeeds(folder);
    while (at < first + count) {
      const args = ["--count", String(first + count - at), "--first", String(at), "--seed", String(seed)];
      const ended = await watch([fileURLToPath(import.meta.url), ...args, "--child", folder], (line) => {
        const { bag, outcome, ms, rss, wrong } = JSON.parse(line);
        at = bag + 1;
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        peak = Math.max(peak, rss);
        slowest = Math.max(slowest, ms);
        if (wrong !== undefined) failures.push({ bag, what: wrong });
        if (ms > hang) failures.push({ bag, what: `took ${ms} ms` });
      });
      if (ended !== undefined) failures.push({ bag: at++, what: ended });
      if (failures.length > 20) break;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (peak > most) failures.push({ bag: -1, what: `${Math.round(peak / 1e6)} MB` });
  const seconds = Number(((performance.now() - began) / 1e3).toFixed(1));
  const summary = {
    command: `node scripts/bags/fuzz.mjs --count ${count} --seed ${seed}`,
    bags: at - first,
    seed,
    outcomes,
    peak_mb: Math.round(peak / 1e6),
    slowest_ms: Math.round(slowest),
  };
  process.stdout.write(`${JSON.stringify({ ...summary, seconds, failures })}\n`);
  process.exitCode = failures.length === 0 && at === first + count ? 0 : 1;
}

function watch(args, onLine) {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let rest = "";
  let why;
  const expire = () => {
    why = "hangs";
    child.kill("SIGKILL");
  };
  let timer = setTimeout(expire, 3 * hang);
  child.stdout.on("data", (data) => {
    const lines = (rest + data).split("\n");
    rest = lines.pop();
    for (const line of lines) onLine(line);
    clearTimeout(timer);
    timer = setTimeout(expire, 3 * hang);
  });
  return new Promise((resolve) => {
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve(code === 0 ? undefined : (why ?? `ended with ${signal ?? code}`));
    });
  });
}

/** Small whole bags of every storage, with noise in them so that every byte matters. */
async function makeSeeds(folder) {
  const { openBag, ResultWriter } = await import("../../dist/src/bags/index.js");
  const { headerOf } = await import("../../dist/src/messages/index.js");
  const { McapWriter } = await import("@mcap/core");
  const { DatabaseSync } = await import("@photostructure/sqlite");
  const { default: zstd } = await import("@foxglove/wasm-zstd");
  await zstd.isLoaded;
  const random = numbers(7);
  const writer = await ResultWriter.create(join(folder, "zstd.mcap"));
  for (let i = 0; i < 24; i++) {
    const stamp = 1_700_000_000_000_000_000n + BigInt(i) * 33_000_000n;
    const time = { stamp, frameId: "camera" };
    const header = headerOf(stamp, "camera");
    const image = (encoding, bytes) => ({
      ...{ header, width: 24, height: 16, encoding, is_bigendian: 0, step: 24 * bytes },
      data: Uint8Array.from({ length: 24 * 16 * bytes }, () => random(256)),
    });
    await writer.message("/color/image_raw", "sensor_msgs/msg/Image", time, image("rgb8", 3));
    await writer.message("/depth/image_raw", "sensor_msgs/msg/Image", time, image("16UC1", 2));
    await writer.message("/query", "std_msgs/msg/String", time, { data: `query ${i}` });
  }
  await writer.close();
  const bag = await openBag(join(folder, "zstd.mcap"));
  const messages = [];
  for await (const message of bag.messages()) messages.push(message);

  const compressChunk = (data) => ({ compression: "zstd", compressedData: zstd.compress(data, 1) });
  for (const [name, options, times = 1] of [
    ["chunks", { chunkSize: 6_000 }],
    ["plain", { useChunks: false, useChunkIndex: false, useMessageIndex: false }],
    // Its chunks are large enough to be read and decompressed on another thread.
    ["large", { chunkSize: 200_000, compressChunk }, 12],
  ]) {
    const parts = [];
    let position = 0n;
    const writable = {
      position: () => position,
      write: async (data) => {
        parts.push(Buffer.from(data));
        position += BigInt(data.byteLength);
      },
    };
    const mcap = new McapWriter({ writable, ...options });
    await mcap.start({ profile: "ros2", library: "fuzz" });
    const channels = new Map();
    for (const { name: topic, type, definition } of bag.topics) {
      const schema = { name: type, encoding: "ros2msg", data: Buffer.from(definition.text) };
      const schemaId = await mcap.registerSchema(schema);
      const channel = { schemaId, topic, messageEncoding: "cdr", metadata: new Map() };
      channels.set(topic, await mcap.registerChannel(channel));
    }
    for (let n = 0; n < times; n++) {
      const later = BigInt(n) * 1_000_000_000n;
      for (const [sequence, { topic, logTime, publishTime, data }] of messages.entries()) {
        const stamps = { logTime: logTime + later, publishTime: publishTime + later };
        await mcap.addMessage({ channelId: channels.get(topic), sequence, data, ...stamps });
      }
    }
    await mcap.end();
    writeFileSync(join(folder, `${name}.mcap`), Buffer.concat(parts));
  }

  const database = new DatabaseSync(join(folder, "bag.db3"));
  database.exec(
    "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL);" +
      "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, data BLOB NOT NULL);" +
      "CREATE INDEX timestamp_idx ON messages (timestamp ASC); BEGIN",
  );
  for (const [i, { name, type }] of bag.topics.entries())
    database.prepare("INSERT INTO topics VALUES (?, ?, ?, 'cdr', '')").run(i + 1, name, type);
  const insert = database.prepare("INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)");
  for (const { topic, logTime, data } of messages)
    insert.run(bag.topics.findIndex(({ name }) => name === topic) + 1, logTime, data);
  database.exec("COMMIT");
  database.close();
  await bag.close();
  writeFileSync(
    join(folder, "metadata.yaml"),
    "rosbag2_bagfile_information:\n  version: 9\n  storage_identifier: mcap\n  relative_file_paths:\n    - a.mcap\n    - b.mcap\n  compression_format: zstd\n  compression_mode: message\n",
  );
}

/** Reads bag after bag and says a line for each. */
async function child(folder) {
  const { openBag, rgbdFrames } = await import("../../dist/src/bags/index.js");
  const { GraspGroundingError } = await import("../../dist/src/errors/index.js");
  const kinds = ["zstd.mcap", "chunks.mcap", "plain.mcap", "large.mcap", "bag.db3", "folder"];
  const seeds = new Map();
  for (const name of [...kinds.slice(0, -1), "metadata.yaml"])
    seeds.set(name, readFileSync(join(folder, name)));
  const work = join(folder, "work");
  for (let bag = first; bag < first + count; bag++) {
    const random = numbers(seed * 1_000_003 + bag * 7_919 + 1);
    const kind = kinds[bag % kinds.length];
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work);
    let path = join(work, kind);
    if (kind === "folder") {
      path = work;
      writeFileSync(join(work, "a.mcap"), damaged(seeds.get("zstd.mcap"), random));
      writeFileSync(join(work, "b.mcap"), seeds.get("chunks.mcap"));
      const text = seeds.get("metadata.yaml");
      writeFileSync(join(work, "metadata.yaml"), random(2) === 0 ? damaged(text, random) : text);
    } else writeFileSync(path, damaged(seeds.get(kind), random));
    const began = performance.now();
    let outcome = "refused";
    let wrong;
    try {
      const opened = await openBag(path);
      try {
        let read = 0;
        for await (const message of opened.messages()) {
          read++;
          try {
            opened.decode(message);
          } catch (error) {
            if (!(error instanceof GraspGroundingError)) throw error;
          }
        }
        outcome = read === 0 ? "empty" : opened.damage.length > 0 ? "partial" : "read";
        for await (const handle of await rgbdFrames(opened, { depth: false }))
          await handle.load().catch(() => undefined);
      } finally {
        await opened.close();
      }
    } catch (error) {
      // A refusal is an error of the catalogue, and not the one for what nobody thought of.
      if (!(error instanceof GraspGroundingError) || error.code === "INTERNAL")
        wrong = String(error?.stack ?? error);
    }
    const ms = performance.now() - began;
    const line = { bag, outcome, ms, rss: process.resourceUsage().maxRSS * 1024, wrong };
    if (!process.stdout.write(`${JSON.stringify(line)}\n`))
      await new Promise((go) => process.stdout.once("drain", go));
  }
}

/** One to four kinds of damage. Structure is at both ends and at round places; noise is in between. */
function damaged(bytes, random) {
  let copy = Buffer.from(bytes);
  for (let n = random(3); n >= 0; n--) {
    if (copy.length < 32) break;
    const near = () =>
      [random(Math.min(600, copy.length)), Math.max(0, copy.length - 1 - random(3000)), random(copy.length)][
        random(3)
      ];
    const at = near();
    switch (random(7)) {
      case 0:
        for (let i = random(12); i >= 0; i--) copy[near()] = [0, 255, random(256)][random(3)];
        break;
      case 1:
        copy[at] ^= 1 << random(8);
        break;
      case 2:
        copy = copy.subarray(0, copy.length - random(copy.length) * (random(4) === 0 ? 1 : 0.3));
        break;
      case 3: {
        // Lengths and offsets are of 4 or 8 bytes.
        const values = [
          0n,
          1n,
          0xffn,
          0x7fff_ffffn,
          0xffff_ffffn,
          1n << 40n,
          0xffff_ffff_ffff_ffffn,
          BigInt(copy.length),
        ];
        if (at + 8 <= copy.length) copy.writeBigUInt64LE(values[random(values.length)], at);
        break;
      }
      case 4:
        if (at + 4 <= copy.length)
          copy.writeUInt32LE([0, 1, 0x10000, 0x7fff_ffff, 0xffff_ffff][random(5)], at);
        break;
      case 5: {
        const length = Math.min(random(2000), copy.length - at);
        copy = Buffer.concat([copy.subarray(0, at), copy.subarray(at, at + length), copy.subarray(at)]);
        break;
      }
      case 6: {
        const length = Math.min(random(2000), copy.length - at);
        copy = Buffer.concat([copy.subarray(0, at), copy.subarray(at + length)]);
        break;
      }
    }
  }
  return copy;
}

/** Numbers below a limit, the same for the same seed. */
function numbers(start) {
  let state = (start % 2_147_483_646) + 1;
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % Math.max(1, Math.trunc(limit));
  };
}
