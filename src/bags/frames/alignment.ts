import { describe, GraspGroundingError } from "../../errors/index.js";
import {
  type CameraModel,
  type DepthImage,
  type FrameId,
  identityPose,
  isIdentity,
  type Pose,
  registerDepth,
  type Stamp,
  seesAlike,
} from "../../geometry/index.js";
import type { TfMessage } from "../../messages/index.js";
import { TfBuffer } from "../../messages/tf-buffer.js";
import type { BagReader } from "../types.js";

/** Depth of one frame and what it is compared with. */
export interface DepthToAlign {
  readonly depth: DepthImage;
  readonly depthFrame: FrameId;
  /** The depth camera, where its camera info was recorded. @throws GraspGroundingError CAMERA_* */
  readonly depthCamera: (() => CameraModel) | undefined;
  readonly colourFrame: FrameId;
  readonly camera: CameraModel;
  readonly stamp: Stamp;
}

/** Transforms that change are looked for so long around a frame. */
const around = 1_500_000_000n;

/**
 * Depth as the colour camera would see it. Depth of another frame, size or camera than colour's is registered by TF and
 * both camera infos, or refused; depth of the same is handed on as it is.
 */
export class DepthAlignment {
  readonly #bag: BagReader;
  readonly #registered: boolean | undefined;
  readonly #note: (text: string) => void;
  #fixed: Promise<TfBuffer> | undefined;

  /**
   * @param registered true: depth is aligned, whatever its frame says; false: it is always registered
   * @param note gets what was assumed
   */
  constructor(bag: BagReader, registered: boolean | undefined, note: (text: string) => void) {
    this.#bag = bag;
    this.#note = note;
    this.#registered = registered;
  }

  /** @throws GraspGroundingError DEPTH_SIZE, DEPTH_UNREGISTERED */
  async align(item: DepthToAlign): Promise<DepthImage> {
    const { depth, camera } = item;
    const own = this.#registered === true ? noInfo : cameraOrWhy(item);
    const difference = this.#registered === true ? undefined : differenceOf(item, own);
    if (difference === undefined && this.#registered !== false) {
      if (depth.width === camera.width && depth.height === camera.height) return depth;
      throw new GraspGroundingError("DEPTH_SIZE", { depth: sizeOf(depth), colour: sizeOf(camera) });
    }
    const said = difference ?? "depth_registered is false";
    const pose = await this.#pose(item);
    const coincide = this.#registered !== false && typeof pose !== "string" && isIdentity(pose);
    if (own === noInfo && coincide && sizeOf(depth) === sizeOf(camera)) {
      this.#note(`depth is used as registered: TF says that ${item.depthFrame} is ${item.colourFrame}`);
      return depth;
    }
    const missing = typeof own === "string" ? own : typeof pose === "string" ? pose : undefined;
    if (missing !== undefined)
      throw new GraspGroundingError("DEPTH_UNREGISTERED", { difference: said, detail: missing });
    const [depthCamera, found] = [own as CameraModel, pose as Pose];
    if (isIdentity(found) && seesAlike(depthCamera, camera)) return depth;
    return registerDepth(depth, depthCamera, found, camera);
  }

  /** The depth frame in the colour frame, or why it is not known. */
  async #pose({ depthFrame, colourFrame, stamp }: DepthToAlign): Promise<Pose | string> {
    if (sameFrame(depthFrame, colourFrame)) return identityPose;
    this.#fixed ??= this.#read("tf_static");
    const fixed = (await this.#fixed).lookup(colourFrame, depthFrame, stamp);
    if (fixed.ok) return fixed.pose;
    const moving = await this.#read("tf", stamp);
    const found = moving.lookup(colourFrame, depthFrame, stamp);
    return found.ok ? found.pose : found.reason;
  }

  /** The fixed transforms, with those that change around a time where one is given. */
  async #read(kind: "tf_static" | "tf", time?: Stamp): Promise<TfBuffer> {
    const buffer = new TfBuffer();
    const names = kind === "tf" ? /(^|\/)tf(_static)?$/ : /(^|\/)tf_static$/;
    const topics = this.#bag.topics
      .filter(({ name, type }) => type === "tf2_msgs/msg/TFMessage" && names.test(name))
      .map(({ name }) => name);
    const isFixed = (name: string) => name.endsWith("tf_static");
    for (const group of [topics.filter(isFixed), topics.filter((name) => !isFixed(name))]) {
      if (group.length === 0) continue;
      const range =
        time === undefined || isFixed(group[0]!) ? {} : { from: time - around, to: time + around };
      for await (const message of this.#bag.messages({ topics: group, ...range }))
        buffer.add(this.#bag.decode<TfMessage>(message), isFixed(message.topic));
    }
    return buffer;
  }
}

/** How depth differs from colour, in words, or undefined when it is aligned as far as anything says. */
function differenceOf(item: DepthToAlign, depthCamera: CameraModel | string): string | undefined {
  const { depth, depthFrame, colourFrame, camera } = item;
  if (!sameFrame(depthFrame, colourFrame)) return `depth is in frame ${depthFrame}, colour in ${colourFrame}`;
  if (typeof depthCamera !== "string" && !seesAlike(depthCamera, camera))
    return sizeOf(depth) === sizeOf(camera)
      ? `their camera infos differ: focal lengths ${focal(depthCamera)} and ${focal(camera)}`
      : `depth is ${sizeOf(depth)}, colour ${sizeOf(camera)}`;
  return undefined;
}

const noInfo = "the depth camera's own camera info was not recorded";

/** The depth camera, or why there is none. */
function cameraOrWhy({ depthCamera }: DepthToAlign): CameraModel | string {
  if (depthCamera === undefined) return noInfo;
  try {
    return depthCamera();
  } catch (error) {
    return `the depth camera's info cannot be used (${describe(error)})`;
  }
}

const bare = (frame: FrameId): FrameId => frame.replace(/^\//, "");
/** A frame that is not named tells nothing. */
const sameFrame = (a: FrameId, b: FrameId): boolean => a === "" || b === "" || bare(a) === bare(b);
const sizeOf = ({ width, height }: { width: number; height: number }): string => `${width}×${height}`;
const focal = ({ fx, cx, cy }: CameraModel): string =>
  `${fx.toFixed(1)} at ${cx.toFixed(1)}, ${cy.toFixed(1)}`;
