import {
  type BagMessage,
  type BagReader,
  type FrameHandle,
  type FrameSource,
  findCameras,
  openBag,
  rgbdFrames,
} from "../bags/index.js";
import { GraspGroundingError } from "../errors/index.js";
import { QueryPlan } from "./queries.js";
import { type Slice, timesOf } from "./shard.js";
import { transientLocalBefore } from "./transient-local.js";
import type { SessionOptions } from "./types.js";

/** One camera of the bag. */
export interface Camera {
  readonly frames: FrameSource;
  /** Its name among several cameras; undefined for a single one. */
  readonly name: string | undefined;
  /** Frames of the range before the part that is read. */
  readonly before: number;
}

export interface CameraFrame {
  readonly camera: Camera;
  readonly handle: FrameHandle;
}

/** Log times of a range, inclusive; undefined where it ends with the bag. */
export interface Times {
  readonly from: bigint | undefined;
  readonly to: bigint | undefined;
}

const second = 1_000_000_000n;

/** A bag, or a part of one: its cameras and their queries. */
export class BagSession {
  readonly bag: BagReader;
  readonly cameras: readonly Camera[];
  readonly queries: QueryPlan;
  readonly times: Times;
  /** Messages to copy that were read since the last call. */
  readonly recorded: BagMessage[] = [];
  readonly #options: SessionOptions;

  private constructor(
    bag: BagReader,
    cameras: readonly Camera[],
    queries: QueryPlan,
    times: Times,
    recorded: BagMessage[],
    options: SessionOptions,
  ) {
    this.bag = bag;
    this.cameras = cameras;
    this.queries = queries;
    this.times = times;
    this.recorded = recorded;
    this.#options = options;
  }

  /**
   * @param after seconds from the bag's start at which to begin, after an earlier run.
   * @throws GraspGroundingError BAG_*, DEPTH_WITHOUT_CAMERA
   */
  static async open(
    path: string,
    slice: Slice,
    given: readonly string[],
    options: SessionOptions,
    after?: number,
  ): Promise<BagSession> {
    const bag = await openBag(path);
    try {
      const range = rangeOf(bag, options);
      let times = cut(range, slice, bag);
      // A second earlier, so that the same images are paired as in the earlier run; stamps identify the frames.
      if (after !== undefined) times = { ...times, from: later(times.from, timeAt(bag, after) - second) };
      const recorded: BagMessage[] = [];
      const part = slice.from > 0 || slice.to < slice.of || after !== undefined;
      const queries = await QueryPlan.open(bag, given, options, times.to);
      const cameras = await openCameras(bag, options, times, range, part, recorded);
      const begins = slice.from === 0 && after === undefined && range.from !== undefined;
      if (begins && options.copy && options.out !== undefined)
        for await (const message of transientLocalBefore(bag, range.from!)) recorded.push(message);
      return new BagSession(bag, cameras, queries, times, recorded, options);
    } catch (error) {
      await bag.close();
      throw error;
    }
  }

  /** Seconds from the bag's start, as --at takes them. */
  timeOf(logTime: bigint): number {
    return Number(logTime - (this.bag.startTime ?? logTime)) / 1e9;
  }

  /** Every n-th frame of every camera, in the order of recording. */
  async *frames(): AsyncGenerator<CameraFrame, void, void> {
    const every = this.#options.every ?? 1;
    for await (const one of merge(this.cameras))
      if ((one.camera.before + one.handle.ordinal) % every === 0) yield one;
  }

