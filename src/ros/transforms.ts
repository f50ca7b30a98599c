import { GraspGroundingError } from "../errors/index.js";
import { type FrameId, isIdentity, type Pose, type Seconds, type Stamp } from "../geometry/index.js";
import { decoderFor, type TfMessage } from "../messages/index.js";
import { TfBuffer } from "../messages/tf-buffer.js";
import type { Rcl, RclNode, RclSubscription } from "./rcl.js";
import { makeQos } from "./topics/qos.js";

const decoder = decoderFor("tf2_msgs/msg/TFMessage");

/** /tf and /tf_static into a buffer, and look-ups that wait for a transform that is about to come. */
export class Transforms {
  readonly buffer: TfBuffer;
  readonly #node: RclNode;
  #subscriptions: RclSubscription[] = [];
  #refused = 0;
  #lastArrival: number | undefined;
  #lastProblem: string | undefined;

  constructor(rcl: Rcl, node: RclNode, cache: Seconds) {
    this.#node = node;
    this.buffer = new TfBuffer(cache);
    const listen = (topic: string, fixed: boolean, depth: number) =>
      node.createSubscription(
        "tf2_msgs/msg/TFMessage",
        topic,
        { isRaw: true, qos: makeQos(rcl, depth, "reliable", fixed) },
        (cdr: Buffer) => this.#receive(cdr, fixed),
      );
    this.#subscriptions = [listen("/tf", false, 100), listen("/tf_static", true, 100)];
  }

  /** Transforms that were no rigid transform, or messages that could not be read. */
  get refused(): number {
    return this.#refused;
  }

  /** Seconds since a message on /tf or /tf_static. */
  get silence(): Seconds | undefined {
    return this.#lastArrival === undefined ? undefined : (performance.now() - this.#lastArrival) / 1e3;
  }

  /** Why the last look-up failed; undefined when it did not. */
  get problem(): string | undefined {
    return this.#lastProblem;
  }

  close(): void {
    for (const each of this.#subscriptions.splice(0)) this.#node.destroySubscription(each);
  }

  /** The pose of `source` in `target` at once. @returns the reason when there is none. */
  now(target: FrameId, source: FrameId, stamp: Stamp): Pose | string {
    const result = this.buffer.lookup(target, source, stamp);
    this.#lastProblem = result.ok ? undefined : result.reason;
    return result.ok ? result.pose : result.reason;
  }

  /** Whether two frames are one place and orientation at a stamp; false where that is not known. */
  coincide(frame: FrameId, other: FrameId, stamp: Stamp): boolean {
    const result = this.buffer.lookup(frame, other, stamp);
    return result.ok && isIdentity(result.pose);
  }

  /** The pose of `source` in `target`, waiting at most `timeout`. @throws GraspGroundingError TF_UNAVAILABLE */
  async lookup(target: FrameId, source: FrameId, stamp: Stamp, timeout: Seconds): Promise<Pose> {
    const until = performance.now() + timeout * 1e3;
    for (;;) {
      const result = this.buffer.lookup(target, source, stamp);
      if (result.ok) {
        this.#lastProblem = undefined;
        return result.pose;
      }
      if (!result.retry || performance.now() >= until) {
        this.#lastProblem = result.reason;
        throw new GraspGroundingError("TF_UNAVAILABLE", { source, target, detail: result.reason });
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #receive(cdr: Uint8Array, fixed: boolean): void {
    this.#lastArrival = performance.now();
    try {
      this.#refused += this.buffer.add(decoder.decode<TfMessage>(cdr), fixed);
    } catch {
      this.#refused++;
    }
  }
}
