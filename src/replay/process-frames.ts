import { asCatalogued, GraspGroundingError } from "../errors/index.js";
import type { RgbdFrame } from "../geometry/index.js";
import type { GraspPipeline, PipelineResult } from "../pipeline/index.js";
import type { Progress } from "../system/index.js";
import type { BagSession, CameraFrame } from "./bag-session.js";
import type { Outputs } from "./outputs.js";
import type { PlaybackClock } from "./playback-clock.js";
import { type Loaded, loadedInTime, prefetched } from "./prefetch.js";
import type { LastFrame, Resumed } from "./resume.js";
import type { Answered, SessionOptions } from "./types.js";

/** Wall time by part, in milliseconds. */
export class StageTimer {
  reading = 0;
  model = 0;
  writing = 0;
  readonly #started = performance.now();

  get wall(): number {
    return performance.now() - this.#started;
  }

  get shares() {
    const { wall } = this;
    return { reading: this.reading / wall, model: this.model / wall, writing: this.writing / wall };
  }
}

export interface ReplayContext {
  readonly pipeline: GraspPipeline;
  readonly outputs: Outputs;
  readonly clock: StageTimer;
  readonly playbackClock: PlaybackClock;
  readonly progress: Progress | undefined;
  readonly interrupted: () => boolean;
  /** Name of the bag in results. */
  readonly source: string;
  readonly resumed?: Resumed;
  /** The last frame of an earlier run, when it is of this bag. */
  readonly after?: LastFrame;
  readonly onAnswer?: (answered: Answered) => void;
}

export interface ReplayStats {
  readonly frames: number;
  readonly problems: readonly string[];
  /** How the recording is read where it leaves something open: no damage. */
  readonly notes: readonly string[];
  readonly last?: { readonly frame: RgbdFrame; readonly results: readonly PipelineResult[] };
  /** Reason of the first unusable image. */
  readonly firstError?: GraspGroundingError;
}

/** Answers the frames of one session. */
export async function processFrames(
  session: BagSession,
  context: ReplayContext,
  options: SessionOptions,
): Promise<ReplayStats> {
  const { pipeline, outputs, clock, playbackClock, progress, source } = context;
  const unusable = new Unusable();
  const total = session.expected;
  const wanted = wantedFrames(session, context);
  const frames = playbackClock.unlimited
    ? prefetched(session.frames(), wanted)
    : loadedInTime(session.frames(), wanted, (time) => playbackClock.skip(time));
  const iterator = frames[Symbol.asyncIterator]();
  let count = 0;
  let done = 0;
  let last: ReplayStats["last"];
  try {
    for (;;) {
      const began = performance.now();
      const step = await iterator.next();
      clock.reading += performance.now() - began;
      if (step.done === true || context.interrupted()) break;
      const { frame, handle, camera, error }: Loaded = step.value;
      await copyRecorded(session, context);
      if (done > 0) progress?.update(done, total);
      done++;
      if (frame === undefined) {
        unusable.note(error);
        continue;
      }
      const queries = session.queries.at(handle.logTime);
      if (queries.length === 0) continue;
      const asked = performance.now();
      const results = await pipeline.process(frame, queries);
      const answeredAt = performance.now();
      clock.model += answeredAt - asked;
      const answered = {
        frame,
        results,
        source,
        topic: handle.colourTopic,
        logTime: handle.logTime,
        time: session.timeOf(handle.logTime),
        camera: camera.name,
      };
      await outputs.write(answered);
      context.onAnswer?.(answered);
      clock.writing += performance.now() - answeredAt;
      last = { frame, results };
      count++;
      if (options.at !== undefined || context.interrupted()) break;
    }
  } finally {
    await iterator.return?.(undefined);
  }
  if (done > 0) progress?.update(done, context.interrupted() ? total : done);
  await copyRecorded(session, context);
  return {
    frames: count,
    problems: [
      ...session.bag.damage,
      ...(session.cameras[0]?.frames.unreadable ?? []),
      ...session.cameras.flatMap(({ frames: { counts, topics } }) =>
        counts.undecodable > 0
          ? [`${counts.undecodable} messages of ${topics.colour} and its depth cannot be decoded`]
          : [],
      ),
      ...session.queries.problems,
      ...unusable.report(),
    ],
    notes: [...new Set(session.cameras.flatMap(({ frames }) => frames.notes))],
    ...(last !== undefined && { last }),
    ...(unusable.first !== undefined && { firstError: unusable.first }),
  };
}

/** Whether a frame comes after the last one of an earlier run. */
function wantedFrames({ times }: BagSession, { after }: ReplayContext): (one: CameraFrame) => boolean {
  if (after === undefined) return () => true;
  let passed = false;
  return ({ handle }) => {
    if (passed) return true;
    passed = handle.colourTopic === after.topic && String(handle.stamp) === after.stamp;
    if (!passed && times.from !== undefined && handle.logTime > times.from + 5_000_000_000n)
      throw new GraspGroundingError("RESUME_MISMATCH", {
        path: after.source,
        detail: `its last frame at ${after.time.toFixed(2)} s is not in this bag`,
      });
    return false;
  };
}

/** Counts unusable frames: one must not end a replay, but is reported. */
class Unusable {
  first: GraspGroundingError | undefined;
  #count = 0;

  note(error: unknown): void {
    this.first ??= asCatalogued(error);
    this.#count++;
  }

  report(): readonly string[] {
    return this.first === undefined
      ? []
      : [`${this.#count} frames could not be used, the first because: ${this.first.message}`];
  }
}

async function copyRecorded(
  { bag, recorded }: BagSession,
  { outputs, resumed }: ReplayContext,
): Promise<void> {
  for (const message of recorded.splice(0)) {
    const topic = bag.topics.find(({ name }) => name === message.topic);
    if (topic === undefined || resumed?.hasCopied(message.topic, message.logTime)) continue;
    await outputs.copy(message, topic);
  }
}
