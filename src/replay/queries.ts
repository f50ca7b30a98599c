import { type BagReader, queryTopics, recordedQueries } from "../bags/index.js";
import { describe, GraspGroundingError } from "../errors/index.js";
import { cleanQuery } from "../grounding/index.js";
import { readText } from "../system/index.js";
import type { QueryOptions } from "./types.js";

/** The queries of --query and --queries, cleaned. @throws GraspGroundingError QUERY_*, FILE_MISSING */
export async function givenQueries(options: QueryOptions): Promise<readonly string[]> {
  const texts = [...(options.query ?? [])];
  if (options.queries !== undefined) {
    const path = options.queries;
    const text = await readText(path);
    texts.push(...text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#")));
  }
  return [...new Set(texts.map(cleanQuery))];
}

interface Asked {
  readonly time: bigint;
  readonly text: string | undefined;
}

/** Queries of each frame: the given ones, and the last one on each query topic before the frame. */
export class QueryPlan {
  readonly problems: readonly string[];
  readonly #given: readonly string[];
  readonly #recorded: readonly (readonly Asked[])[];

  private constructor(
    given: readonly string[],
    recorded: readonly (readonly Asked[])[],
    problems: readonly string[],
  ) {
    this.#given = given;
    this.#recorded = recorded;
    this.problems = problems;
  }

  /** Without given queries, those of the recording are used. @throws GraspGroundingError BAG_NO_QUERY, BAG_TOPIC */
  static async open(
    bag: BagReader,
    given: readonly string[],
    options: QueryOptions,
    to: bigint | undefined,
  ): Promise<QueryPlan> {
    const wanted = options.recorded === true || options.queryTopic !== undefined || given.length === 0;
    if (!wanted) return new QueryPlan(given, [], []);
    const topics = options.queryTopic === undefined ? queryTopics(bag) : [options.queryTopic];
    const known = new Set(bag.topics.map(({ name }) => name));
    const missing = topics.find((topic) => !known.has(topic));
    if (missing !== undefined) {
      const details = { path: bag.path, topic: missing, topics: [...known].join(", ") };
      throw new GraspGroundingError("BAG_TOPIC", details);
    }
    const asked = new Map<string, Asked[]>(topics.map((topic) => [topic, []]));
    let bad = 0;
    let first: string | undefined;
    const range = to === undefined ? {} : { to };
    for await (const { topic, logTime: time, text } of recordedQueries(bag, { ...range, topics })) {
      try {
        asked.get(topic)?.push({ time, text: text.trim() === "" ? undefined : cleanQuery(text) });
      } catch (error) {
        bad++;
        first ??= describe(error);
      }
    }
    const recorded = [...asked.values()].filter((list) => list.length > 0);
    if (given.length === 0 && recorded.length === 0 && !options.publish)
      throw new GraspGroundingError("BAG_NO_QUERY", { path: bag.path });
    const problems =
      bad === 0 ? [] : [`${bad} recorded queries cannot be asked, the first because: ${first}`];
    return new QueryPlan(given, recorded, problems);
  }

  /** Queries of a frame at this log time; an empty query on a topic ends that topic's query. */
  at(time: bigint): readonly string[] {
    if (this.#recorded.length === 0) return this.#given;
    const texts = this.#recorded.flatMap((list) => lastUntil(list, time)?.text ?? []);
    return [...new Set([...this.#given, ...texts])];
  }
}

function lastUntil(list: readonly Asked[], time: bigint): Asked | undefined {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]!.time <= time) low = middle + 1;
    else high = middle;
  }
  return list[low - 1];
}
