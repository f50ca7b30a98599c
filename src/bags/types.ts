import type { FrameId, RgbdFrame, Stamp } from "../geometry/index.js";

/** How a topic's messages are described in the bag. */
export interface MessageDefinitionText {
  readonly encoding: "ros2msg" | "ros2idl";
  readonly text: string;
}

export interface TopicInfo {
  readonly name: string;
  /** Full ROS 2 name, e.g. `sensor_msgs/msg/Image`. */
  readonly type: string;
  /** Number of messages; undefined when only reading them all would tell (damaged or unindexed files). */
  readonly count: number | undefined;
  /** Absent in sqlite3 bags of before ROS 2 Jazzy; the built-in definitions are used then. */
  readonly definition?: MessageDefinitionText;
  /** How messages are serialised; only `cdr` is decoded. */
  readonly serialization: string;
  /** Quality of service of its publishers, as YAML or JSON; rosbag2 needs it to play transient-local topics. */
  readonly qos?: string;
}

export interface BagMessage {
  readonly topic: string;
  readonly type: string;
  /** When it was recorded. */
  readonly logTime: Stamp;
  /** When it was sent; the log time where the storage does not keep it. */
  readonly publishTime: Stamp;
  /** Serialised (CDR). Not shared with later messages, so it stays valid (but see `borrow`). */
  readonly data: Uint8Array;
}

export interface MessageQuery {
  /** All topics when absent. */
  readonly topics?: readonly string[];
  /** First log time, inclusive. */
  readonly from?: Stamp;
  /** Last log time, inclusive. */
  readonly to?: Stamp;
  /** The data of a message is valid until the next one is asked for. Twice as fast, because memory is used again. */
  readonly borrow?: boolean;
  /** Whether the checksums in the recording are checked. Default true. */
  readonly checksums?: boolean;
}

/** A recording, whatever it is stored as. Memory stays bounded however long it is. */
export interface BagReader {
  readonly path: string;
  readonly storage: "mcap" | "sqlite3";
  /** Log times of the first and the last message; undefined when the bag is empty or only reading would tell. */
  readonly startTime: Stamp | undefined;
  readonly endTime: Stamp | undefined;
  readonly topics: readonly TopicInfo[];
  /** Each message is a zstd frame of its own, by what the file itself shows; whoever opened it decompresses them. */
  readonly messageCompression?: boolean;
  /** What is wrong with the bag and what was lost, in words; grows while reading. Empty when all is well. */
  readonly damage: readonly string[];
  /**
   * Messages in the order of their log time (of a damaged MCAP file: in the order of the file). Damage ends
   * the reading or skips the bad part and is noted in `damage`; it does not throw.
   */
  messages(query?: MessageQuery): AsyncIterableIterator<BagMessage>;
  /** The decoded message. @throws GraspGroundingError MESSAGE_MALFORMED when it cannot be decoded as its type. */
  decode<T>(message: BagMessage): T;
  close(): Promise<void>;
}

/** A frame of a bag whose images are decoded when asked for, so that a dropped frame costs nothing. */
export interface FrameHandle {
  /** Header stamp of the colour image. */
  readonly stamp: Stamp;
  /** When the colour image was recorded. */
  readonly logTime: Stamp;
  readonly frameId: FrameId;
  /** Position among the frames of this reading, from 0. */
  readonly index: number;
  /** Position of its colour image in the time range, undecodable ones counted: the same for every cut of the range. */
  readonly ordinal: number;
  readonly colourTopic: string;
  readonly depthTopic?: string;
  /**
   * Decodes colour, depth and camera; each call decodes anew.
   * @throws GraspGroundingError IMAGE_*, DEPTH_*, CAMERA_INVALID, CAMERA_SIZE
   */
  load(): Promise<RgbdFrame>;
}

/** Which topics make the frames. */
export interface FrameTopics {
  readonly colour: string;
  readonly depth?: string;
  readonly cameraInfo?: string;
  /** The depth camera's own camera info, where one was recorded. */
  readonly depthInfo?: string;
}

export interface FrameOptions {
  /** Overrides of what is guessed; `depth: false` reads colour only. */
  readonly colour?: string;
  readonly depth?: string | false;
  readonly cameraInfo?: string;
  readonly depthInfo?: string;
  /**
   * Whether depth is aligned to colour. Default: what frame ids and camera infos say; depth that is not aligned is
   * registered through TF.
   */
  readonly depthRegistered?: boolean;
  /** Whether images are rectified. Default: by the topic's name (`image_rect`), else not. */
  readonly rectified?: boolean;
  /** Largest difference between the header stamps of a pair, in seconds. Default 0.02. */
  readonly tolerance?: number;
  /** Log times, inclusive. */
  readonly from?: Stamp;
  readonly to?: Stamp;
  /** The range is a part of one that is read elsewhere too: nothing paired within it is no failure. */
  readonly part?: boolean;
  /**
   * Further topics whose messages are handed to `onMessage` in order, as the bag is read (queries, TF, joint states).
   */
  readonly also?: readonly string[];
  readonly onMessage?: (message: BagMessage) => void;
}

/** What became of the images; grows while frames are read. */
export interface FrameCounts {
  colour: number;
  depth: number;
  cameraInfo: number;
  /** Frames handed out. */
  frames: number;
  /** Frames handed out without depth although there is a depth topic. */
  withoutDepth: number;
  /** Depth images no colour image was near enough to. */
  unpairedDepth: number;
  /** Images whose message could not be decoded. */
  undecodable: number;
}

/** The frames of a bag, in order. */
export interface FrameSource extends AsyncIterable<FrameHandle> {
  readonly topics: FrameTopics;
  /** Image topics that were passed over because none of their messages can be decoded, and why, in words. */
  readonly unreadable: readonly string[];
  /** How the recording is read where it leaves something open, in words; grows while frames are loaded. No damage. */
  readonly notes: readonly string[];
  readonly counts: Readonly<FrameCounts>;
}
