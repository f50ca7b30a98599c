import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import zlib from "node:zlib";
import zstd from "@foxglove/wasm-zstd";
import { McapWriter } from "@mcap/core";
import { FileHandleWritable } from "@mcap/nodejs";
import { describe, GraspGroundingError } from "../errors/index.js";
import type { FrameId, Mask, Pose, Stamp } from "../geometry/index.js";
import {
  builtinDefinition,
  detectionsMessage,
  encodeMessage,
  headerOf,
  type ImageAnnotationsMessage,
  type LabelledBox,
  type MarkerArrayMessage,
  maskMessage,
  poseArrayMessage,
  timeOf,
} from "../messages/index.js";
import type { BagMessage, MessageDefinitionText, TopicInfo } from "./types.js";

/** When and of which image a result is: its stamp and frame, and when it is to be played back. */
export interface ResultTime {
  readonly stamp: Stamp;
  readonly frameId: FrameId;
  /** Default: the stamp. */
  readonly logTime?: Stamp;
  /** A further name between the prefix and the topic: one camera of several. */
  readonly under?: string;
}

export interface ResultWriterOptions {
  /** Topics are named below this. Default `/grasp_grounding`. */
  readonly prefix?: string;
}

/** What a result bag is called until it is whole; one that a killed run left can be read as far as it is good. */
export const partOf = (target: string): string =>
  path.join(path.dirname(target), `.${path.basename(target)}.part`);

/** Chunks of this size seek well and compress well. */
const chunkSize = 1024 * 1024;

/**
 * Writes results as MCAP (zstd chunks, indexed) that Foxglove and `ros2 bag play` show. The file gets its name only
 * when it is closed: what is there under that name is always whole. Calls may overlap; they are written in order.
 */
export class ResultWriter {
  readonly path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #writer: McapWriter;
  readonly #prefix: string;
  readonly #channels = new Map<string, number>();
  readonly #schemas = new Map<string, number>();
  #sequence = 0;
  #queue: Promise<void> = Promise.resolve();
  #state: "open" | "closed" = "open";