  /** Approximate number of frames. */
  get expected(): number | undefined {
    const counts = this.cameras.map(
      ({ frames }) => this.bag.topics.find(({ name }) => name === frames.topics.colour)?.count,
    );
    if (this.#options.at !== undefined || counts.some((count) => count === undefined)) return undefined;
    const all = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
    const { startTime: start = 0n, endTime: end = 0n } = this.bag;
    const { from = start, to = end } = this.times;
    const share = end > start ? Math.min(1, Number(to - from) / Number(end - start)) : 1;
    return Math.max(1, Math.ceil((all * share) / (this.#options.every ?? 1)));
  }

  async close(): Promise<void> {
    await this.bag.close();
  }
}

const timeAt = (bag: BagReader, seconds: number): bigint =>
  (bag.startTime ?? 0n) + BigInt(Math.round(seconds * 1e9));

function rangeOf(bag: BagReader, { at, from, to }: SessionOptions): Times {
  const begin = at ?? from;
  if (at !== undefined && bag.startTime !== undefined && bag.endTime !== undefined) {
    const duration = Number(bag.endTime - bag.startTime) / 1e9;
    if (timeAt(bag, at) > bag.endTime)
      throw new GraspGroundingError("BAG_NO_FRAME_AT", { path: bag.path, at, duration: duration.toFixed(2) });
  }
  return {
    from: begin === undefined ? undefined : timeAt(bag, begin),
    to: to === undefined ? undefined : timeAt(bag, to),
  };
}

function cut(fullRange: Times, slice: Slice, bag: BagReader): Times {
  if (slice.from === 0 && slice.to === slice.of) return fullRange;
  const start = fullRange.from ?? bag.startTime;
  const end = fullRange.to ?? bag.endTime;
  if (start === undefined || end === undefined)
    throw new GraspGroundingError("BAG_DAMAGED", {
      path: bag.path,
      detail: "its time range is not known, so it cannot be cut into shards",
    });
  const { from, to } = timesOf(slice, { start, end: end > start ? end : start });
  return { from: from ?? fullRange.from, to: to ?? fullRange.to };
}

const later = (a: bigint | undefined, b: bigint): bigint => (a === undefined || b > a ? b : a);

async function openCameras(
  bag: BagReader,
  options: SessionOptions,
  times: Times,
  fullRange: Times,
  part: boolean,
  recorded: BagMessage[],
): Promise<readonly Camera[]> {
  const { tolerance, every = 1, depthRegistered, rectified, depthCameraInfo } = options;
  const common = {
    part,
    ...(depthRegistered !== undefined && { depthRegistered }),
    ...(rectified !== undefined && { rectified }),
    ...(depthCameraInfo !== undefined && { depthInfo: depthCameraInfo }),
    ...(tolerance !== undefined && { tolerance }),
    ...(times.from !== undefined && { from: times.from }),
    ...(times.to !== undefined && { to: times.to }),
  };
  const copied = options.copy && options.out !== undefined ? bag.topics.map(({ name }) => name) : [];
  const onMessage = (message: BagMessage) => recorded.push(message);
  const cameras: Camera[] = [];
  for (const { name, ...topics } of await chooseCameras(bag, options)) {
    const first = cameras.length === 0;
    const frames = await rgbdFrames(bag, { ...common, ...topics, ...(first && { also: copied, onMessage }) });
    const begin = times.from;
    const next = part && every > 1 && begin !== undefined;
    const before = next ? await countFrames(bag, frames.topics.colour, fullRange.from, begin - 1n) : 0;
    cameras.push({ frames, name, before });
  }
  return cameras;
}

interface Choice {
  readonly name: string | undefined;
  readonly colour?: string;
  readonly depth?: string | false;
  readonly cameraInfo?: string;
  readonly depthInfo?: string;
}

async function chooseCameras(bag: BagReader, options: SessionOptions): Promise<readonly Choice[]> {
  const { colour, depth, cameraInfo, camera } = options;
  if (camera === undefined || camera.length === 0)
    return [
      {
        name: undefined,
        ...(colour !== undefined && { colour }),
        ...(depth !== undefined && { depth }),
        ...(cameraInfo !== undefined && { cameraInfo }),
      },
    ];
  const found = await findCameras(bag, camera.includes("all") ? undefined : camera);
  const names = shortNames(found.map((topics) => topics.colour));
  return found.map((topics, i) => ({
    name: found.length > 1 ? names[i] : undefined,
    ...topics,
    depth: depth === false ? false : (topics.depth ?? false),
  }));
}

/**
 * Distinct parts of the topics' names: `/wrist/color/image_raw` and `/front/color/image_raw` are `wrist` and `front`.
 */
export function shortNames(topics: readonly string[]): readonly string[] {
  const parts = topics.map((topic) => topic.split("/").filter((one) => one !== ""));
  const differing = parts.map((own) =>
    own.filter((word, i) => parts.some((other) => other[i] !== word)).join("_"),
  );
  const names = differing.map((name, i) => name || parts[i]!.join("_"));
  return names.map((name, i) => (names.indexOf(name) === i ? name : `${name}_${i}`));
}

async function countFrames(
  bag: BagReader,
  topic: string,
  from: bigint | undefined,
  to: bigint,
): Promise<number> {
  let count = 0;
  const query = { topics: [topic], to, ...(from !== undefined && { from }), borrow: true };
  for await (const _ of bag.messages(query)) count++;
  return count;
}

/** Frames of several cameras in the order of their log times; of one moment in the order of the cameras. */
async function* merge(cameras: readonly Camera[]): AsyncGenerator<CameraFrame, void, void> {
  const [only, ...others] = cameras;
  if (only !== undefined && others.length === 0) {
    for await (const handle of only.frames) yield { camera: only, handle };
    return;
  }
  const streams = cameras.map((camera) => ({ camera, frames: camera.frames[Symbol.asyncIterator]() }));
  try {
    const heads = await Promise.all(streams.map(({ frames }) => frames.next()));
    for (;;) {
      let first: number | undefined;
      for (const [i, head] of heads.entries()) {
        if (head.done === true) continue;
        const best = first === undefined ? undefined : (heads[first]!.value as FrameHandle);
        if (best === undefined || head.value.logTime < best.logTime) first = i;
      }
      if (first === undefined) return;
      const { camera, frames } = streams[first]!;
      const handle = heads[first]!.value as FrameHandle;
      heads[first] = await frames.next();
      yield { camera, handle };
    }
  } finally {
    for (const { frames } of streams) await frames.return?.(undefined);
  }
}
