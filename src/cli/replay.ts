import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import {
  type BagMessage,
  type BagReader,
  type FrameHandle,
  type FrameSource,
  openBag,
  rgbdFrames,
} from "../bags/index.js";
import type { Bridge, BridgeResult } from "../bridge/index.js";
import { asCatalogued, GraspGroundingError } from "../errors/index.js";
import type { RgbdFrame } from "../geometry/index.js";
import { cleanQuery } from "../grounding/index.js";
import { Progress, resultHeader, resultRow, table, writeWhole } from "./output.js";
import { drawOverlay } from "./overlay.js";
import {
  collect,
  nonNegative,
  openBridge,
  type PipelineOptions,
  pipelineFlags,
  positiveInteger,
  usage,
} from "./pipeline.js";
import { type OutputOptions, Outputs } from "./replay-outputs.js";

export interface ReplayOptions extends PipelineOptions, OutputOptions {
  readonly query: readonly string[];
  readonly at?: number;
  readonly from?: number;
  readonly to?: number;
  readonly every?: number;
  readonly rate?: number;
  readonly colour?: string;
  readonly depth?: string | false;
  readonly cameraInfo?: string;
  readonly tolerance?: number;
  /** Copy the recording's own messages into the result bag. */
  readonly copy?: boolean;
  readonly overlay?: string;
  readonly quiet?: boolean;
}

/** `replay`: a recorded bag and sentences in, boxes and grasps out. */
export function replayCommand(): Command {
  const command = new Command("replay")
    .description("ask a recorded bag: boxes, masks and grasps for each frame")
    .argument("<bag>", ".mcap or .db3 file, or rosbag2 folder")
    .requiredOption("--query <sentence>", "what to find; may be given several times", collect)
    .option("--at <s>", "only the first frame at or after this many seconds from the start", nonNegative)
    .option("--from <s>", "first frame, in seconds from the start", nonNegative)
    .option("--to <s>", "last frame, in seconds from the start", nonNegative)
    .option("--every <n>", "every n-th frame", positiveInteger)
    .option(
      "--rate <r>",
      "play at r times real time, dropping frames that come too fast; default: all, as fast as possible",
      nonNegative,
    )
    .option("--colour <topic>", "colour topic, when the guess is wrong")
    .option("--depth <topic>", "depth topic, when the guess is wrong")
    .option("--no-depth", "boxes and masks only")
    .option("--camera-info <topic>", "camera info topic, when the guess is wrong")
    .option("--tolerance <s>", "largest stamp difference of a colour and depth pair", nonNegative, 0.02)
    .option("--json <file>", "write one JSON line a frame and query (docs/result.schema.json); - for stdout")
    .option("--out <file>", "write an MCAP with detections, masks and grasps, for Foxglove and ros2 bag play")
    .option("--copy", "copy the recording's own messages into --out")
    .option("--overlay <file>", "write the last frame with what was found drawn in (.png, .jpg)")
    .option("--no-timings", "leave timings out of the JSON: the same bag gives the same bytes")
    .option("--quiet", "no table");
  for (const flag of pipelineFlags()) command.addOption(flag);
  return command.action(async (bag: string, options: ReplayOptions) => {
    const { damage } = await replay(bag, options);
    for (const text of damage) process.stderr.write(`grasp-grounding: ${bag}: ${text}\n`);
    if (damage.length > 0) process.exitCode = 3;
  });
}

export interface ReplayReport {
  readonly frames: number;
  /** Skipped to keep up with --rate. */
  readonly dropped: number;
  readonly damage: readonly string[];
  /** Results of the last frame, and that frame. */
  readonly last?: { readonly frame: RgbdFrame; readonly results: readonly BridgeResult[] };
}

/** Replays a bag through the bridge into the outputs the options name. */
export async function replay(path: string, options: ReplayOptions): Promise<ReplayReport> {
  const queries = options.query.map(cleanQuery);
  if (options.at !== undefined && (options.from !== undefined || options.to !== undefined)) {
    throw usage("--at and --from/--to exclude each other");
  }
  const bag = await openBag(path);
  try {
    const recorded: BagMessage[] = [];
    const copied = options.copy && options.out !== undefined ? bag.topics.map((topic) => topic.name) : [];
    const source = await rgbdFrames(bag, {
      ...frameOptions(bag, options),
      also: copied,
      onMessage: (message) => recorded.push(message),
    });
    const bridge = await openBridge({ ...options, grasps: source.topics.depth !== undefined });
    const outputs = await Outputs.open(path, options);
    try {
      const report = await play({ bag, source, bridge, queries, outputs, recorded }, options);
      await outputs.close();
      return report;
    } catch (error) {
      await outputs.abort();
      throw error;
    } finally {
      await bridge.close();
    }
  } finally {
    await bag.close();
  }
}

function frameOptions(bag: BagReader, options: ReplayOptions) {
  const start = bag.startTime;
  const after = (seconds: number) => (start ?? 0n) + BigInt(Math.round(seconds * 1e9));
  const from = options.at ?? options.from;
  if (
    options.at !== undefined &&
    start !== undefined &&
    bag.endTime !== undefined &&
    after(options.at) > bag.endTime
  ) {
    const duration = Number(bag.endTime - start) / 1e9;
    throw new GraspGroundingError("BAG_NO_FRAME_AT", {
      path: bag.path,
      at: options.at,
      duration: duration.toFixed(2),
    });
  }
  return {
    ...(options.colour !== undefined && { colour: options.colour }),
    ...(options.depth !== undefined && { depth: options.depth }),
    ...(options.cameraInfo !== undefined && { cameraInfo: options.cameraInfo }),
    ...(options.tolerance !== undefined && { tolerance: options.tolerance }),
    ...(from !== undefined && { from: after(from) }),
    ...(options.to !== undefined && { to: after(options.to) }),
  };
}

