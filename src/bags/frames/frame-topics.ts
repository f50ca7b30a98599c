import { describe, GraspGroundingError } from "../../errors/index.js";
import {
  type CameraInfoMessage,
  type CompressedImageMessage,
  colourEncodings,
  depthEncodings,
  type ImageMessage,
  isCompressedDepth,
} from "../../messages/index.js";
import type { BagReader, FrameOptions, FrameTopics, TopicInfo } from "../types.js";

const imageType = "sensor_msgs/msg/Image";
const compressedType = "sensor_msgs/msg/CompressedImage";
const infoType = "sensor_msgs/msg/CameraInfo";

/** An image topic as its first message shows it. */
interface Seen {
  readonly name: string;
  readonly depth: boolean;
  readonly frameId: string;
  /** Undefined for compressed images: their size is only known decoded. */
  readonly size: string | undefined;
  /** How likely its name and encoding make it the main image. */
  readonly likely: number;
}

export interface ChosenTopics {
  readonly topics: FrameTopics;
  /** Image topics of which not one message can be decoded, in words: damage. */
  readonly unreadable: readonly string[];
  /** Image topics passed over for their encoding, in words: no damage. */
  readonly notes: readonly string[];
}

/**
 * Which topics make the frames: those named in the options, else guessed from type, encoding, name and frame id. Depth
 * of the colour camera's frame and size ("aligned") is preferred, raw images to compressed ones. Topics whose messages
 * or encoding cannot be decoded are passed over.
 * @throws GraspGroundingError BAG_NO_IMAGE, BAG_IMAGES_UNREADABLE, BAG_IMAGES_LOST, BAG_TOPIC, BAG_TOPIC_TYPE,
 * DEPTH_WITHOUT_CAMERA
 */
export async function chooseTopics(bag: BagReader, options: FrameOptions): Promise<ChosenTopics> {
  for (const name of [options.colour, options.depth, options.cameraInfo, options.depthInfo])
    if (typeof name === "string") requireTopic(bag, name);
  const { seen, unreadable, notes } = await lookAtImages(bag, options);
  const colour =
    seen.find(({ name }) => name === options.colour) ??
    (options.colour === undefined
      ? best(
          seen.filter(({ depth }) => !depth),
          ({ likely }) => likely,
        )
      : undefined);
  const reasons = [...unreadable, ...notes];
  if (colour === undefined) throw noColour(bag, options.colour, reasons);
  const foreign = (image: Seen) => options.depth === undefined && isOfAnother(image, colour, seen);
  const depth = chooseDepth(
    seen.filter((image) => !foreign(image)),
    colour,
    options.depth,
  );
  if (depth === undefined)
    for (const { name } of seen.filter((image) => image.depth && foreign(image)))
      notes.push(`${name} is skipped: it is the depth of another camera than ${colour.name}`);
  if (depth === undefined && typeof options.depth === "string")
    throw wrongTopic(bag, options.depth, "depth images", reasons);
  const cameraInfo = options.cameraInfo ?? (await chooseInfo(bag, colour, depth));
  if (depth !== undefined && cameraInfo === undefined) throw new GraspGroundingError("DEPTH_WITHOUT_CAMERA");
  const depthInfo = depth && (options.depthInfo ?? (await chooseDepthInfo(bag, depth)));
  const topics = {
    colour: colour.name,
    ...(depth === undefined ? {} : { depth: depth.name }),
    ...(cameraInfo === undefined ? {} : { cameraInfo }),
    ...(depthInfo === undefined ? {} : { depthInfo }),
  };
  return { topics, unreadable, notes };
}

/** The real reason why there is no colour: none was recorded, or none can be read. */
function noColour(
  bag: BagReader,
  named: string | undefined,
  reasons: readonly string[],
): GraspGroundingError {
  if (named !== undefined) return wrongTopic(bag, named, "images", reasons);
  const [first] = reasons;
  if (first === undefined && bag.damage.length > 0)
    return new GraspGroundingError("BAG_IMAGES_LOST", { path: bag.path, detail: bag.damage.join("; ") });
  return first === undefined
    ? new GraspGroundingError("BAG_NO_IMAGE", { path: bag.path, topics: listTopics(bag) })
    : new GraspGroundingError("BAG_IMAGES_UNREADABLE", { path: bag.path, detail: first });
}

function wrongTopic(
  bag: BagReader,
  topic: string,
  wanted: string,
  reasons: readonly string[],
): GraspGroundingError {
  const detail = reasons.find((text) => text.startsWith(`${topic} `));
  return detail === undefined
    ? new GraspGroundingError("BAG_TOPIC_TYPE", { path: bag.path, topic, wanted })
    : new GraspGroundingError("BAG_IMAGES_UNREADABLE", { path: bag.path, detail });
}

