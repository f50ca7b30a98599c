import { type Seconds, type Stamp, secondsBetween } from "../geometry/index.js";
import type { ReadyFrame } from "./camera/camera-input.js";
import { discard } from "./discard.js";

/** An image that can be worked on. */
export interface Candidate {
  readonly frame: ReadyFrame;
  /** False for the image that the pipeline already has. */
  readonly fresh: boolean;
  readonly hasDepth: boolean;
}

/** The newest image that waits, and the one that the pipeline worked on last. */
export class FrameSlot {
  #waiting: ReadyFrame | undefined;
  #last: { readonly frame: ReadyFrame; readonly hasDepth: boolean } | undefined;

  get occupied(): boolean {
    return this.#waiting !== undefined;
  }

  /** Replaces the image that waits. @returns whether there was one */
  put(frame: ReadyFrame): boolean {
    const replaced = this.#waiting;
    discard(replaced?.bytes.colour.cdr, replaced?.bytes.depth?.cdr);
    this.#waiting = frame;
    return replaced !== undefined;
  }

  /** The image that waits, else the last one while it arrived at most `reuse` ago. */
  candidate(reuse: Seconds): Candidate | undefined {
    if (this.#waiting !== undefined)
      return { frame: this.#waiting, fresh: true, hasDepth: this.#waiting.bytes.depth !== undefined };
    if (this.#last === undefined || performance.now() - this.#last.frame.arrived > reuse * 1e3)
      return undefined;
    return { ...this.#last, fresh: false };
  }

  /** The image was handed to the pipeline, which holds it for the next request. */
  taken({ frame, fresh, hasDepth }: Candidate): void {
    if (!fresh) return;
    this.#waiting = undefined;
    this.#last = { frame, hasDepth };
  }

  /** The pipeline could not read the image it had last. */
  forgetLast(): void {
    this.#last = undefined;
  }

  clear(): void {
    this.#waiting = undefined;
    this.#last = undefined;
  }

  /** Seconds by which every image was taken before `notBefore`; undefined where one is new enough or none came. */
  tooOldBy(notBefore: Stamp): Seconds | undefined {
    const newest = this.#waiting?.stamp ?? this.#last?.frame.stamp;
    return newest === undefined || newest >= notBefore ? undefined : secondsBetween(notBefore, newest);
  }
}