interface Stage {
  readonly bag: BagReader;
  readonly source: FrameSource;
  readonly bridge: Bridge;
  readonly queries: readonly string[];
  readonly outputs: Outputs;
  /** Messages read since the last frame, to be copied. */
  readonly recorded: BagMessage[];
}

async function play(stage: Stage, options: ReplayOptions): Promise<ReplayReport> {
  const { bag, source, bridge, queries, outputs } = stage;
  const total = bag.topics.find((topic) => topic.name === source.topics.colour)?.count;
  const progress = new Progress(basename(bag.path));
  const pace = new Pace(options.rate);
  const interrupted = onInterrupt();
  const unusable = new Unusable();
  let frames = 0;
  let last: ReplayReport["last"];
  for await (const handle of source) {
    if (interrupted.aborted) break;
    await copyRecorded(stage);
    if (handle.index % (options.every ?? 1) !== 0 || (await pace.skip(handle))) continue;
    const frame = await handle.load().catch((error) => unusable.note(error));
    if (frame === undefined) continue;
    const results = await bridge.process(frame, queries);
    await outputs.write(frame, results);
    last = { frame, results };
    frames++;
    if (!options.quiet) progress.update(handle.index + 1, options.at === undefined ? total : undefined);
    if (options.at !== undefined) break;
  }
  await copyRecorded(stage);
  progress.done();
  interrupted.release();
  if (last === undefined) throw unusable.first ?? nothingRead(bag, source, options);
  if (options.overlay !== undefined) await writeOverlay(options.overlay, last);
  if (!options.quiet && options.json !== "-") printSummary(bag, source, last.results, frames, pace.dropped);
  return { frames, dropped: pace.dropped, damage: [...bag.damage, ...unusable.report()], last };
}

/** Frames that were read but cannot be used: one bad picture must not end a replay, nor go unsaid. */
class Unusable {
  first: GraspGroundingError | undefined;
  #count = 0;

  note(error: unknown): undefined {
    this.first ??= asCatalogued(error);
    this.#count++;
  }

  report(): readonly string[] {
    return this.first === undefined
      ? []
      : [`${this.#count} frames could not be used, the first because: ${this.first.message}`];
  }
}

async function copyRecorded({ bag, outputs, recorded }: Stage): Promise<void> {
  for (const message of recorded.splice(0)) {
    const topic = bag.topics.find(({ name }) => name === message.topic);
    if (topic !== undefined) await outputs.copy(message, topic);
  }
}

function nothingRead(bag: BagReader, source: FrameSource, options: ReplayOptions): GraspGroundingError {
  const { path } = bag;
  if (bag.damage.length > 0)
    return new GraspGroundingError("BAG_DAMAGED", { path, detail: bag.damage.join("; ") });
  if (options.at !== undefined || options.from !== undefined) {
    const duration = Number((bag.endTime ?? 0n) - (bag.startTime ?? 0n)) / 1e9;
    return new GraspGroundingError("BAG_NO_FRAME_AT", {
      path,
      at: options.at ?? options.from ?? 0,
      duration: duration.toFixed(2),
    });
  }
  if (source.counts.colour > 0) {
    return new GraspGroundingError("BAG_NOTHING_PAIRED", { path, tolerance: options.tolerance ?? 0.02 });
  }
  return new GraspGroundingError("BAG_EMPTY", { path });
}

export async function writeOverlay(path: string, last: NonNullable<ReplayReport["last"]>): Promise<void> {
  const format = /\.jpe?g$/i.test(path) ? "jpeg" : "png";
  await writeWhole(path, await drawOverlay(last.frame.colour, last.results, { ...last.frame, format }));
}

function printSummary(
  bag: BagReader,
  source: FrameSource,
  results: readonly BridgeResult[],
  frames: number,
  dropped: number,
): void {
  const { colour, depth } = source.topics;
  const unpaired = source.counts.withoutDepth > 0 ? `, ${source.counts.withoutDepth} without depth` : "";
  const skipped = dropped > 0 ? `, ${dropped} dropped to keep the rate` : "";
  process.stdout.write(
    `${basename(bag.path)}: ${frames} frames of ${colour}${depth ? ` with ${depth}` : ", no depth"}${unpaired}${skipped}; the last one:\n` +
      `${table(resultHeader, results.map(resultRow))}\n`,
  );
}

/** Real-time pacing: waits for a frame's time, and skips the frames whose time has passed by more than a frame. */
class Pace {
  dropped = 0;
  readonly #rate: number | undefined;
  #start: { readonly wall: number; readonly bag: bigint } | undefined;

  constructor(rate: number | undefined) {
    this.#rate = rate === 0 ? undefined : rate;
  }

  async skip(handle: FrameHandle): Promise<boolean> {
    if (this.#rate === undefined) return false;
    this.#start ??= { wall: performance.now(), bag: handle.logTime };
    const due = this.#start.wall + Number(handle.logTime - this.#start.bag) / 1e6 / this.#rate;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    const late = wait < -33;
    if (late) this.dropped++;
    return late;
  }
}

/** Ctrl-C ends the replay after the frame at work, with valid output; a second one ends it at once. */
function onInterrupt(): { readonly aborted: boolean; release(): void } {
  let aborted = false;
  const stop = () => {
    if (aborted) process.exit(130);
    aborted = true;
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    get aborted() {
      return aborted;
    },
    release: () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}
