import type { Pose, Seconds, Stamp } from "../../geometry/index.js";
import { secondsBetween } from "../../geometry/index.js";
import { stampOf } from "../../messages/index.js";
import type { FrameBytes, ImageBytes } from "../job.js";
import type { Parameters } from "../parameters/index.js";
import type { Rcl, RclNode } from "../rcl.js";
import { TopicInput } from "../topics/topic-input.js";
import { colourProblem, depthTopicProblem, lossProblem, maxFuture } from "./camera-advice.js";
import { CameraInfos, missingInfo, quoted } from "./camera-infos.js";
import { type ImageLoss, imageLoss } from "./image-loss.js";
import { type Pair, Synchroniser } from "./sync.js";
import { transportTopic } from "./transport-topic.js";

/** An image ready for the pipeline. */
export interface ReadyFrame {
  readonly stamp: Stamp;
  readonly frameId: string;
  readonly bytes: FrameBytes;
  readonly skew?: Seconds;
  /** Why the image has no depth, with what to do; undefined when it has, or when depth is switched off. */
  readonly depthProblem?: string;
  /** When colour arrived, in milliseconds of the steady clock. */
  readonly arrived: number;
}

export interface CameraEvents {
  readonly onFrame: (frame: ReadyFrame) => void;
  /** The stamps jumped back: a bag was started again, or a clock was set. */
  readonly onTimeJump: () => void;
  /** The depth frame in the colour frame at a stamp; used only for depth that is not registered. */
  readonly depthPose: (colourFrame: string, depthFrame: string, stamp: Stamp) => Pose | string;
  /** Whether TF says that two frames are the same place and orientation at a stamp. */
  readonly coincide: (frame: string, other: string, stamp: Stamp) => boolean;
}

interface Image {
  readonly bytes: ImageBytes;
  readonly frameId: string;
}

/** Images held at most while the first camera info is missing. */
const maxHeld = 8;
/** The camera's topics: subscribes them raw, pairs colour with depth and hands out frames. */
export class CameraInput {
  readonly colour: TopicInput;
  readonly depth: TopicInput | undefined;
  readonly info: TopicInput | undefined;
  readonly depthInfo: TopicInput | undefined;
  readonly #events: CameraEvents;
  readonly #parameters: () => Parameters;
  readonly #sync: Synchroniser<Image, Image>;
  readonly #infos: CameraInfos;
  readonly #depthInfos: CameraInfos;
  readonly #say: (text: string) => void;
  /** Depth frames that TF makes the colour frame's equals: each is said once. */
  readonly #coinciding = new Set<string>();
  #lastStamp: Stamp | undefined;
  #tooOld = 0;
  #backwards = 0;
  #fromFuture = 0;
  /** Images that wait for the first camera info. */
  #held: Pair<Image, Image>[] = [];
  /** An image waited in vain for camera info: later ones do not. */
  #infoOverdue = false;
  /** Of the last pair: why its depth could not be used. */
  #pairProblem: string | undefined;

