import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type BagReader, openBag, partOf, type ResultWriter } from "../bags/index.js";
import { GraspGroundingError, usage } from "../errors/index.js";
import type { ResultJson } from "../pipeline/index.js";

import { fileSize, linesPart, readLines } from "./json-lines.js";
import type { OutputOptions } from "./types.js";

/** The last frame that an earlier run has answered. */
export interface LastFrame {
  readonly source: string;
  readonly topic: string;
  readonly time: number;
  readonly stamp: string;
  readonly model: string;
}

/** An earlier run's results, to continue after. */
export class Resumed {
  readonly last: LastFrame;
  /** Queries of the earlier run. */
  readonly queries: ReadonlySet<string>;
  readonly frames: number;
  readonly #json: string;
  readonly #bag: string | undefined;
  /** Log time of the last copied message of each recorded topic. */
  readonly #copied = new Map<string, bigint>();

  private constructor(
    json: string,
    bag: string | undefined,
    last: LastFrame,
    queries: ReadonlySet<string>,
    frames: number,
  ) {
    this.#json = json;
    this.#bag = bag;
    this.last = last;
    this.queries = queries;
    this.frames = frames;
  }

  /**
   * Opens the results under the outputs' names: complete ones after Ctrl-C, or the parts of a killed run without their
   * incomplete end. Undefined when there is nothing to resume.
   * @throws GraspGroundingError USAGE, RESUME_MISMATCH
   */
  static async find({ json, out }: OutputOptions): Promise<Resumed | undefined> {
    if (json === undefined || json === "-")
      throw usage("--resume needs --json FILE: it says how far a run came");
    const cut = (await fileSize(linesPart(json))) > 0;
    const lines = cut ? linesPart(json) : json;
    if ((await fileSize(lines)) === 0) return undefined;
    const bag = out === undefined ? undefined : await firstWithSize(partOf(out), out);
    if (out !== undefined && bag === undefined)
      throw new GraspGroundingError("RESUME_MISMATCH", { path: json, detail: `${out} is not there` });
    const stamps = bag === undefined ? undefined : await stampsOf(bag);
    const retained = await keepComplete(lines, json, cut, stamps);
    if (retained === undefined) return undefined;
    // The bag is read while the new one is written under the part's name.
    const moved = bag === undefined ? undefined : `${bag.replace(/\.part$/, "")}.previous.mcap`;
    if (bag !== undefined && moved !== undefined) await rename(bag, moved);
    return new Resumed(json, moved, retained.last, retained.queries, retained.frames);
  }

  /** Copies the earlier results; those after the last frame are made again. */
  async copyBag(writer: ResultWriter): Promise<void> {
    if (this.#bag === undefined) return;
    const bag = await openBag(this.#bag);
    const topics = new Map(bag.topics.map((topic) => [topic.name, topic]));
    const end = await endOf(bag, this.last.stamp);
    for await (const message of bag.messages()) {
      const topic = topics.get(message.topic)!;
      if (isResult(message.topic)) {
        if (end !== undefined && message.logTime > end) continue;
      } else this.#copied.set(message.topic, message.logTime);
      await writer.copy(message, topic);
    }
    await bag.close();
  }

  /** Whether a recorded message is in the earlier result bag already. */
  hasCopied(topic: string, logTime: bigint): boolean {
    const last = this.#copied.get(topic);
    return last !== undefined && logTime <= last;
  }

  async eachLine(use: (line: ResultJson) => void): Promise<void> {
    for await (const line of readLines(linesPart(this.#json))) use(JSON.parse(line) as ResultJson);
  }

  /** Removes the earlier results, because the new ones are complete. */
  async forget(): Promise<void> {
    if (this.#bag !== undefined) await rm(this.#bag, { force: true });
  }
}

/** Topics that a replay writes. */
const isResult = (topic: string): boolean =>
  topic.startsWith("/grasp_grounding/") && !topic.endsWith("/query");

async function firstWithSize(...paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await fileSize(path)) > 0) return path;
  return undefined;
}

interface Stamped {
  readonly header: { readonly stamp: { readonly sec: number; readonly nanosec: number } };
}

const nanoseconds = ({ header: { stamp } }: Stamped): string =>
  String(BigInt(stamp.sec) * 1_000_000_000n + BigInt(stamp.nanosec));

/** The image is the last message of a frame: a frame with one is complete. */
async function* completeFrames(bag: BagReader): AsyncGenerator<{ stamp: string; logTime: bigint }> {
  const topics = bag.topics
    .map(({ name }) => name)
    .filter((n) => isResult(n) && n.endsWith("/overlay/compressed"));
  if (topics.length === 0) return;
  for await (const message of bag.messages({ topics, borrow: true }))
    yield { stamp: nanoseconds(bag.decode<Stamped>(message)), logTime: message.logTime };
}

async function stampsOf(path: string): Promise<ReadonlySet<string>> {
  const bag = await openBag(path);
  const stamps = new Set<string>();
  for await (const { stamp } of completeFrames(bag)) stamps.add(stamp);
  await bag.close();
  return stamps;
}

async function endOf(bag: BagReader, stamp: string): Promise<bigint | undefined> {
  for await (const one of completeFrames(bag)) if (one.stamp === stamp) return one.logTime;
  return undefined;
}

/** Copies the lines of complete frames into the part, up to the end of the result bag. */
async function keepComplete(
  from: string,
  path: string,
  cut: boolean,
  stamps: ReadonlySet<string> | undefined,
): Promise<{ last: LastFrame; queries: ReadonlySet<string>; frames: number } | undefined> {
  let last: LastFrame | undefined;
  let group: { readonly frame: LastFrame; readonly text: string[] } | undefined;
  const queries = new Set<string>();
  let frames = 0;
  async function* retained(): AsyncGenerator<string> {
    for await (const text of readLines(from)) {
      const line = parse(text);
      // A killed run may end within a line; a complete file never does.
      if (line === undefined) break;
      const { source, topic, time, stamp, model } = line;
      if (source === undefined || topic === undefined || time === undefined || stamp === undefined)
        throw new GraspGroundingError("RESUME_MISMATCH", { path, detail: "it is not of a replay" });
      const frame = { source, topic, time, stamp, model };
      if (group !== undefined && !sameFrame(group.frame, frame)) {
        if (stamps !== undefined && !stamps.has(group.frame.stamp)) return;
        frames++;
        last = group.frame;
        yield `${group.text.join("\n")}\n`;
        group = undefined;
      }
      group ??= { frame, text: [] };
      group.text.push(text);
      queries.add(line.query);
    }
    const complete = group !== undefined && !cut && (stamps === undefined || stamps.has(group.frame.stamp));
    if (group === undefined || !complete) return;
    frames++;
    last = group.frame;
    yield `${group.text.join("\n")}\n`;
  }
  const fresh = `${linesPart(path)}.new`;
  await pipeline(retained, createWriteStream(fresh));
  if (last === undefined) {
    await rm(fresh, { force: true });
    return undefined;
  }
  await rename(fresh, linesPart(path));
  return { last, queries, frames };
}

const sameFrame = (a: LastFrame, b: LastFrame): boolean =>
  a.source === b.source && a.topic === b.topic && a.stamp === b.stamp && a.time === b.time;

function parse(text: string): ResultJson | undefined {
  try {
    return JSON.parse(text) as ResultJson;
  } catch {
    return undefined;
  }
}
