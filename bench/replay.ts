import zlib from "node:zlib";
import { openBag, rgbdFrames } from "../src/bags/index.js";
import { removeFolder, scratchFolder } from "./children.js";
import { ReferenceProcess } from "./reference-process.js";

/** The product's replay of one bag, asked one query, as fast as possible. */
export type Replay = (path: string) => Promise<{
  readonly frames: number;
  readonly seconds: number;
  /** Share of the time that it waited for images. */
  readonly shares: { readonly reading: number };
}>;

/** One reading of a complete bag. */
interface Reading {
  readonly seconds: number;
  /** Of all threads: what the reading costs, whatever else the machine does. */
  readonly processor_seconds: number;
  readonly messages: number;
  readonly bytes: number;
}

/** Shares of a replay's time, 0 to 1. */
interface Share {
  readonly frames_per_second: number;
  readonly waiting_for_pictures: number;
  readonly reading_decoding_pairing_alone: number;
}

/** Reading options. The data of the references is valid for ever; they let go of it before the next message. */
const readings = {
  /** No checksums, the data of a message is valid until the next one. */
  raw: { checksums: false, borrow: true },
  /** As `replay`, `console` and the frames read: checksums checked, the data valid until the next message. */
  checked: { checksums: true, borrow: true },
  /** Checksums checked, the data valid for ever: every message lies in memory that is fresh from the system. */
  safe: { checksums: true, borrow: false },
} as const;

/**
 * Reading of raw 1280×720 images side by side with PyPI mcap and rosbags: the same file, in turns within one run,
 * the best of several rounds each. Ratios above 1 mean that this reader is faster.
 */
export async function benchReplay(replay: Replay, quick = false): Promise<object> {
  const [frames, rounds] = quick ? [6, 1] : [48, 15];
  const folder = await scratchFolder("replay");
  const reference = new ReferenceProcess("bench/reference/replay_peer.py");
  try {
    const bags = await reference.ask<Record<string, string>>({ make: folder, frames });
    const results: Record<string, object> = {};
    for (const [name, bag] of Object.entries(bags))
      results[name] = await compare(reference, { name, path: bag, frames }, rounds);
    const withLite: Record<string, Share> = {};
    for (const [name, bag] of Object.entries(bags))
      withLite[name] = await shareOfReading(bag, frames, replay);
    const zstd = "zstdDecompress" in zlib ? "Node's own" : "WebAssembly";
    const shares = Object.values(withLite).map((share) => share.reading_decoding_pairing_alone);
    return {
      frames,
      rounds,
      picture: "1280×720 rgb8",
      zstd,
      ...results,
      replay_with_lite: { largest_share_of_reading: Math.max(...shares), ...withLite },
    };
  } finally {
    reference.close();
    removeFolder(folder);
  }
}

interface Recording {
  readonly name: string;
  readonly path: string;
  readonly frames: number;
}

async function compare(reference: ReferenceProcess, bag: Recording, rounds: number): Promise<object> {
  const { name, path, frames } = bag;
  const isMcap = name.startsWith("mcap");
  const readers: Record<string, () => Promise<Reading>> = {
    raw: () => readOurs(path, readings.raw),
    rosbags: () => reference.ask<Reading>({ read: path, with: "rosbags", checksums: false }),
    ...(isMcap && {
      checked: () => readOurs(path, readings.checked),
      safe: () => readOurs(path, readings.safe),
      mcap: () => reference.ask<Reading>({ read: path, with: "mcap", checksums: false }),
      mcap_checksums: () => reference.ask<Reading>({ read: path, with: "mcap", checksums: true }),
    }),
  };
  const best: Record<string, number> = {};
  const cost: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [reader, read] of Object.entries(readers)) {
      const { seconds, processor_seconds, messages, bytes } = await read();
      if (messages !== frames) throw new Error(`${reader} read ${messages} of ${frames} messages of ${path}`);
      best[reader] = Math.max(best[reader] ?? 0, bytes / seconds / 1e6);
      cost[reader] = Math.min(cost[reader] ?? Infinity, processor_seconds / (bytes / 1e9));
    }
  }
  const ratio = (ours: string, theirs: string): number | undefined =>
    theirs in best ? Number((best[ours]! / best[theirs]!).toFixed(2)) : undefined;
  const costRatio = (ours: string, theirs: string): number | undefined =>
    theirs in cost ? Number((cost[theirs]! / cost[ours]!).toFixed(2)) : undefined;
  return {
    megabytes_per_second: Object.fromEntries(
      Object.entries(best).map(([key, value]) => [key, Math.round(value)]),
    ),
    processor_seconds_per_gigabyte: Object.fromEntries(
      Object.entries(cost).map(([key, value]) => [key, Number(value.toFixed(3))]),
    ),
    processor_ratio_to_rosbags: costRatio("raw", "rosbags"),
    ...(isMcap && {
      processor_ratio_to_mcap: costRatio("raw", "mcap"),
      processor_ratio_to_mcap_with_checksums: costRatio("checked", "mcap_checksums"),
      processor_ratio_to_mcap_with_checksums_own_memory: costRatio("safe", "mcap_checksums"),
    }),
    ratio_to_rosbags: ratio("raw", "rosbags"),
    ...(isMcap && {
      ratio_to_mcap: ratio("raw", "mcap"),
      ratio_to_mcap_with_checksums: ratio("checked", "mcap_checksums"),
      ratio_to_mcap_with_checksums_own_memory: ratio("safe", "mcap_checksums"),
    }),
  };
}

/**
 * Shares of a replay's time with the bundled model: its wait for images, and the time that reading, decoding and
 * pairing take alone, because the next image is read while the model works.
 */
async function shareOfReading(path: string, frames: number, replay: Replay): Promise<Share> {
  const report = await replay(path);
  if (report.frames !== frames)
    throw new Error(`${report.frames} of ${frames} frames of ${path} were answered`);
  const began = performance.now();
  const bag = await openBag(path);
  for await (const handle of await rgbdFrames(bag)) await handle.load();
  await bag.close();
  const alone = (performance.now() - began) / 1e3;
  return {
    frames_per_second: Number((frames / report.seconds).toFixed(2)),
    waiting_for_pictures: Number(report.shares.reading.toFixed(4)),
    reading_decoding_pairing_alone: Number((alone / report.seconds).toFixed(4)),
  };
}

async function readOurs(path: string, options: (typeof readings)[keyof typeof readings]): Promise<Reading> {
  const start = performance.now();
  const processor = process.cpuUsage();
  const bag = await openBag(path);
  let messages = 0;
  let bytes = 0;
  for await (const message of bag.messages(options)) {
    messages++;
    bytes += message.data.byteLength;
  }
  await bag.close();
  const { user, system } = process.cpuUsage(processor);
  const seconds = (performance.now() - start) / 1e3;
  return { seconds, processor_seconds: (user + system) / 1e6, messages, bytes };
}