  private constructor(target: string, temporary: string, handle: FileHandle, options: ResultWriterOptions) {
    this.path = target;
    this.#temporary = temporary;
    this.#handle = handle;
    this.#prefix = options.prefix ?? "/grasp_grounding";
    this.#writer = new McapWriter({
      writable: new FileHandleWritable(handle),
      chunkSize,
      compressChunk: (data) => ({ compression: "zstd", compressedData: compress(data) }),
    });
  }

  /** @throws GraspGroundingError OUTPUT_UNWRITABLE */
  static async create(target: string, options: ResultWriterOptions = {}): Promise<ResultWriter> {
    // Renaming the finished file onto a device or a pipe would put a file in its place.
    const there = await stat(target).catch(() => undefined);
    if (there !== undefined && !there.isFile()) throw unwritable(target, new Error("not a regular file"));
    const temporary = partOf(target);
    try {
      await zstd.isLoaded;
      const writer = new ResultWriter(target, temporary, await open(temporary, "w"), options);
      await writer.#writer.start({ profile: "ros2", library: "grasp-grounding" });
      return writer;
    } catch (error) {
      throw unwritable(target, error);
    }
  }

  /** vision_msgs/Detection2DArray on `<prefix>/detections`. */
  async detections(time: ResultTime, found: readonly LabelledBox[]): Promise<void> {
    const header = headerOf(time.stamp, time.frameId);
    await this.#result(
      "detections",
      "vision_msgs/msg/Detection2DArray",
      time,
      detectionsMessage(header, found),
    );
  }

  /** foxglove_msgs/ImageAnnotations on `<prefix>/annotations`: boxes and labels over the original image. */
  async annotations(time: ResultTime, message: ImageAnnotationsMessage): Promise<void> {
    await this.#result("annotations", "foxglove_msgs/msg/ImageAnnotations", time, message);
  }

  /** sensor_msgs/Image mono8 (255 inside) on `<prefix>/mask`. */
  async mask(time: ResultTime, mask: Mask): Promise<void> {
    await this.#result(
      "mask",
      "sensor_msgs/msg/Image",
      time,
      maskMessage(headerOf(time.stamp, time.frameId), mask),
    );
  }

  /** geometry_msgs/PoseArray on `<prefix>/grasps`, best first. */
  async grasps(time: ResultTime, poses: readonly Pose[]): Promise<void> {
    const message = poseArrayMessage(headerOf(time.stamp, time.frameId), poses);
    await this.#result("grasps", "geometry_msgs/msg/PoseArray", time, message);
  }

  /** visualization_msgs/MarkerArray on `<prefix>/markers`. */
  async markers(time: ResultTime, message: MarkerArrayMessage): Promise<void> {
    await this.#result("markers", "visualization_msgs/msg/MarkerArray", time, message);
  }

  /** sensor_msgs/CompressedImage on `<prefix>/overlay/compressed`; `image` is a whole JPEG or PNG file. */
  async overlay(time: ResultTime, image: Uint8Array, format: "jpeg" | "png"): Promise<void> {
    const message = { header: { stamp: timeOf(time.stamp), frame_id: time.frameId }, format, data: image };
    await this.#result("overlay/compressed", "sensor_msgs/msg/CompressedImage", time, message);
  }

  /** A message of another bag, as it is. */
  async copy(message: BagMessage, topic: TopicInfo): Promise<void> {
    const definition = topic.definition ?? builtin(topic.type);
    await this.#enqueue(async () => {
      const encoding = topic.serialization || "cdr";
      const channelId = await this.#channel(topic.name, topic.type, definition, encoding, topic.qos);
      const { logTime, publishTime, data } = message;
      await this.#writer.addMessage({ channelId, sequence: this.#sequence++, logTime, publishTime, data });
    });
  }

  /** Any message of a type known here, on a topic below the prefix (or anywhere, with a leading slash). */
  async message(topic: string, type: string, time: ResultTime, message: unknown): Promise<void> {
    await this.#result(topic, type, time, message);
  }

  /**
   * Finishes the file and gives it its name. Does nothing the second time. @throws GraspGroundingError
   * OUTPUT_UNWRITABLE
   */
  async close(): Promise<void> {
    if (this.#state === "closed") return await this.#queue.catch(() => undefined);
    this.#state = "closed";
    this.#queue = this.#queue.then(async () => {
      await this.#writer.end();
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#temporary, this.path);
    });
    try {
      await this.#queue;
    } catch (error) {
      await this.#remove();
      throw unwritable(this.path, error);
    }
  }

  /** Leaves nothing behind. */
  async abort(): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "closed";
    await this.#queue.catch(() => undefined);
    await this.#remove();
  }

  async #remove(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temporary, { force: true });
  }

  async #result(topic: string, type: string, time: ResultTime, message: unknown): Promise<void> {
    const data = encodeMessage(type, message);
    const under = time.under === undefined ? "" : `/${time.under}`;
    const name = topic.startsWith("/") ? topic : `${this.#prefix}${under}/${topic}`;
    const logTime = time.logTime ?? time.stamp;
    await this.#enqueue(async () => {
      const channelId = await this.#channel(name, type, builtin(type), "cdr");
      const sequence = this.#sequence++;
      await this.#writer.addMessage({ channelId, sequence, logTime, publishTime: logTime, data });
    });
  }

  async #enqueue(write: () => Promise<void>): Promise<void> {
    if (this.#state === "closed")
      throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path: this.path, detail: "it is closed already" });
    this.#queue = this.#queue.then(write);
    try {
      await this.#queue;
    } catch (error) {
      throw unwritable(this.path, error);
    }
  }

  async #channel(
    topic: string,
    type: string,
    definition: MessageDefinitionText | undefined,
    messageEncoding: string,
    qos = "",
  ): Promise<number> {
    const key = `${topic}\n${type}`;
    const known = this.#channels.get(key);
    if (known !== undefined) return known;
    const schemaKey = `${type}\n${definition?.text ?? ""}`;
    let schemaId = this.#schemas.get(schemaKey);
    if (schemaId === undefined) {
      const data = Buffer.from(definition?.text ?? "");
      const encoding = definition?.encoding ?? "ros2msg";
      schemaId = await this.#writer.registerSchema({ name: type, encoding, data });
      this.#schemas.set(schemaKey, schemaId);
    }
    const metadata = new Map([["offered_qos_profiles", qos]]);
    const id = await this.#writer.registerChannel({ schemaId, topic, messageEncoding, metadata });
    this.#channels.set(key, id);
    return id;
  }
}

function builtin(type: string): MessageDefinitionText | undefined {
  const text = builtinDefinition(type);
  return text === undefined ? undefined : { encoding: "ros2msg", text };
}

type ZstdCompress = (data: Uint8Array) => Uint8Array;
const nativeCompress = (zlib as { zstdCompressSync?: ZstdCompress }).zstdCompressSync;

/** Node 22.15 and later bring zstd. */
const compress = (data: Uint8Array): Uint8Array => nativeCompress?.(data) ?? zstd.compress(data, 1);

const unwritable = (target: string, error: unknown): GraspGroundingError =>
  error instanceof GraspGroundingError
    ? error
    : new GraspGroundingError(
        "OUTPUT_UNWRITABLE",
        { path: target, detail: describe(error) },
        { cause: error },
      );
