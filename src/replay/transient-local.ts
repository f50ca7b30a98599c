import type { BagMessage, BagReader, TopicInfo } from "../bags/index.js";

/**
 * Topics whose last message late subscribers get (transient local): /tf_static by its name, others by what their
 * publishers offered; rosbag2 writes a number or a name.
 */
export const isTransientLocal = ({ name, qos = "" }: Pick<TopicInfo, "name" | "qos">): boolean =>
  /(^|\/)(tf_static|robot_description)$/.test(name) || /durability:\s*(1|transient_local)\b/.test(qos);

/** What was latched before a cut begins, as if it had been said at its beginning: it is still true in it. */
export async function* transientLocalBefore(
  bag: BagReader,
  from: bigint,
): AsyncGenerator<BagMessage, void, void> {
  const topics = bag.topics.filter(isTransientLocal).map(({ name }) => name);
  if (topics.length === 0) return;
  for await (const message of bag.messages({ topics, to: from - 1n }))
    yield { ...message, logTime: from, publishTime: from };
}
