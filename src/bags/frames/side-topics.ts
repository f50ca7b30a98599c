import type { Stamp } from "../../geometry/index.js";
import type { JointStateMessage, StringMessage, TfMessage } from "../../messages/index.js";
import type { BagReader, MessageQuery } from "../types.js";

/** A decoded message and when it was recorded. */
export interface Recorded<T> {
  readonly topic: string;
  readonly logTime: Stamp;
  readonly message: T;
}

export interface RecordedQuery {
  readonly topic: string;
  readonly logTime: Stamp;
  readonly text: string;
}

type Range = Pick<MessageQuery, "from" | "to">;

/** Topics of recorded queries: text on a topic named `…/query`. */
export const queryTopics = (bag: BagReader): readonly string[] =>
  named(bag, "std_msgs/msg/String", /(^|\/)query$/);

/** The queries asked while the bag was recorded. */
export async function* recordedQueries(
  bag: BagReader,
  { topics = queryTopics(bag), ...range }: Range & { readonly topics?: readonly string[] } = {},
): AsyncGenerator<RecordedQuery> {
  for await (const { topic, logTime, message } of decoded<StringMessage>(bag, topics, range))
    yield { topic, logTime, text: message.data };
}

/** sensor_msgs/JointState of every topic, or of the one named. */
export const recordedJointStates = (
  bag: BagReader,
  range: Range & { readonly topic?: string } = {},
): AsyncGenerator<Recorded<JointStateMessage>> =>
  decoded(bag, range.topic === undefined ? named(bag, "sensor_msgs/msg/JointState") : [range.topic], range);

/** Transforms of `/tf` and `/tf_static`; `isStatic` by the topic's name. */
export async function* recordedTransforms(
  bag: BagReader,
  range: Range = {},
): AsyncGenerator<Recorded<TfMessage> & { readonly isStatic: boolean }> {
  for await (const recorded of decoded<TfMessage>(bag, named(bag, "tf2_msgs/msg/TFMessage"), range))
    yield { ...recorded, isStatic: recorded.topic.endsWith("tf_static") };
}

const named = (bag: BagReader, type: string, name = /./): string[] =>
  bag.topics.filter((topic) => topic.type === type && name.test(topic.name)).map((topic) => topic.name);

async function* decoded<T>(
  bag: BagReader,
  topics: readonly string[],
  range: Range,
): AsyncGenerator<Recorded<T>> {
  if (topics.length === 0) return;
  const { from, to } = range;
  const query = { topics, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  for await (const message of bag.messages(query))
    yield { topic: message.topic, logTime: message.logTime, message: bag.decode<T>(message) };
}
