import { type Seconds, type Stamp, secondsBetween } from "../../geometry/index.js";
import type { TopicInput } from "../topics/topic-input.js";

interface CameraInfo {
  readonly cdr: Uint8Array;
  readonly stamp: Stamp;
  readonly frameId: string;
}

/** An image's camera info that may be used, or the reason why none may. */
export type InfoChoice = { readonly cdr: Uint8Array } | { readonly reason: string };

/** Infos remembered, so that an image finds the one of its own stamp. */
const maxInfos = 32;
/** Silence after which a camera info that used to be sent with every image is no longer used. */
const staleAfter: Seconds = 2;

/**
 * The camera infos of one camera: which belongs to an image, and whether it fits. A replaced camera sends other
 * intrinsics, another frame or no info at all. Its images must not be measured with the former camera's info.
 */
export class CameraInfos {
  readonly #input: () => TopicInput;
  readonly #changed: (text: string) => void;
  #infos: CameraInfo[] = [];
  #changes = 0;

  /** @param changed called with a line for the log when the intrinsics change. */
  constructor(input: () => TopicInput, changed: (text: string) => void) {
    this.#input = input;
    this.#changed = changed;
  }

  /** How often the intrinsics changed. */
  get changes(): number {
    return this.#changes;
  }

  get isEmpty(): boolean {
    return this.#infos.length === 0;
  }

  clear(): void {
    this.#infos = [];
  }

  add(cdr: Uint8Array, stamp: Stamp, frameId: string): void {
    const last = this.#infos.at(-1);
    if (last !== undefined && last.frameId === frameId && !sameBody(last.cdr, cdr)) {
      this.#changes++;
      this.#changed(`the camera info on ${this.#input().topic} changed; the new one is used`);
      this.#infos = [];
    }
    this.#infos.push({ cdr, stamp, frameId });
    if (this.#infos.length > maxInfos) this.#infos.shift();
  }

  /**
   * The info for an image: that of the same stamp, else the newest.
   * @param checkFrame false takes an info of any frame as the image's.
   */
  for(stamp: Stamp, frameId: string, checkFrame: boolean): InfoChoice {
    const input = this.#input();
    const info = this.#infos.findLast((each) => each.stamp === stamp) ?? this.#infos.at(-1);
    if (info === undefined) return { reason: missingInfo(input) };
    if (checkFrame && info.frameId !== frameId)
      return {
        reason: `the camera info on ${input.topic} is of frame ${quoted(info.frameId)} but the image is of frame ${quoted(frameId)}, so it is not used; publish the camera info of this camera, or set check_frames to false`,
      };
    const silence = this.#silentFor(input);
    if (silence !== undefined)
      return {
        reason: `the camera info on ${input.topic} stopped ${silence.toFixed(1)} s ago while images arrive, so it is not used any more; check that the driver publishes it`,
      };
    return { cdr: info.cdr };
  }

  /** Seconds since an info that used to come regularly; undefined while it comes, or when it was sent only once. */
  #silentFor({ silence, stamps }: TopicInput): Seconds | undefined {
    const distinct = new Set(stamps).size;
    if (distinct < 3 || silence === undefined) return undefined;
    const period = Math.abs(secondsBetween(stamps.at(-1)!, stamps[0]!)) / (stamps.length - 1);
    return silence > Math.max(staleAfter, 3 * period) ? silence : undefined;
  }
}

/** Why there is no camera info at all. */
export const missingInfo = (input: TopicInput): string =>
  input.publishers === 0
    ? `nobody publishes ${input.topic}, so there are no grasps; publish the camera info or remap the topic`
    : `no camera info has arrived on ${input.topic} yet, so there are no grasps`;

export const quoted = (frameId: string): string => (frameId === "" ? "(empty)" : frameId);

/** Whether two messages of equal frame ids are equal after their headers. */
function sameBody(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  // 4 bytes of encapsulation and 8 of stamp: everything else of two equal messages is equal.
  return Buffer.compare(a.subarray(12), b.subarray(12)) === 0;
}
