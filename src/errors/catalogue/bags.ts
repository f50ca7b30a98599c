import { type CatalogueEntry, entry } from "../entry.js";

/** Errors of recorded bags. */
export const bagErrors = {
  BAG_MISSING: entry({
    message: "{path}: no such bag",
    cause: "a wrong path",
    remedy: "give a .mcap or .db3 file, or a rosbag2 folder",
    httpStatus: 404,
  }),
  BAG_FORMAT: entry({
    message: "{path}: not a rosbag2 recording ({detail})",
    cause: "a ROS 1 bag, a folder without metadata.yaml, or a file of another kind",
    remedy: "give an .mcap or .db3 file, or a rosbag2 folder with metadata.yaml",
  }),
  BAG_DAMAGED: entry({
    message: "{path}: damaged ({detail})",
    cause: "a recording cut off by a power loss or a full disk, or a damaged copy",
    remedy: "what could be read was used; record again if that is not enough",
    exitCode: 3,
    level: "warn",
  }),
  BAG_EMPTY: entry({
    message: "{path}: holds no messages",
    cause: "the recorder ended before a message came, often by QoS that does not match",
    remedy: "record again",
  }),
  BAG_NO_IMAGE: entry({
    message: "{path}: no image topic found; topics are {topics}",
    cause: "pictures were not recorded, or in a type that is not read",
    remedy: "name one with --colour TOPIC",
  }),
  BAG_TOPIC: entry({
    message: "{path}: no topic {topic}; topics are {topics}",
    cause: "a misspelt topic, or one that was not recorded",
    remedy: "name one of these",
  }),
  BAG_TOPIC_TYPE: entry({
    message: "{path}: topic {topic} holds no {wanted} that can be read",
    cause: "a topic of another type, such as depth where colour is wanted",
    remedy: "name another topic",
  }),
  BAG_NOTHING_PAIRED: entry({
    message: "{path}: no colour and depth frames within {tolerance} s of each other",
    cause: "colour and depth stamped by clocks that differ",
    remedy: "raise --tolerance, or check the clocks of both streams",
  }),
  BAG_NO_FRAME_AT: entry({
    message: "{path}: no frame at {at} s; the bag lasts {duration} s",
    cause: "a time counted from another start: --at counts from the first message",
    remedy: "choose a time within the bag",
    level: "warn",
  }),
} as const satisfies Record<string, CatalogueEntry>;