/**
 * Every camera of the bag, or those named: by a part of their colour topic's name such as `/wrist`. One entry a camera,
 * in the order of their colour topics; raw images are preferred to the same compressed ones, and depth is only taken
 * from the camera's own frame or name.
 * @throws GraspGroundingError BAG_NO_IMAGE, BAG_IMAGES_LOST; BAG_TOPIC for a name no colour topic has
 */
export async function findCameras(
  bag: BagReader,
  names?: readonly string[],
): Promise<readonly FrameTopics[]> {
  const { seen, unreadable, notes } = await lookAtImages(bag);
  const colours = seen.filter(({ depth, likely }) => !depth && likely > -5);
  if (colours.length === 0) throw noColour(bag, undefined, [...unreadable, ...notes]);
  const cameras = new Map<string, Seen>();
  for (const one of colours) {
    const key = cameraOf(one.name);
    const before = cameras.get(key);
    if (before === undefined || one.likely > before.likely) cameras.set(key, one);
  }
  const missing = names?.find((name) => !colours.some((one) => one.name.includes(name)));
  if (missing !== undefined)
    throw new GraspGroundingError("BAG_TOPIC", { path: bag.path, topic: missing, topics: listTopics(bag) });
  const wanted = [...cameras.values()].filter(
    ({ name }) => names === undefined || names.some((part) => name.includes(part)),
  );
  const found: FrameTopics[] = [];
  for (const colour of wanted.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const own = seen.filter(
      ({ name, frameId }) =>
        (frameId === colour.frameId && frameId !== "") || cameraOf(name) === cameraOf(colour.name),
    );
    const depth = chooseDepth(own, colour, undefined);
    const cameraInfo = await chooseInfo(bag, colour, depth);
    const depthInfo = depth && (await chooseDepthInfo(bag, depth));
    found.push({
      colour: colour.name,
      ...(depth !== undefined && cameraInfo !== undefined && { depth: depth.name }),
      ...(cameraInfo !== undefined && { cameraInfo }),
      ...(depthInfo !== undefined && { depthInfo }),
    });
  }
  return found;
}

/** Whether depth is of another camera of the recording: of a colour image in its frame or namespace. */
function isOfAnother(image: Seen, colour: Seen, seen: readonly Seen[]): boolean {
  const together = (one: Seen) =>
    (one.frameId === image.frameId && one.frameId !== "") || cameraOf(one.name) === cameraOf(image.name);
  return image.depth && !together(colour) && seen.some((one) => !one.depth && together(one));
}

/** `/wrist/color/image_raw/compressed` and `/wrist/aligned_depth_to_color/image_raw` are of camera `/wrist`. */
const cameraOf = (topic: string): string =>
  topic
    .replace(/\/(compressed(Depth)?|theora|ffmpeg)$/, "")
    .replace(/\/image(_\w+)?$/, "")
    .replace(/\/(aligned_depth_to_colou?r|depth_registered|depth|colou?r|rgb)$/, "");

/** @throws GraspGroundingError BAG_TOPIC */
export function requireTopic(bag: BagReader, name: string): TopicInfo {
  const topic = bag.topics.find((one) => one.name === name);
  if (topic === undefined)
    throw new GraspGroundingError("BAG_TOPIC", { path: bag.path, topic: name, topics: listTopics(bag) });
  return topic;
}

const listTopics = (bag: BagReader): string =>
  bag.topics.map(({ name, type }) => `${name} (${type})`).join(", ") || "none";

function chooseDepth(
  seen: readonly Seen[],
  colour: Seen,
  wanted: string | false | undefined,
): Seen | undefined {
  if (wanted === false) return undefined;
  if (wanted !== undefined) return seen.find(({ name }) => name === wanted);
  return best(
    seen.filter(({ depth }) => depth),
    ({ name, frameId, size, likely }) =>
      likely +
      (frameId === colour.frameId ? 8 : 0) +
      (size !== undefined && size === colour.size ? 6 : 0) +
      (/aligned|registered/.test(name) ? 8 : 0),
  );
}

async function chooseInfo(
  bag: BagReader,
  colour: Seen,
  depth: Seen | undefined,
): Promise<string | undefined> {
  const infos = bag.topics.filter(({ type, count }) => type === infoType && count !== 0);
  const scored: { name: string; score: number }[] = [];
  for (const { name } of infos) {
    const info = await first<CameraInfoMessage>(bag, name);
    if (info === undefined) continue;
    const size = `${info.width}×${info.height}`;
    const near = parent(name) === parent(colour.name) || parent(name) === parent(parent(colour.name));
    const nearDepth = depth !== undefined && parent(name) === parent(depth.name);
    const score =
      (near ? 8 : 0) +
      (nearDepth ? 2 : 0) +
      (info.header.frame_id === colour.frameId ? 6 : 0) +
      (colour.size === size ? 4 : 0);
    scored.push({ name, score });
  }
  return best(scored, ({ score }) => score)?.name;
}

