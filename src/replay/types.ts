import type { RgbdFrame } from "../geometry/index.js";
import type { PipelineOptions, PipelineResult } from "../pipeline/index.js";
import type { Shard } from "./shard.js";

/** Types that the parts of a replay share. */

export interface QueryOptions {
  readonly query?: readonly string[];
  /** A file of queries, one a line. */
  readonly queries?: string;
  /** Also answer the recorded queries. */
  readonly recorded?: boolean;
  readonly queryTopic?: string;
  /** Publish the recording and the answers on live ROS topics; queries are then optional. */
  readonly publish?: boolean;
}

export interface SessionOptions extends QueryOptions {
  readonly at?: number;
  readonly from?: number;
  readonly to?: number;
  readonly every?: number;
  readonly colour?: string;
  readonly depth?: string | false;
  readonly cameraInfo?: string;
  readonly depthCameraInfo?: string;
  /** Whether depth is aligned to colour; by frame ids and camera infos when undefined. */
  readonly depthRegistered?: boolean;
  readonly rectified?: boolean;
  /** Parts of colour topics' names, or `all`: several cameras. */
  readonly camera?: readonly string[];
  readonly tolerance?: number;
  readonly copy?: boolean;
  readonly out?: string;
}

export interface OutputOptions {
  /** JSON lines; `-` for stdout. */
  readonly json?: string;
  /** Result bag. */
  readonly out?: string;
  /** Put timings into the JSON, which then differs from run to run. */
  readonly timings?: boolean;
  /** The last frame, drawn. */
  readonly overlay?: string;
  /** Many frames in one image. */
  readonly contactSheet?: string;
  /** A page with tables, images and plots. */
  readonly report?: string;
}

export interface ReplayOptions extends PipelineOptions, OutputOptions, SessionOptions {
  readonly rate?: number;
  readonly resume?: boolean;
  readonly shard?: Shard;
  /** Two models or settings to compare. */
  readonly compare?: readonly string[];
  readonly quiet?: boolean;
}

/** An answered frame and its origin. */
export interface Answered {
  readonly frame: RgbdFrame;
  readonly results: readonly PipelineResult[];
  readonly source: string;
  readonly topic: string;
  /** Log time of the colour image. */
  readonly logTime: bigint;
  /** Seconds from the bag's start. */
  readonly time: number;
  /** Name of the camera where there are several. */
  readonly camera: string | undefined;
}

/** One side's answer. */
export interface Side {
  readonly found: boolean;
  readonly score: number;
  readonly box: readonly number[] | undefined;
}

/** One query on one frame, answered by both. */
export interface Pair {
  readonly source: string;
  readonly topic: string;
  readonly time: number;
  readonly query: string;
  readonly a: Side;
  readonly b: Side;
  /** Intersection over union of both sides' masks; 1 when neither found anything. */
  readonly agreement: number;
}

export interface ComparedSetting {
  readonly name: string;
  readonly latencies: number[];
}
