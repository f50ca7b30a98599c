import type { Pose, Seconds, Stamp } from "../../geometry/index.js";
import { isIdentity, secondsBetween } from "../../geometry/index.js";
import { stampOf } from "../../messages/index.js";
import type { FrameBytes, ImageBytes } from "../job.js";
import type { Parameters } from "../parameters/index.js";
import type { Rcl, RclNode } from "../rcl.js";
import { TopicInput } from "../topic-input.js";
import { type Pair, Synchroniser } from "./sync.js";

/** An image ready for the pipeline. */
export interface ReadyFrame {
  readonly stamp: Stamp;
  readonly frameId: string;
  readonly bytes: FrameBytes;
  readonly skew?: Seconds;
  /** When colour arrived, in milliseconds of the steady clock. */
  readonly arrived: number;
}

export interface CameraEvents {
  readonly onFrame: (frame: ReadyFrame) => void;
  /** The stamps jumped back: a bag was started again, or a clock was set. */
  readonly onTimeJump: () => void;
  /** Where the depth frame is in the colour frame at a stamp; used only for depth that is not registered. */
  readonly depthPose: (colourFrame: string, depthFrame: string, stamp: Stamp) => Pose | string;
}

interface Image {
  readonly bytes: ImageBytes;
  readonly frameId: string;
}

/** The camera's topics: subscribes them raw, pairs colour with depth and hands out frames. */
export class CameraInput {
  readonly colour: TopicInput;
  readonly depth: TopicInput | undefined;
  readonly info: TopicInput | undefined;
  readonly depthInfo: TopicInput | undefined;
  readonly #node: RclNode;
  readonly #events: CameraEvents;
  readonly #parameters: () => Parameters;
  readonly #sync: Synchroniser<Image, Image>;
  #cameraInfo: Uint8Array | undefined;
  #depthCameraInfo: Uint8Array | undefined;
  #lastStamp: Stamp | undefined;
  #tooOld = 0;
  #backwards = 0;
  #fromFuture = 0;
  #registrationProblem: string | undefined;

  constructor(rcl: Rcl, node: RclNode, parameters: () => Parameters, events: CameraEvents) {
    const p = parameters();
    this.#node = node;
    this.#events = events;
    this.#parameters = parameters;
    this.#sync = new Synchroniser(this.#syncOptions());
    const input = (
      [type, topic]: readonly [type: string, topic: string],
      onMessage: (cdr: Uint8Array, image: Image, stamp: Stamp) => void,
    ) =>
      new TopicInput(rcl, node, {
        type,
        topic,
        depth: p.qos_depth,
        reliability: p.qos_reliability,
        onMessage: (cdr, header) => {
          const kind = type.endsWith("/CompressedImage") ? "compressed" : "image";
          onMessage(cdr, { bytes: { kind, cdr }, frameId: header.frame_id }, stampOf(header.stamp));
        },
      });
    const image = (base: string, transport: string) =>
      transport === "raw"
        ? (["sensor_msgs/msg/Image", base] as const)
        : (["sensor_msgs/msg/CompressedImage", `${base}/${transport}`] as const);
    this.colour = input(image("camera/color/image_raw", p.image_transport), (_, item, stamp) =>
      this.#onColour(item, stamp),
    );
    if (!p.use_depth) return;
    this.depth = input(
      image(
        p.depth_registered ? "camera/aligned_depth_to_color/image_raw" : "camera/depth/image_rect_raw",
        p.depth_transport,
      ),
      (_, item, stamp) => this.#emit(this.#sync.offerDepth({ stamp, arrived: now(), item })),
    );
    this.info = input(["sensor_msgs/msg/CameraInfo", "camera/color/camera_info"], (cdr) => {
      this.#cameraInfo = cdr;
    });
    if (!p.depth_registered)
      this.depthInfo = input(["sensor_msgs/msg/CameraInfo", "camera/depth/camera_info"], (cdr) => {
        this.#depthCameraInfo = cdr;
      });
  }

  get inputs(): readonly TopicInput[] {
    return [this.colour, this.depth, this.info, this.depthInfo].filter((each) => each !== undefined);
  }

  get counts() {
    return {
      unpaired: this.#sync.unpaired,
      too_old: this.#tooOld,
      stamps_backwards: this.#backwards,
      stamps_from_future: this.#fromFuture,
    };
  }

  get lastSkew(): Seconds | undefined {
    return this.#sync.lastSkew;
  }

  get waiting(): number {
    return this.#sync.waiting;
  }