  constructor(rcl: Rcl, node: RclNode, parameters: () => Parameters, events: CameraEvents) {
    const p = parameters();
    this.#events = events;
    this.#parameters = parameters;
    this.#sync = new Synchroniser(this.#syncOptions());
    this.#say = (text) => node.getLogger().info(text);
    const changed = (text: string) => node.getLogger().warn(text);
    this.#infos = new CameraInfos(() => this.info!, changed);
    this.#depthInfos = new CameraInfos(() => this.depthInfo!, changed);
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
        : (["sensor_msgs/msg/CompressedImage", transportTopic(node, base, transport)] as const);
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
    const cameraInfo = (topic: string, infos: CameraInfos) =>
      input(["sensor_msgs/msg/CameraInfo", topic], (cdr, { frameId }, stamp) => {
        infos.add(cdr, stamp, frameId);
        this.#emit([]);
      });
    this.info = cameraInfo("camera/color/camera_info", this.#infos);
    if (!p.depth_registered) this.depthInfo = cameraInfo("camera/depth/camera_info", this.#depthInfos);
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
      camera_info_changes: this.#infos.changes + this.#depthInfos.changes,
    };
  }

  get lastSkew(): Seconds | undefined {
    return this.#sync.lastSkew;
  }

  get waiting(): number {
    return this.#sync.waiting;
  }

  /** Colour images of the last seconds, sent and arrived; undefined when their stamps do not tell. */
  get colourLoss(): ImageLoss | undefined {
    return imageLoss(this.colour.stamps, this.info?.stamps ?? []);
  }

  /** Why images do not get through, the first cause first; undefined when they do. */
  get problem(): string | undefined {
    return (
      this.inputs.find((each) => each.problem !== undefined)?.problem ??
      colourProblem(this.colour, this.#parameters().max_frame_age, this.colourLoss) ??
      this.#depthProblem()
    );
  }

  open(): void {
    for (const input of this.inputs) input.open();
  }

  close(): void {
    for (const input of this.inputs) input.close();
    this.#sync.clear();
    this.#infos.clear();
    this.#depthInfos.clear();
    this.#lastStamp = undefined;
    this.#pairProblem = undefined;
    this.#held = [];
    this.#infoOverdue = false;
  }

  /** Follows publishers' QoS and changed parameters. Called about once a second. */
  refresh(): void {
    this.#sync.options = this.#syncOptions();
    for (const input of this.inputs) input.refresh();
  }

  /** Releases images whose depth is overdue. Called several times a second. */
  expire(): void {
    this.#emit(this.#sync.expire(now()));
  }

  #syncOptions() {
    const { sync_tolerance, sync_timeout, require_depth } = this.#parameters();
    return { tolerance: sync_tolerance, timeout: sync_timeout, requireDepth: require_depth };
  }

  /** Why there is no depth, hence no grasp. */
  #depthProblem(): string | undefined {
    const { depth, info } = this;
    if (depth === undefined || info === undefined) return undefined;
    const { problem } = this.#sync;
    return (
      depthTopicProblem(depth) ??
      (this.#infos.isEmpty ? missingInfo(info) : undefined) ??
      this.#pairProblem ??
      lossProblem(depth, imageLoss(depth.stamps, (this.depthInfo ?? info).stamps)) ??
      problem
    );
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
    const age = this.colour.lastAge ?? 0;
    if (age < -maxFuture) this.#fromFuture++;
    const limit = this.#parameters().max_frame_age;
    if (limit > 0 && age > limit) {
      this.#tooOld++;
      return;
    }
    const colour = { stamp, arrived: now(), item };
    this.#emit(this.depth === undefined ? [{ colour }] : this.#sync.offerColour(colour));
  }

  #emit(pairs: readonly Pair<Image, Image>[]): void {
    this.#held.push(...pairs);
    while (this.#held.length > 0 && !this.#awaitsInfo(this.#held[0]!))
      this.#events.onFrame(this.#ready(this.#held.shift()!));
  }

  /**
   * Whether the first camera info is about to come: an image sent once must not lose its depth to the order of topics.
   */
  #awaitsInfo({ colour, depth }: Pair<Image, Image>): boolean {
    const missing = [[this.info, this.#infos] as const, [this.depthInfo, this.#depthInfos] as const].some(
      ([input, infos]) => input !== undefined && input.publishers > 0 && infos.isEmpty,
    );
    if (depth === undefined || !missing || this.#infoOverdue) return false;
    const overdue = now() - colour.arrived > this.#parameters().sync_timeout || this.#held.length > maxHeld;
    if (overdue) this.#infoOverdue = true;
    return !overdue;
  }

  #ready(pair: Pair<Image, Image>): ReadyFrame {
    const { colour, depth, skew } = pair;
    const { stamp, arrived, item } = colour;
    const frame = { stamp, frameId: item.frameId, arrived: arrived * 1e3 };
    if (this.depth === undefined) return { ...frame, bytes: { colour: item.bytes } };
    const { check_frames } = this.#parameters();
    const info = this.#infos.for(stamp, item.frameId, check_frames);
    if ("reason" in info) {
      this.#pairProblem = info.reason;
      return { ...frame, bytes: { colour: item.bytes }, depthProblem: info.reason };
    }
    const bytes = { colour: item.bytes, cameraInfo: info.cdr };
    const added =
      depth === undefined ? { reason: this.#missingDepth() } : this.#depthBytes(item, depth.item, stamp);
    if ("reason" in added) {
      this.#pairProblem = depth === undefined ? undefined : added.reason;
      return { ...frame, bytes, depthProblem: added.reason };
    }
    this.#pairProblem = undefined;
    return { ...frame, bytes: { ...bytes, ...added }, ...(skew !== undefined && { skew }) };
  }

  /** Depth as it goes to the pipeline, or why it cannot be laid over the colour image. */
  #depthBytes(
    colour: Image,
    depth: Image,
    stamp: Stamp,
  ): Pick<FrameBytes, "depth" | "depthCamera"> | { readonly reason: string } {
    const { check_frames } = this.#parameters();
    if (this.depthInfo === undefined) {
      if (!check_frames || depth.frameId === colour.frameId || this.#coincide(depth, colour, stamp))
        return { depth: depth.bytes };
      return {
        reason: `depth on ${this.depth?.topic} is of frame ${quoted(depth.frameId)} but colour is of frame ${quoted(colour.frameId)}, so it is not registered and not used; publish depth aligned to colour, or set depth_registered to false (or check_frames, when only the name is wrong)`,
      };
    }
    const info = this.#depthInfos.for(stamp, depth.frameId, check_frames);
    if ("reason" in info) return info;
    const pose = this.#events.depthPose(colour.frameId, depth.frameId, stamp);
    if (typeof pose === "string") return { reason: `depth cannot be registered: ${pose}` };
    return { depth: depth.bytes, depthCamera: { info: info.cdr, pose } };
  }

  #coincide({ frameId: depth }: Image, { frameId: colour }: Image, stamp: Stamp): boolean {
    if (!this.#events.coincide(depth, colour, stamp)) return false;
    if (!this.#coinciding.has(depth))
      this.#say(
        `depth on ${this.depth?.topic} is of frame ${quoted(depth)}, which TF says is the colour frame ${quoted(colour)}: used as registered`,
      );
    this.#coinciding.add(depth);
    return true;
  }

  #missingDepth(): string {
    const { depth } = this;
    if (depth?.publishers === 0) return `needs depth, but nobody publishes ${depth.topic}`;
    return `needs depth; ${this.#sync.problem ?? `no depth has arrived on ${depth?.topic}`}`;
  }
}

const now = (): Seconds => performance.now() / 1e3;
