import type { BagMessage, BagReader, TopicInfo } from "../bags/index.js";

/**
 * Topics with transient-local durability: /tf_static by its name, others by the QoS of their publishers, which rosbag2
 * writes as a number or a name.
 */
export const isTransientLocal = ({ name, qos = "" }: Pick<TopicInfo, "name" | "qos">): boolean =>
  /(^|\/)(tf_static|robot_description)$/.test(name) || /durability:\s*(1|transient_local)\b/.test(qos);

/** Transient-local messages from before a cut, moved to its beginning: they are still valid in it. */
export async function* transientLocalBefore(
  bag: BagReader,
  from: bigint,
): AsyncGenerator<BagMessage, void, void> {
  const topics = bag.topics.filter(isTransientLocal).map(({ name }) => name);
  if (topics.length === 0) return;
  for await (const message of bag.messages({ topics, to: from - 1n }))
    yield { ...message, logTime: from, publishTime: from };
}
