import { createWriteStream, type WriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import { type BagMessage, ResultWriter, type TopicInfo } from "../bags/index.js";
import { type BridgeResult, resultToJson } from "../bridge/index.js";
import { describe, GraspGroundingError } from "../errors/index.js";
import type { Mask, RgbdFrame } from "../geometry/index.js";
import { drawOverlay } from "./overlay.js";

export interface OutputOptions {
  /** JSON lines; `-` for stdout. */
  readonly json?: string;
  /** Result bag. */
  readonly out?: string;
  /** False leaves timings out of the JSON. */
  readonly timings?: boolean;
}

/** The files a replay writes; whole or not at all. */
export class Outputs {
  readonly #options: OutputOptions;
  readonly #source: string;
  readonly #writer: ResultWriter | undefined;
  readonly #json: JsonLines | undefined;

  private constructor(
    source: string,
    options: OutputOptions,
    writer: ResultWriter | undefined,
    json: JsonLines | undefined,
  ) {
    this.#source = source;
    this.#options = options;
    this.#writer = writer;
    this.#json = json;
  }

  static async open(source: string, options: OutputOptions): Promise<Outputs> {
    const json = options.json === undefined ? undefined : await JsonLines.open(options.json);
    const writer = options.out === undefined ? undefined : await ResultWriter.create(options.out);
    return new Outputs(source, options, writer, json);
  }

  async write(frame: RgbdFrame, results: readonly BridgeResult[]): Promise<void> {
    for (const result of results) {
      const line = {
        ...resultToJson(result, { timings: this.#options.timings !== false }),
        stamp: String(frame.stamp),
        frame: frame.frameId,
        source: basename(this.#source),
      };
      await this.#json?.write(JSON.stringify(line));
    }
    if (this.#writer !== undefined) await writeResults(this.#writer, frame, results);
  }

  /** A recorded message, passed on as it is. */
  async copy(message: BagMessage, topic: TopicInfo): Promise<void> {
    await this.#writer?.copy(message, topic);
  }

  async close(): Promise<void> {
    await this.#writer?.close();
    await this.#json?.close();
  }

  async abort(): Promise<void> {
    await this.#writer?.abort().catch(() => undefined);
    await this.#json?.abort();
  }
}

/** Lines to a file that appears when it is complete, or to stdout for `-`. */
class JsonLines {
  readonly #path: string;
  readonly #temporary: string;
  readonly #stream: WriteStream | undefined;
  #failure: Error | undefined;

  private constructor(path: string, temporary: string, stream: WriteStream | undefined) {
    this.#path = path;
    this.#temporary = temporary;
    this.#stream = stream;
    stream?.on("error", (error) => {
      this.#failure = error;
    });
  }

  static async open(path: string): Promise<JsonLines> {
    if (path === "-") return new JsonLines(path, path, undefined);
    const temporary = `${path}.${process.pid}.part`;
    const stream = createWriteStream(temporary);
    await new Promise<void>((resolve, reject) => {
      stream.once("open", () => resolve());
      stream.once("error", (cause) => {
        reject(new GraspGroundingError("OUTPUT_UNWRITABLE", { path, detail: describe(cause) }, { cause }));
      });
    });
    return new JsonLines(path, temporary, stream);
  }

  async write(line: string): Promise<void> {
    if (this.#stream === undefined) {
      if (!process.stdout.write(`${line}\n`)) await once(process.stdout, "drain");
      return;
    }
    if (!this.#stream.write(`${line}\n`) && this.#failure === undefined) await once(this.#stream, "drain");
    this.#check();
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    await new Promise<void>((resolve) => stream.end(() => resolve()));
    this.#check();
    await rename(this.#temporary, this.#path);
  }

  async abort(): Promise<void> {
    this.#stream?.destroy();
    if (this.#stream !== undefined) await rm(this.#temporary, { force: true });
  }

  #check(): void {
    if (this.#failure === undefined) return;
    const details = { path: this.#path, detail: describe(this.#failure) };
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", details, { cause: this.#failure });
  }
}

const once = (stream: NodeJS.WritableStream, event: "drain"): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      stream.off(event, done);
      stream.off("error", done);
      stream.off("close", done);
      resolve();
    };
    stream.on(event, done).on("error", done).on("close", done);
  });

/** One frame's results as messages at its stamp: boxes, annotations, the masks together, grasps best first, and a picture. */
async function writeResults(
  writer: ResultWriter,
  frame: RgbdFrame,
  results: readonly BridgeResult[],
): Promise<void> {
  const time = { stamp: frame.stamp, frameId: frame.frameId };
  const boxes = results.flatMap(({ grounding }) =>
    grounding.detections.map(({ box, score }) => ({ box, score, label: grounding.query })),
  );
  const { width, height } = frame.colour;
  await writer.detections(time, boxes);
  await writer.annotations(time, boxes);
  await writer.mask(
    time,
    unite(
      width,
      height,
      results.flatMap(({ grounding }) => grounding.detections.map((d) => d.mask)),
    ),
  );
  await writer.grasps(
    time,
    results.flatMap(({ grasps }) => grasps.map((grasp) => grasp.pose)),
  );
  await writer.overlay(time, await drawOverlay(frame.colour, results, { ...frame, format: "jpeg" }), "jpeg");
}

function unite(width: number, height: number, masks: readonly Mask[]): Mask {
  const data = new Uint8Array(width * height);
  for (const mask of masks)
    for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) | (mask.data[i] as number);
  return { width, height, data };
}
