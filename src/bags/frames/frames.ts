import { asCatalogued, GraspGroundingError } from "../../errors/index.js";
import type { CameraModel, ColourImage, DepthImage, Pixels, RgbdFrame, Stamp } from "../../geometry/index.js";
import {
  type CameraInfoMessage,
  type CompressedImageMessage,
  cameraForImage,
  cameraFromInfo,
  colourFromCompressed,
  colourFromImage,
  depthFromCompressed,
  depthFromImage,
  type Header,
  type ImageMessage,
  rectifiedByName,
  stampOf,
} from "../../messages/index.js";
import { lastBefore } from "../last-before.js";
import type {
  BagMessage,
  BagReader,
  FrameCounts,
  FrameHandle,
  FrameOptions,
  FrameSource,
  FrameTopics,
} from "../types.js";
import { DepthAlignment } from "./alignment.js";
import { chooseTopics, requireTopic } from "./frame-topics.js";
import { type Pair, Pairing } from "./pairing.js";

const defaultTolerance = 0.02;

/** A colour image's partner may have been recorded this much earlier or later, in nanoseconds. */
const slack = 1_000_000_000n;

/** So many colour images without a partner, and none with one, are held before the search ends. */
const maxUnpaired = 30;

/**
 * The frames of a bag: colour, depth and camera info paired by their header stamps.
 * @throws GraspGroundingError BAG_NO_IMAGE, BAG_TOPIC, BAG_TOPIC_TYPE, DEPTH_WITHOUT_CAMERA; while iterating also
 * BAG_NOTHING_PAIRED, and MESSAGE_MALFORMED when not one image could be decoded.
 */
export async function rgbdFrames(bag: BagReader, options: FrameOptions = {}): Promise<FrameSource> {
  for (const name of options.also ?? []) requireTopic(bag, name);
  const { topics, unreadable, notes } = await chooseTopics(bag, options);
  return new BagFrames(bag, { topics, unreadable, notes }, options);
}

interface Image {
  readonly stamp: Stamp;
  readonly message: BagMessage;
  readonly header: Header;
  readonly content: ImageMessage | CompressedImageMessage;
  readonly info: CameraInfoMessage | undefined;
}

interface NumberedImage extends Image {
  /** Undefined for an image next to the range: it is read so that pairs at the range's ends stay the same. */
  readonly ordinal: number | undefined;
}

class BagFrames implements FrameSource {
  readonly topics: FrameTopics;
  readonly unreadable: readonly string[];
  readonly notes: string[];
  readonly counts: FrameCounts = {
    colour: 0,
    depth: 0,
    cameraInfo: 0,
    frames: 0,
    withoutDepth: 0,
    unpairedDepth: 0,
    undecodable: 0,
  };
  readonly #bag: BagReader;
  readonly #options: FrameOptions;
  readonly #alignment: DepthAlignment;

  constructor(bag: BagReader, chosen: Awaited<ReturnType<typeof chooseTopics>>, options: FrameOptions) {
    this.#bag = bag;
    this.topics = chosen.topics;
    this.unreadable = chosen.unreadable;
    this.notes = [...chosen.notes];
    this.#options = options;
    this.#alignment = new DepthAlignment(bag, options.depthRegistered, (text) => this.#note(text));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FrameHandle, void, void> {
    const held: FrameHandle[] = [];
    let paired = false;
    const { part = false } = this.#options;
    for await (const pair of this.#pairs()) {
      if (pair.colour.ordinal === undefined) continue;
      const handle = this.#handle(pair, pair.colour.ordinal);
      paired ||= part || pair.depth !== undefined || this.topics.depth === undefined;
      if (paired) {
        yield* held.splice(0);
        yield handle;
      } else if (held.push(handle) >= maxUnpaired && this.counts.depth >= maxUnpaired) {
        throw this.#nothingPaired();
      }
    }
    if (!paired && held.length > 0 && this.counts.depth > 0) throw this.#nothingPaired();
    yield* held;
  }