/** The depth camera's own info: of the same namespace, or of the same frame; undefined when none is. */
async function chooseDepthInfo(bag: BagReader, depth: Seen): Promise<string | undefined> {
  const scored: { name: string; score: number }[] = [];
  for (const { name, type, count } of bag.topics) {
    if (type !== infoType || count === 0) continue;
    const info = await first<CameraInfoMessage>(bag, name);
    if (info === undefined) continue;
    const score =
      (parent(name) === parent(withoutTransport(depth.name)) ? 8 : 0) +
      (info.header.frame_id === depth.frameId && depth.frameId !== "" ? 6 : 0);
    if (score > 0)
      scored.push({ name, score: score + (depth.size === `${info.width}×${info.height}` ? 1 : 0) });
  }
  return best(scored, ({ score }) => score)?.name;
}

const withoutTransport = (topic: string): string =>
  topic.replace(/\/(compressed(Depth)?|theora|ffmpeg|zstd)$/, "");

const parent = (topic: string): string => topic.slice(0, Math.max(0, topic.lastIndexOf("/")));

function best<T>(items: readonly T[], score: (item: T) => number): T | undefined {
  let top: T | undefined;
  for (const item of items) if (top === undefined || score(item) > score(top)) top = item;
  return top;
}

interface Images {
  readonly seen: readonly Seen[];
  readonly unreadable: readonly string[];
  readonly notes: string[];
}

/** @param named topics of the user: they are not passed over for their encoding, because reading names the fault. */
async function lookAtImages(bag: BagReader, named: FrameOptions = {}): Promise<Images> {
  const seen: Seen[] = [];
  const unreadable: string[] = [];
  const notes: string[] = [];
  for (const { name, type, count } of bag.topics) {
    if (count === 0 || (type !== imageType && type !== compressedType)) continue;
    if (type === imageType) {
      const image = await first<ImageMessage>(bag, name, unreadable);
      if (image === undefined) continue;
      const { encoding, width, height, header } = image;
      const known = colourEncodings.includes(encoding) || depthEncodings.includes(encoding);
      if (!known && name !== named.colour && name !== named.depth) {
        notes.push(`${name} is skipped: its encoding ${encoding || "(empty)"} is not read`);
        continue;
      }
      const depth =
        name === named.depth ||
        (encoding === "mono16" ? /depth/.test(name) : depthEncodings.includes(encoding));
      const likely = likeliness(name) + (/^(mono|8UC1)/.test(encoding) ? -3 : 0) + 1;
      seen.push({ name, depth, frameId: header.frame_id, size: `${width}×${height}`, likely });
    } else {
      const image = await first<CompressedImageMessage>(bag, name, unreadable);
      if (image === undefined) continue;
      const depth = name === named.depth || isCompressedDepth(image.format) || /compressedDepth$/.test(name);
      if (!depth && name !== named.colour && !isImageFile(image.data)) {
        notes.push(`${name} is skipped: its format ${image.format || "(empty)"} is not read`);
        continue;
      }
      seen.push({ name, depth, frameId: image.header.frame_id, size: undefined, likely: likeliness(name) });
    }
  }
  return { seen, unreadable, notes };
}

/** Whether bytes begin as a JPEG, PNG, WebP or TIFF file does. */
function isImageFile(data: Uint8Array): boolean {
  const head = Buffer.from(data.subarray(0, 12)).toString("latin1");
  return /^(\xff\xd8|\x89PNG|RIFF[\s\S]{4}WEBP|II\*\0|MM\0\*)/.test(head);
}

/** Results of an earlier run and infrared images are taken last. */
function likeliness(name: string): number {
  let score = 0;
  if (/colou?r|rgb/.test(name)) score += 4;
  if (/\/image(_raw|_rect|_rect_color)?(\/|$)/.test(name)) score += 1;
  if (/(^|[/_])(ir|infra\w*)([/_\d]|$)/.test(name)) score -= 6;
  if (/mask|overlay|debug|heatmap/.test(name)) score -= 20;
  return score;
}

/** So many messages that cannot be decoded say enough of a topic. */
const enough = 100;

async function first<T>(bag: BagReader, topic: string, unreadable?: string[]): Promise<T | undefined> {
  let why: string | undefined;
  let tried = 0;
  for await (const message of bag.messages({ topics: [topic], borrow: true })) {
    try {
      return bag.decode<T>(message);
    } catch (error) {
      // A damaged message says nothing; the next one may.
      why ??= describe(error);
      if (++tried >= enough) break;
    }
  }
  if (why !== undefined) unreadable?.push(`${topic} cannot be used: ${why}`);
  return undefined;
}
