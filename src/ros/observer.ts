import type { FrameId, RgbdFrame, Stamp } from "../geometry/index.js";
import type { BridgeResult } from "../pipeline/index.js";
import { decodeFrame } from "./camera/frame-decoder.js";
import type { Status } from "./diagnostics.js";
import type { FrameBytes, PictureBytes } from "./job.js";

/** What somebody beside ROS (the console) may see of the node. Every method is called on the node's thread and must be quick. */
export interface NodeObserver {
  /** Asked for every picture, so that nothing is copied for nobody. */
  wantsFrame(): boolean;
  /** Asked for every job: whether its answers are wanted, with the picture they are about. */
  wantsAnswers(): boolean;
  frame(picture: ObservedPicture): void;
  /** Answers to sentences that came over ROS. */
  answered(frame: RgbdFrame, results: readonly BridgeResult[]): void;
  /** What goes out on /diagnostics. */
  diagnostics(statuses: readonly Status[]): void;
  /** Lines of /rosout: all of this node, warnings and errors of the others. */
  log(level: "info" | "warn" | "error", text: string): void;
  parametersChanged(): void;
}

/** A picture's own copy of its messages, decoded as far as somebody asks. */
export class ObservedPicture {
  readonly stamp: Stamp;
  readonly frameId: FrameId;
  readonly #bytes: FrameBytes;
  readonly #rectified: boolean;
  #whole: Promise<RgbdFrame> | undefined;

  constructor(frame: { stamp: Stamp; frameId: FrameId; bytes: FrameBytes }, rectified: boolean) {
    this.stamp = frame.stamp;
    this.frameId = frame.frameId;
    this.#rectified = rectified;
    // The originals move to the pipeline's thread.
    this.#bytes = {
      ...frame.bytes,
      colour: copied(frame.bytes.colour),
      ...(frame.bytes.depth !== undefined && { depth: copied(frame.bytes.depth) }),
    };
  }

  /** The picture alone. @throws GraspGroundingError IMAGE_*, MESSAGE_MALFORMED */
  async colour(): Promise<RgbdFrame> {
    return (await decodeFrame({ colour: this.#bytes.colour }, this.#rectified)).frame;
  }

  /** With depth and camera, where they can be used. @throws as `colour` */
  whole(): Promise<RgbdFrame> {
    this.#whole ??= decodeFrame(this.#bytes, this.#rectified).then(({ frame }) => frame);
    return this.#whole;
  }
}

const copied = ({ kind, cdr }: PictureBytes): PictureBytes => ({ kind, cdr: Uint8Array.from(cdr) });
