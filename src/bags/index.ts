/** Recorded bags: rosbag2 in MCAP and sqlite3 read as one, their synchronised frames, and results written as MCAP. */
export { rgbdFrames } from "./frames.js";
export { openBag } from "./open.js";
export { type ResultTime, ResultWriter, type ResultWriterOptions } from "./result-writer.js";
export {
  queryTopics,
  type Recorded,
  type RecordedQuery,
  recordedJointStates,
  recordedQueries,
  recordedTransforms,
} from "./side-topics.js";
export type {
  BagMessage,
  BagReader,
  FrameCounts,
  FrameHandle,
  FrameOptions,
  FrameSource,
  FrameTopics,
  MessageDefinitionText,
  MessageQuery,
  TopicInfo,
} from "./types.js";
