/** Recorded bags: rosbag2 in MCAP and sqlite3 read as one, their synchronised frames, and results written as MCAP. */
export { findCameras } from "./frame-topics.js";
export { rgbdFrames } from "./frames.js";
export { lastBefore } from "./last-before.js";
export { bagName, openBag } from "./open.js";
export { partOf, type ResultTime, ResultWriter, type ResultWriterOptions } from "./result-writer.js";
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