  #nothingPaired(): GraspGroundingError {
    const tolerance = this.#options.tolerance ?? defaultTolerance;
    return new GraspGroundingError("BAG_NOTHING_PAIRED", { path: this.#bag.path, tolerance });
  }

  async *#pairs(): AsyncGenerator<Pair<NumberedImage, Image>, void, void> {
    const { from, to, also = [], onMessage, tolerance = defaultTolerance } = this.#options;
    const { colour, depth, cameraInfo, depthInfo } = this.topics;
    const pairing = new Pairing<NumberedImage, Image>(tolerance);
    const alsoTopics = new Set(also);
    let info = cameraInfo === undefined ? undefined : await this.#infoAt(cameraInfo, from);
    let infoOfDepth =
      depthInfo === undefined || depthInfo === cameraInfo ? info : await this.#infoAt(depthInfo, from);
    let firstError: GraspGroundingError | undefined;
    const query = {
      topics: [
        ...new Set([colour, depth, cameraInfo, depthInfo, ...also].filter((name) => name !== undefined)),
      ],
      ...(from === undefined ? {} : { from: from - slack }),
      ...(to === undefined ? {} : { to: to + slack }),
    };
    const within = ({ logTime }: BagMessage): boolean =>
      (from === undefined || logTime >= from) && (to === undefined || logTime <= to);
    for await (const message of this.#bag.messages(query)) {
      if (alsoTopics.has(message.topic) && within(message)) onMessage?.(message);
      try {
        switch (message.topic) {
          case colour: {
            const ordinal = within(message) ? this.counts.colour++ : undefined;
            if (ordinal === undefined && depth === undefined) break;
            const image = { ...this.#image(message, info), ordinal };
            if (depth === undefined) yield { colour: image, depth: undefined };
            else yield* pairing.addColour(image);
            break;
          }
          case depth:
            if (within(message)) this.counts.depth++;
            yield* pairing.addDepth(this.#image(message, depthInfo === undefined ? undefined : infoOfDepth));
            break;
          case cameraInfo:
            this.counts.cameraInfo++;
            info = this.#bag.decode<CameraInfoMessage>(message);
            if (depthInfo === cameraInfo) infoOfDepth = info;
            break;
          case depthInfo:
            infoOfDepth = this.#bag.decode<CameraInfoMessage>(message);
            break;
        }
      } catch (error) {
        firstError ??= asCatalogued(error);
        if (firstError.code === "INTERNAL") throw error;
        this.counts.undecodable++;
      }
      this.counts.unpairedDepth = pairing.unusedDepths;
    }
    yield* pairing.finish();
    this.counts.unpairedDepth = pairing.unusedDepths;
    if (this.counts.frames === 0 && firstError !== undefined) throw firstError;
  }

  /** The calibration is often recorded once, and not necessarily before the first image. */
  async #infoAt(topic: string, from: Stamp | undefined): Promise<CameraInfoMessage | undefined> {
    const before = from === undefined ? undefined : await lastBefore(this.#bag, [topic], from - slack);
    if (before !== undefined) return this.#bag.decode<CameraInfoMessage>(before);
    for await (const message of this.#bag.messages({ topics: [topic] }))
      return this.#bag.decode<CameraInfoMessage>(message);
    return undefined;
  }

  #image(message: BagMessage, info: CameraInfoMessage | undefined): Image {
    const content = this.#bag.decode<ImageMessage | CompressedImageMessage>(message);
    return { stamp: stampOf(content.header.stamp), message, header: content.header, content, info };
  }

  #handle({ colour, depth }: Pair<NumberedImage, Image>, ordinal: number): FrameHandle {
    const index = this.counts.frames++;
    if (depth === undefined && this.topics.depth !== undefined) this.counts.withoutDepth++;
    return {
      stamp: colour.stamp,
      logTime: colour.message.logTime,
      frameId: colour.header.frame_id,
      index,
      ordinal,
      colourTopic: this.topics.colour,
      ...(depth === undefined ? {} : { depthTopic: depth.message.topic }),
      load: () => this.#load(colour, depth),
    };
  }

  async #load(colour: Image, depth: Image | undefined): Promise<RgbdFrame> {
    const image = await decodeColour(colour.content);
    const camera = this.#camera(colour, image);
    const frameId = colour.header.frame_id;
    const base = { stamp: colour.stamp, frameId, colour: image };
    if (depth === undefined) return camera === undefined ? base : { ...base, camera };
    if (camera === undefined) throw new GraspGroundingError("DEPTH_WITHOUT_CAMERA");
    const decoded = await decodeDepth(depth.content);
    const aligned = await this.#alignment.align({
      depth: decoded,
      depthFrame: depth.header.frame_id,
      depthCamera: depth.info && (() => cameraOf(depth.info!, decoded, rectifiedByName(depth.message.topic))),
      colourFrame: frameId,
      camera,
      stamp: colour.stamp,
    });
    return { ...base, depth: aligned, camera };
  }

  /** @throws GraspGroundingError CAMERA_INVALID, CAMERA_SIZE */
  #camera({ info, message: { topic } }: Image, size: ImageSize): CameraModel | undefined {
    if (info === undefined) return undefined;
    const byName = this.#options.rectified === undefined ? rectifiedByName(topic) : undefined;
    if (byName && Array.from(info.d).some((value) => value !== 0))
      this.#note(`${topic} is taken as rectified, by its name; --no-rectified says otherwise`);
    return cameraOf(info, size, this.#options.rectified ?? byName, (text) =>
      this.#note(`${topic}: camera info does not say whether it is rectified; ${text} (else: --rectified)`),
    );
  }

  #note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }
}

interface ImageSize {
  readonly width: Pixels;
  readonly height: Pixels;
}

const cameraOf = (
  info: CameraInfoMessage,
  size: ImageSize,
  rectified: boolean | undefined,
  onAssumed: (text: string) => void = () => undefined,
): CameraModel => cameraForImage(cameraFromInfo(info, { rectified, onAssumed }), size);

const decodeColour = async (content: ImageMessage | CompressedImageMessage): Promise<ColourImage> =>
  "encoding" in content ? colourFromImage(content) : await colourFromCompressed(content);

const decodeDepth = async (content: ImageMessage | CompressedImageMessage): Promise<DepthImage> =>
  "encoding" in content ? depthFromImage(content) : await depthFromCompressed(content);
