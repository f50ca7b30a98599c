import { type CatalogueEntry, entry } from "../entry.js";

/** Errors of recorded bags. */
export const bagErrors = {
  BAG_MISSING: entry({
    message: "{path}: no such bag",
    cause: "a wrong path",
    remedy: "give an .mcap or .db3 file, a rosbag2 folder, or the http(s) address of one",
    httpStatus: 404,
  }),
  BAG_FORMAT: entry({
    message: "{path}: not a rosbag2 recording ({detail})",
    cause: "a ROS 1 bag, a folder without metadata.yaml, or a file of another kind",
    remedy: "give an .mcap or .db3 file, or a rosbag2 folder with metadata.yaml",
  }),
  BAG_UNREACHABLE: entry({
    message: "{path}: cannot be fetched ({detail})",
    cause: "a server that is down or refuses the request, or a presigned link that has expired",
    remedy: "check the address and the network, ask for a new link, then go on with --resume",
    httpStatus: 502,
  }),
  BAG_DAMAGED: entry({
    message: "{path}: damaged ({detail})",
    cause: "a recording cut off by a power loss or a full disk, or a damaged copy",
    remedy: "the readable part was used; record again if you need the rest",
    exitCode: 3,
    level: "warn",
  }),
  BAG_EMPTY: entry({
    message: "{path}: holds no messages",
    cause: "the recorder ended before a message came, often because of incompatible QoS",
    remedy: "record again",
  }),
  BAG_NO_IMAGE: entry({
    message: "{path}: no image topic found; topics are {topics}",
    cause: "images were not recorded, or their type is not supported",
    remedy: "name one with --colour TOPIC",
  }),
  BAG_IMAGES_UNREADABLE: entry({
    message: "{path}: no image can be read: {detail}",
    cause: "images in an encoding, a type or a compression that is not read",
    remedy: "record them as sensor_msgs/Image or CompressedImage in an encoding of docs/replay.md",
    httpStatus: 422,
  }),
  BAG_IMAGES_LOST: entry({
    message: "{path}: nothing of its images can be read, because it is damaged ({detail})",
    cause: "a recording that was cut off or changed, or chunks in a compression that is not known",
    remedy: "copy it again from the robot, or try `mcap recover`",
    httpStatus: 422,
  }),
  BAG_TOPIC: entry({
    message: "{path}: no topic {topic}; topics are {topics}",
    cause: "a misspelt topic, or one that was not recorded",
    remedy: "name one of the listed topics",
  }),
  BAG_TOPIC_TYPE: entry({
    message: "{path}: topic {topic} holds no readable {wanted}",
    cause: "a topic of another type, such as depth in place of colour",
    remedy: "name another topic",
  }),
  BAG_NOTHING_PAIRED: entry({
    message: "{path}: no colour and depth frames within {tolerance} s of each other",
    cause: "colour and depth have stamps of different clocks",
    remedy: "raise --tolerance, or check the clocks of both streams",
  }),
  BAG_NO_FRAME_AT: entry({
    message: "{path}: no frame at {at} s; the bag lasts {duration} s",
    cause: "a time counted from another start: --at counts from the first message",
    remedy: "choose a time within the bag",
    level: "warn",
  }),
  BAG_NO_QUERY: entry({
    message: "{path}: there is no query: no --query, and no recorded queries",
    cause: "a bag without a `…/query` topic",
    remedy: 'say what to find, e.g. --query "the red mug", or name the topic with --query-topic',
    exitCode: 2,
    httpStatus: 400,
  }),
  SHARDS_INCOMPLETE: entry({
    message: "{path}: cannot be merged ({detail})",
    cause: "a shard that failed or has not ended yet, or results of different runs",
    remedy: "run the missing shards again, then merge",
  }),
  RESUME_MISMATCH: entry({
    message: "{path}: cannot be resumed ({detail})",
    cause: "results of another bag, other queries or another model under the same name",
    remedy: "repeat the original command, or omit --resume to start again",
    exitCode: 2,
    httpStatus: 400,
  }),
} as const satisfies Record<string, CatalogueEntry>;
