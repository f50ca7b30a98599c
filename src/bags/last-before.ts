import type { Stamp } from "../geometry/index.js";
import type { BagMessage, BagReader } from "./types.js";

const second = 1_000_000_000n;

/**
 * The last message of the topics recorded before a time. Looks back in windows that double, so that a topic that is
 * published all the time costs one short read and one that was published once costs its chunk.
 */
export async function lastBefore(
  bag: BagReader,
  topics: readonly string[],
  time: Stamp,
): Promise<BagMessage | undefined> {
  const start = bag.startTime;
  if (start === undefined || topics.length === 0) return undefined;
  let to = time - 1n;
  for (let window = 2n * second; to >= start; window *= 2n) {
    const from = to - window > start ? to - window : start;
    let last: BagMessage | undefined;
    for await (const message of bag.messages({ topics, from, to })) last = message;
    if (last !== undefined) return last;
    to = from - 1n;
  }
  return undefined;
}
