import { bagName } from "../bags/index.js";
import { asCatalogued, GraspGroundingError, usage } from "../errors/index.js";
import type { RgbdFrame } from "../geometry/index.js";
import type { GraspPipeline, PipelineResult } from "../pipeline/index.js";
import { createPipeline } from "../pipeline/index.js";
import { Interrupt, Progress, packageVersion } from "../system/index.js";
import { BagSession } from "./bag-session.js";
import { Outputs } from "./outputs.js";
import { PlaybackClock } from "./playback-clock.js";
import { processFrames, type ReplayStats, StageTimer } from "./process-frames.js";
import { Publication } from "./publish.js";
import { givenQueries } from "./queries.js";
import { Resumed } from "./resume.js";
import { slicesOf, withShard } from "./shard.js";
import { nothingRead, summary } from "./summary.js";
import type { ReplayOptions } from "./types.js";

export interface ReplayReport {
  readonly frames: number;
  /** Dropped to hold --rate. */
  readonly dropped: number;
  readonly damage: readonly string[];
  /** Queries that were found in no frame. */
  readonly notFound: readonly string[];
  /** How the recordings are read where they leave something open: no damage. */
  readonly notes: readonly string[];
  /** 0 done, 3 partial result, 130 or 143 interrupted. */
  readonly exitCode: number;
  /** Shares of the wall time: reading (with decoding and pairing), model, writing. */
  readonly shares: StageTimer["shares"];
  readonly seconds: number;
  /** Results of the last frame, and that frame. */
  readonly last?: { readonly frame: RgbdFrame; readonly results: readonly PipelineResult[] };
}

/** Replays bags through the pipeline into the outputs of the options. */
export async function replay(bags: string | readonly string[], given: ReplayOptions): Promise<ReplayReport> {
  const paths = typeof bags === "string" ? [bags] : bags;
  const options = named(given);
  checkOptions(options, paths);
  const queries = await givenQueries(options);
  const resumed = options.resume ? await Resumed.find(options) : undefined;
  const run = new Run(paths, options, queries, resumed);
  const interrupt = new Interrupt();
  try {
    return await run.all(interrupt);
  } finally {
    interrupt.release();
  }
}

function named(options: ReplayOptions): ReplayOptions {
  const files = ["json", "out", "overlay", "contactSheet", "report"] as const;
  const renamed = files.flatMap((key) => {
    const path = options[key];
    return path === undefined ? [] : [[key, withShard(path, options.shard)]];
  });
  return { ...options, ...Object.fromEntries(renamed) };
}

function checkOptions(options: ReplayOptions, paths: readonly string[]): void {
  const { at, from, to, camera, colour, publish } = options;
  if (at !== undefined && (from !== undefined || to !== undefined))
    throw usage("--at and --from/--to exclude each other");
  if (from !== undefined && to !== undefined && to < from) throw usage("--to is before --from");
  if (camera !== undefined && colour !== undefined) throw usage("--camera and --colour exclude each other");
  if (publish && paths.length > 1) throw usage("--publish plays one bag");
  if (publish && options.rate === 0) throw usage("--publish needs a rate above 0");
}

/** Names of bags in results: their file names, or the given paths where file names are not unique. */
export function sourceNames(paths: readonly string[]): readonly string[] {
  const names = paths.map(bagName);
  const unique = new Set(names).size === names.length;
  return unique ? names : paths.map((path) => path.replace(/\?.*$/, ""));
}

class Run {
  readonly #paths: readonly string[];
  readonly #sources: readonly string[];
  readonly #options: ReplayOptions;
  readonly #queries: readonly string[];
  readonly #resumed: Resumed | undefined;
  readonly #problems: string[] = [];
  readonly #notes: string[] = [];
  #pipeline: GraspPipeline | undefined;
  #outputs: Outputs | undefined;
  #clock = new StageTimer();
  #frames = 0;
  #dropped = 0;
  #last: ReplayStats["last"];
  #failure: unknown;
  #summary: string | undefined;

