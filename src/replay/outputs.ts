import type { BagMessage } from "../bags/index.js";
import { ResultWriter, type TopicInfo } from "../bags/index.js";
import { maskUnion, type RgbdFrame } from "../geometry/index.js";
import { headerOf } from "../messages/index.js";
import { type PipelineResult, type ResultJson, resultToJson } from "../pipeline/index.js";
import { writeWhole } from "../system/index.js";
import { annotationsMessage, drawOverlay, markersMessage, surfacePosition } from "../visualization/index.js";
import { JsonLines } from "./json-lines.js";
import { type Report, reportPage } from "./report-page.js";
import { ReportRows } from "./report-rows.js";
import type { Resumed } from "./resume.js";
import { contactSheet, Thumbnails } from "./thumbnails.js";
import type { Answered, OutputOptions } from "./types.js";

/** The files of a replay, written completely or not at all. */
export class Outputs {
  readonly #options: OutputOptions;
  readonly #writer: ResultWriter | undefined;
  readonly #json: JsonLines | undefined;
  readonly #thumbnails: Thumbnails | undefined;
  readonly #rows: ReportRows | undefined;
  /** By query: whether it was found in any frame. */
  readonly #found = new Map<string, boolean>();
  #last: Answered | undefined;

  private constructor(
    options: OutputOptions,
    writer: ResultWriter | undefined,
    json: JsonLines | undefined,
    rows: ReportRows | undefined,
  ) {
    this.#options = options;
    this.#writer = writer;
    this.#json = json;
    this.#rows = rows;
    if (options.contactSheet !== undefined || options.report !== undefined)
      this.#thumbnails = new Thumbnails();
  }

  /** @throws GraspGroundingError OUTPUT_UNWRITABLE */
  static async open(options: OutputOptions, resumed?: Resumed): Promise<Outputs> {
    const writer = options.out === undefined ? undefined : await ResultWriter.create(options.out);
    try {
      if (writer !== undefined) await resumed?.copyBag(writer);
      const json =
        options.json === undefined ? undefined : await JsonLines.open(options.json, resumed !== undefined);
      const rows = options.report === undefined ? undefined : new ReportRows();
      const outputs = new Outputs(options, writer, json, rows);
      await resumed?.eachLine((line) => {
        rows?.add(line);
        outputs.#count(line.query, line.found);
      });
      return outputs;
    } catch (error) {
      await writer?.abort();
      throw error;
    }
  }

  get rows(): ReportRows | undefined {
    return this.#rows;
  }

  /** Queries that were asked and found in no frame. */
  get notFound(): readonly string[] {
    return [...this.#found].flatMap(([query, found]) => (found ? [] : [query]));
  }

  #count(query: string, found: boolean): void {
    this.#found.set(query, found || this.#found.get(query) === true);
  }

  async write(answered: Answered): Promise<void> {
    const { frame, results } = answered;
    for (const { grounding } of results) this.#count(grounding.query, grounding.found);
    const lines = results.map((result) => toLine(answered, result, this.#options.timings === true));
    if (this.#json !== undefined)
      await this.#json.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const image = once(() => drawOverlay(frame.colour, results, { ...frame, format: "jpeg" }));
    if (this.#writer !== undefined) await writeResults(this.#writer, answered, image);
    this.#rows?.add(...lines.map((line, i) => ({ ...line, timings_ms: { ...results[i]!.timings } })));
    await this.#thumbnails?.offer(answered, image);
    this.#last = answered;
  }

  /** Copies a recorded message unchanged. */
  async copy(message: BagMessage, topic: TopicInfo): Promise<void> {
    await this.#writer?.copy(message, topic);
  }

  /** @param summary facts of the run for the page. */
  async close(summary: () => Report): Promise<void> {
    await this.#writer?.close();
    await this.#json?.close();
    const { overlay, contactSheet: sheet, report } = this.#options;
    if (overlay !== undefined && this.#last !== undefined) await writeOverlay(overlay, this.#last);
    const images = this.#thumbnails?.all() ?? [];
    if (sheet !== undefined && images.length > 0) await writeWhole(sheet, await contactSheet(images, sheet));
    if (report !== undefined) await writeWhole(report, reportPage(summary(), this.#rows!, images));
  }

  async abort(): Promise<void> {
    await this.#writer?.abort().catch(() => undefined);
    await this.#json?.abort();
  }
}

const toLine = (answered: Answered, result: PipelineResult, timings: boolean): ResultJson => ({
  ...resultToJson(result, { timings }),
  stamp: String(answered.frame.stamp),
  frame: answered.frame.frameId,
  source: answered.source,
  topic: answered.topic,
  time: answered.time,
});

async function writeOverlay(
  path: string,
  { frame, results }: Pick<Answered, "frame" | "results">,
): Promise<void> {
  const format = /\.jpe?g$/i.test(path) ? "jpeg" : "png";
  await writeWhole(path, await drawOverlay(frame.colour, results, { ...frame, format }));
}

/**
 * One frame's results as messages at its stamp: boxes, annotations, the union of masks, grasps best first, markers
 * and an image.
 */
async function writeResults(
  writer: ResultWriter,
  { frame, results, logTime, camera }: Answered,
  image: () => Promise<Buffer>,
): Promise<void> {
  const time = {
    stamp: frame.stamp,
    frameId: frame.frameId,
    logTime,
    ...(camera !== undefined && { under: camera }),
  };
  const boxes = results.flatMap(({ grounding }) =>
    grounding.detections.map(({ box, score }) => ({ box, score, label: grounding.query })),
  );
  const { width, height } = frame.colour;
  const masks = results.flatMap(({ grounding }) => grounding.detections.map((d) => d.mask));
  await writer.detections(time, boxes);
  await writer.annotations(time, annotationsMessage(headerOf(frame.stamp, frame.frameId), boxes));
  await writer.mask(time, maskUnion(width, height, masks));
  const poses = results.flatMap(({ grasps }) => grasps.map((grasp) => grasp.pose));
  await writer.grasps(time, poses);
  await writer.markers(time, markersOf(frame, results));
  await writer.overlay(time, await image(), "jpeg");
}

/** Objects at their measured surface, and the best grasp of each query before the others. */
export function markersOf(frame: RgbdFrame, results: readonly PipelineResult[]) {
  const objects = results.flatMap(({ grounding: { query, detections } }) =>
    detections.flatMap(({ mask, score }) => {
      const position = surfacePosition(frame, mask);
      return position === undefined ? [] : [{ position, label: `${query} ${score.toFixed(2)}` }];
    }),
  );
  const grasps = results.flatMap((result) => result.grasps);
  return markersMessage(headerOf(frame.stamp, frame.frameId), objects, grasps);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
