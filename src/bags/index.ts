/** Recorded bags: rosbag2 in MCAP and sqlite3 read as one, their synchronised frames, and results written as MCAP. */
export { findCameras } from "./frames/frame-topics.js";
export { rgbdFrames } from "./frames/frames.js";
export {
  queryTopics,
  type Recorded,
  type RecordedQuery,
  recordedJointStates,
  recordedQueries,
  recordedTransforms,
} from "./frames/side-topics.js";
export { lastBefore } from "./last-before.js";
export { bagName, openBag } from "./open.js";
export { partOf, type ResultTime, ResultWriter, type ResultWriterOptions } from "./result-writer.js";
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
