import sharp from "sharp";
import { usage } from "../errors/index.js";
import { median } from "../geometry/index.js";
import type { Grounding } from "../grounding/index.js";
import type { GraspPipeline, PipelineResult } from "../pipeline/index.js";
import { createPipeline, type PipelineOptions } from "../pipeline/index.js";
import { table } from "../report/text-table.js";
import { Interrupt, named, Progress, probability, wholeNumber, writeWhole } from "../system/index.js";
import { agreementOf, agreements } from "./agreement.js";
import { BagSession } from "./bag-session.js";
import { comparePage } from "./compare-page.js";
import { DifferenceSheet } from "./differences.js";
import { JsonLines } from "./json-lines.js";
import { prefetched } from "./prefetch.js";
import { givenQueries } from "./queries.js";
import { slicesOf } from "./shard.js";
import type { ComparedSetting, Pair, ReplayOptions, Side } from "./types.js";

/**
 * `replay --compare A B`: two models or settings on the same frames, and their differences.
 * @throws GraspGroundingError USAGE, and those of a replay
 */
export async function compare(paths: readonly string[], options: ReplayOptions): Promise<void> {
  const [first, second] = options.compare ?? [];
  if (first === undefined || second === undefined)
    throw usage("--compare needs two models or settings, such as lite lite,threshold=0.7");
  const { out, publish, resume, shard, ...rest } = options;
  if (out ?? publish ?? resume) throw usage("--compare goes without --out, --publish and --resume");
  const queries = await givenQueries(options);
  const interrupt = new Interrupt();
  const settings = [first, second].map((name) => ({ name, latencies: [] as number[] }));
  const pipelines: GraspPipeline[] = [];
  const pairs: Pair[] = [];
  const differing = new DifferenceSheet();
  const problems: string[] = [];
  const json = options.json === undefined ? undefined : await JsonLines.open(options.json);
  try {
    for (const slice of slicesOf(paths.length, shard)) {
      if (interrupt.aborted) break;
      const path = paths[slice.bag]!;
      const session = await BagSession.open(path, slice, queries, rest);
      try {
        for (const { name } of settings.slice(pipelines.length))
          pipelines.push(await createPipeline({ ...parseSetting(name, rest), grasps: false }));
        await both(session, {
          path,
          pipelines,
          settings,
          pairs,
          differing,
          json,
          options,
          problems,
          interrupt,
        });
        problems.push(...session.bag.damage);
      } finally {
        await session.close();
      }
    }
    await json?.close();
  } catch (error) {
    await json?.abort();
    throw error;
  } finally {
    interrupt.release();
    for (const pipeline of pipelines) await pipeline.close();
  }
  if (pairs.length === 0) throw usage("no frame was answered: check --at, --from, --to and the bag");
  const { report, contactSheet, overlay } = options;
  const images = differing.worstFirst();
  if (report !== undefined) await writeWhole(report, comparePage({ settings, pairs, images, problems }));
  if (contactSheet !== undefined) await writeWhole(contactSheet, await differing.sheet(contactSheet));
  if (overlay !== undefined && images[0] !== undefined) {
    // The image is a JPEG already.
    const png = /\.png$/i.test(overlay);
    await writeWhole(overlay, png ? await sharp(images[0].jpeg).png().toBuffer() : images[0].jpeg);
  }
  if (!options.quiet && options.json !== "-") process.stdout.write(`${compareText(settings, pairs)}\n`);
  for (const text of problems) process.stderr.write(`grasp-grounding: ${text}\n`);
  if (interrupt.exitCode !== undefined || problems.length > 0) process.exitCode = interrupt.exitCode ?? 3;
}

/** `MODEL[,threshold=P][,proposals=SOURCE][,refine=MODEL][,threads=N]`. @throws GraspGroundingError USAGE */
export function parseSetting(text: string, base: PipelineOptions): PipelineOptions {
  const [model, ...changes] = text.split(",");
  let options: PipelineOptions = { ...base, ...(model && { model }) };
  for (const change of changes) {
    const [key, value = ""] = change.split(/=(.*)/s, 2);
    const said = (parse: (text: string) => number) => named(`--compare ${text}: ${key}`, () => parse(value));
    if (key === "threshold") options = { ...options, threshold: said(probability) };
    else if (key === "threads") options = { ...options, threads: said(wholeNumber(1)) };
    else if (key === "proposals") options = { ...options, proposals: value };
    else if (key === "refine") options = { ...options, refine: value };
    else throw usage(`${text}: ${key} cannot be compared; threshold, proposals, refine and threads can`);
  }
  return options;
}

interface Work {
  readonly path: string;
  readonly pipelines: readonly GraspPipeline[];
  readonly settings: readonly ComparedSetting[];
  readonly pairs: Pair[];
  readonly differing: DifferenceSheet;
  readonly json: JsonLines | undefined;
  readonly options: ReplayOptions;
  readonly problems: string[];
  readonly interrupt: Interrupt;
}

async function both(session: BagSession, work: Work): Promise<void> {
  const { pipelines, settings, pairs, differing, json, options } = work;
  const source = session.bag.path.split("/").at(-1) ?? "";
  const progress = options.quiet ? undefined : new Progress(source);
  let done = 0;
  let unusable = 0;
  for await (const { frame, handle } of prefetched(session.frames(), () => true)) {
    if (work.interrupt.aborted) break;
    const queries = session.queries.at(handle.logTime);
    if (frame === undefined) unusable++;
    if (frame === undefined || queries.length === 0) continue;
    const answers: (readonly PipelineResult[])[] = [];
    // In turns, because the first one runs with a cold cache.
    for (const i of done % 2 === 0 ? [0, 1] : [1, 0]) {
      const began = performance.now();
      answers[i] = await pipelines[i]!.process(frame, queries);
      settings[i]!.latencies.push(performance.now() - began);
    }
    const time = session.timeOf(handle.logTime);
    for (const [q, query] of queries.entries()) {
      const [a, b] = answers.map((results) => results[q]!) as [PipelineResult, PipelineResult];
      const pair: Pair = {
        source,
        topic: handle.colourTopic,
        time,
        query,
        a: side(a.grounding),
        b: side(b.grounding),
        agreement: agreementOf(a.grounding, b.grounding),
      };
      pairs.push(pair);
      await json?.write(`${JSON.stringify(pair)}\n`);
      await differing.offer(pair, frame.colour, a, b);
    }
    progress?.update(++done, session.expected);
    if (options.at !== undefined) break;
  }
  progress?.done();
  if (unusable > 0) work.problems.push(`${unusable} frames could not be used`);
}

const side = ({ found, detections: [best] }: Grounding): Side => ({
  found,
  score: Number((best?.score ?? 0).toFixed(4)),
  box: best?.box,
});

function compareText(settings: readonly ComparedSetting[], pairs: readonly Pair[]): string {
  const header = ["query", "n", "both", "neither", "only A", "only B", "overlap"];
  const rows = agreements(pairs).map((one) => [
    one.query,
    one.n,
    one.bothFound,
    one.neither,
    one.onlyA,
    one.onlyB,
    one.bothFound === 0 ? undefined : one.overlap.toFixed(3),
  ]);
  const speeds = settings.map(
    ({ name, latencies }, i) => `${"AB"[i]}: ${name}, ${median(latencies).toFixed(0)} ms a frame`,
  );
  return `${speeds.join("\n")}\n${table(header, rows)}`;
}