  /** Why images do not get through, first objects first; undefined when they do. */
  get problem(): string | undefined {
    const broken = this.inputs.find((each) => each.problem !== undefined);
    if (broken !== undefined) return broken.problem;
    const { colour, info } = this;
    if (colour.publishers === 0)
      return `nobody publishes ${colour.topic}; start the camera or remap the topic`;
    if ((colour.silence ?? Number.POSITIVE_INFINITY) > 2)
      return `${colour.topic} has a publisher but is silent; large best-effort images need the transport settings of docs/ros-api.md`;
    const { depth } = this;
    if (depth?.publishers === 0)
      return `nobody publishes ${depth.topic}, so there are no grasps; start depth, remap the topic or set use_depth to false`;
    if (depth !== undefined && (depth.silence ?? Number.POSITIVE_INFINITY) > 2)
      return `${depth.topic} has a publisher but is silent, so there are no grasps`;
    if (this.#registrationProblem !== undefined) return this.#registrationProblem;
    if (this.#sync.problem !== undefined && this.depth !== undefined) return this.#sync.problem;
    if (info !== undefined && this.#cameraInfo === undefined) return `no camera info on ${info.topic} yet`;
    return undefined;
  }

  open(): void {
    for (const input of this.inputs) input.open();
  }

  close(): void {
    for (const input of this.inputs) input.close();
    this.#sync.clear();
    this.#cameraInfo = undefined;
    this.#depthCameraInfo = undefined;
    this.#lastStamp = undefined;
  }

  /** Follows publishers' QoS and changed parameters. Called about once a second. */
  refresh(): void {
    this.#sync.options = this.#syncOptions();
    for (const input of this.inputs) input.refresh();
  }

  /** Gives up on overdue depth. Called several times a second. */
  expire(): void {
    this.#emit(this.#sync.expire(now()));
  }

  #syncOptions() {
    const { sync_tolerance, sync_timeout, require_depth } = this.#parameters();
    return { tolerance: sync_tolerance, timeout: sync_timeout, requireDepth: require_depth };
  }

  #onColour(item: Image, stamp: Stamp): void {
    const last = this.#lastStamp;
    this.#lastStamp = stamp;
    if (last !== undefined && stamp < last) {
      this.#backwards++;
      if (secondsBetween(last, stamp) > 1) {
        this.#sync.clear();
        this.#events.onTimeJump();
      }
    }
    const age = secondsBetween(this.#node.now().nanoseconds, stamp);
    if (age < -1) this.#fromFuture++;
    const limit = this.#parameters().max_frame_age;
    if (limit > 0 && age > limit) {
      this.#tooOld++;
      return;
    }
    const colour = { stamp, arrived: now(), item };
    this.#emit(this.depth === undefined ? [{ colour }] : this.#sync.offerColour(colour));
  }

  #emit(pairs: readonly Pair<Image, Image>[]): void {
    for (const pair of pairs) this.#events.onFrame(this.#ready(pair));
  }

  /** Why depth that should be aligned is not: it is stamped with the frame of another place. */
  #misalignment(colourFrame: string, depthFrame: string, stamp: Stamp): string | undefined {
    const bare = (frame: string) => frame.replace(/^\//, "");
    if (colourFrame === "" || depthFrame === "" || bare(colourFrame) === bare(depthFrame)) return undefined;
    const pose = this.#events.depthPose(colourFrame, depthFrame, stamp);
    if (typeof pose !== "string" && isIdentity(pose)) return undefined;
    return `depth is in frame ${depthFrame} and colour in ${colourFrame}, so it is not aligned; set depth_registered to false, or publish depth aligned to colour`;
  }

  #ready({ colour, depth, skew }: Pair<Image, Image>): ReadyFrame {
    const { stamp, arrived, item } = colour;
    const base = { stamp, frameId: item.frameId, arrived: arrived * 1e3 };
    const info = this.#cameraInfo;
    const image = { colour: item.bytes, ...(info !== undefined && { cameraInfo: info }) };
    if (depth === undefined || info === undefined) return { ...base, bytes: image };
    if (this.depthInfo === undefined) {
      this.#registrationProblem = this.#misalignment(item.frameId, depth.item.frameId, stamp);
      if (this.#registrationProblem !== undefined) return { ...base, bytes: image };
      return { ...base, bytes: { ...image, depth: depth.item.bytes }, ...(skew !== undefined && { skew }) };
    }
    const pose = this.#events.depthPose(item.frameId, depth.item.frameId, stamp);
    const depthCameraInfo = this.#depthCameraInfo;
    if (typeof pose === "string" || depthCameraInfo === undefined) {
      this.#registrationProblem =
        typeof pose === "string"
          ? `depth cannot be registered: ${pose}`
          : `no camera info on ${this.depthInfo.topic} yet`;
      return { ...base, bytes: image };
    }
    this.#registrationProblem = undefined;
    return {
      ...base,
      bytes: { ...image, depth: depth.item.bytes, depthCamera: { info: depthCameraInfo, pose } },
      ...(skew !== undefined && { skew }),
    };
  }
}

const now = (): Seconds => performance.now() / 1e3;
