import type { FrameId, RgbdFrame, Stamp } from "../geometry/index.js";
import type { PipelineResult } from "../pipeline/index.js";
import { decodeFrame } from "./camera/frame-decoder.js";
import type { Status } from "./diagnostics.js";
import type { FrameBytes, ImageBytes } from "./job.js";

/**
 * An observer of the node in this process, as the console is. Every method is called on the node's thread and must be
 * quick.
 */
export interface NodeObserver {
  /** Asked for every image, so that an image is copied only when it is wanted. */
  wantsFrame(): boolean;
  /** Asked for every job: whether its answers are wanted, with the image they are about. */
  wantsAnswers(): boolean;
  frame(image: ObservedImage): void;
  /** Answers to queries that came over ROS. */
  answered(frame: RgbdFrame, results: readonly PipelineResult[]): void;
  /** What goes out on /diagnostics. */
  diagnostics(statuses: readonly Status[]): void;
  /** Lines of /rosout: all of this node, warnings and errors of the others. */
  log(level: "info" | "warn" | "error", text: string): void;
  parametersChanged(): void;
}

/** An image's own copy of its messages, decoded as far as somebody asks. */
export class ObservedImage {
  readonly stamp: Stamp;
  readonly frameId: FrameId;
  readonly #bytes: FrameBytes;
  readonly #rectified: boolean;
  #fullFrame: Promise<RgbdFrame> | undefined;

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

  /** The image alone. @throws GraspGroundingError IMAGE_*, MESSAGE_MALFORMED */
  async colour(): Promise<RgbdFrame> {
    return (await decodeFrame({ colour: this.#bytes.colour }, this.#rectified)).frame;
  }

  /** With depth and camera, where they can be used. @throws as `colour` */
  fullFrame(): Promise<RgbdFrame> {
    this.#fullFrame ??= decodeFrame(this.#bytes, this.#rectified).then(({ frame }) => frame);
    return this.#fullFrame;
  }
}

const copied = ({ kind, cdr }: ImageBytes): ImageBytes => ({ kind, cdr: Uint8Array.from(cdr) });