  constructor(
    paths: readonly string[],
    options: ReplayOptions,
    queries: readonly string[],
    resumed: Resumed | undefined,
  ) {
    this.#paths = paths;
    this.#sources = sourceNames(paths);
    this.#options = options;
    this.#queries = queries;
    this.#resumed = resumed;
  }

  async all(interrupt: Interrupt): Promise<ReplayReport> {
    try {
      for (const slice of this.#slicesToDo()) {
        if (interrupt.aborted) break;
        await this.#slice(slice, interrupt);
      }
      const partial = this.#options.shard !== undefined || this.#resumed !== undefined;
      if (this.#frames === 0 && this.#failure !== undefined && !(partial && this.#outputs !== undefined))
        throw this.#failure;
      await this.#finish(interrupt);
    } catch (error) {
      await this.#fail(error, interrupt);
      throw error;
    } finally {
      await this.#pipeline?.close();
    }
    if (this.#summary !== undefined) process.stdout.write(this.#total(this.#summary));
    return {
      frames: this.#frames,
      dropped: this.#dropped,
      damage: this.#problems,
      notFound: this.#outputs?.notFound ?? [],
      notes: this.#notes,
      exitCode: interrupt.exitCode ?? (this.#problems.length > 0 ? 3 : 0),
      shares: this.#clock.shares,
      seconds: this.#clock.wall / 1e3,
      ...(this.#last !== undefined && { last: this.#last }),
    };
  }

  /** For several bags: the last one's results, with the figures of all. */
  #total(last: string): string {
    if (this.#paths.length === 1) return last;
    const seconds = this.#clock.wall / 1e3;
    return `${this.#frames} frames of ${this.#paths.length} bags in ${seconds.toFixed(1)} s\n${last}`;
  }

  /** Bags that an earlier run has completed are skipped. */
  #slicesToDo() {
    const slices = slicesOf(this.#paths.length, this.#options.shard);
    if (this.#resumed === undefined) return slices;
    const { source } = this.#resumed.last;
    const at = slices.findIndex(({ bag }) => this.#sources[bag] === source);
    if (at < 0) throw this.#mismatch(`its last frame is of ${source}, which is not asked here`);
    const strange = [...this.#resumed.queries].find(
      (query) => this.#queries.length > 0 && !this.#options.recorded && !this.#queries.includes(query),
    );
    if (strange !== undefined) throw this.#mismatch(`it was asked "${strange}"`);
    return slices.slice(at);
  }

  async #slice(slice: ReturnType<typeof slicesOf>[number], interrupt: Interrupt): Promise<void> {
    const { publish, rate, quiet } = this.#options;
    const path = this.#paths[slice.bag]!;
    const source = this.#sources[slice.bag]!;
    const after = this.#resumed?.last.source === source ? this.#resumed.last : undefined;
    let session: BagSession;
    try {
      session = await BagSession.open(path, slice, this.#queries, this.#options, after?.time);
    } catch (error) {
      return this.#lost(source, error);
    }
    try {
      const { pipeline, outputs } = await this.#open();
      const playbackClock = new PlaybackClock(rate ?? (publish ? 1 : undefined), interrupt.signal);
      const publication = publish
        ? await Publication.begin(session, playbackClock, interrupt.signal)
        : undefined;
      const progress = quiet ? undefined : new Progress(source);
      const context = {
        pipeline,
        outputs,
        clock: this.#clock,
        playbackClock,
        progress,
        source,
        interrupted: () => interrupt.aborted,
        ...(this.#resumed !== undefined && { resumed: this.#resumed }),
        ...(after !== undefined && { after }),
        ...(publication !== undefined && {
          onAnswer: (answered: Parameters<Publication["answer"]>[0]) => publication.answer(answered),
        }),
      };
      let stats: ReplayStats;
      try {
        stats = await processFrames(session, context, this.#options);
        await publication?.ended;
      } finally {
        progress?.done();
        await publication?.close();
      }
      this.#frames += stats.frames;
      this.#notes.push(...stats.notes.map((text) => `${source}: ${text}`));
      this.#dropped += playbackClock.dropped;
      this.#last = stats.last ?? this.#last;
      if (stats.frames === 0 && !interrupt.aborted && !publish)
        this.#failure ??= stats.firstError ?? nothingRead(session, this.#options);
      if (stats.frames > 0 || this.#options.shard !== undefined || after !== undefined)
        this.#problems.push(...stats.problems.map((text) => `${source}: ${text}`));
      else if (this.#paths.length > 1 && !interrupt.aborted)
        this.#problems.push(`${source}: ${asCatalogued(this.#failure).message}`);
      if (!quiet && this.#options.json !== "-" && stats.last !== undefined)
        this.#summary = summary(session, source, stats, playbackClock.dropped, this.#clock, this.#frames);
    } catch (error) {
      this.#lost(source, error);
    } finally {
      await session.close();
    }
  }

  /** An unusable bag among several is reported at the end; a single one is a failure. */
  #lost(source: string, error: unknown): void {
    const catalogued = asCatalogued(error);
    const ofTheBag = /^(BAG|MESSAGE|DEPTH|IMAGE|CAMERA|FILE)_/.test(catalogued.code);
    if (this.#paths.length === 1 || !ofTheBag) throw error;
    this.#failure ??= error;
    this.#problems.push(
      catalogued.message.includes(source) ? catalogued.message : `${source}: ${catalogued.message}`,
    );
  }

  async #open(): Promise<{ pipeline: GraspPipeline; outputs: Outputs }> {
    const { depth } = this.#options;
    this.#pipeline ??= await createPipeline({ ...this.#options, grasps: depth !== false });
    const model = this.#resumed?.last.model;
    if (model !== undefined && model !== this.#pipeline.model)
      throw this.#mismatch(`it was made with model ${model}`);
    if (this.#outputs === undefined) {
      this.#outputs = await Outputs.open(this.#options, this.#resumed);
      // The replay's speed does not include loading the model.
      this.#clock = new StageTimer();
    }
    return { pipeline: this.#pipeline, outputs: this.#outputs };
  }

  async #finish(interrupt: Interrupt): Promise<void> {
    await this.#outputs?.close(() => ({
      title: `Replay of ${this.#sources.slice(0, 3).join(", ")}${this.#sources.length > 3 ? ` and ${this.#sources.length - 3} more` : ""}`,
      model: this.#pipeline?.model ?? "",
      frames: this.#frames + (this.#resumed?.frames ?? 0),
      dropped: this.#dropped,
      seconds: this.#clock.wall / 1e3,
      shares: this.#clock.shares,
      damage: this.#problems,
      interrupted: interrupt.aborted,
      version: packageVersion(),
    }));
    await this.#resumed?.forget();
    if (interrupt.aborted)
      process.stderr.write(
        `grasp-grounding: interrupted after ${this.#frames} frames; what was written is whole, and --resume goes on\n`,
      );
  }

  /** Keeps the answers when a connection is lost; without answers, no files remain. */
  async #fail(error: unknown, interrupt: Interrupt): Promise<void> {
    const worth =
      this.#frames > 0 || this.#resumed !== undefined || asCatalogued(error).code === "BAG_UNREACHABLE";
    if (!worth || asCatalogued(error).code === "OUTPUT_UNWRITABLE") return await this.#outputs?.abort();
    await this.#finish(interrupt).catch(() => this.#outputs?.abort());
  }

  #mismatch(detail: string): GraspGroundingError {
    return new GraspGroundingError("RESUME_MISMATCH", { path: this.#options.json ?? "", detail });
  }
}
