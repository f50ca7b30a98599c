import { setTimeout as sleep } from "node:timers/promises";

/** Lateness in milliseconds at which a frame is dropped: one frame of a camera with 30 a second. */
const tooLate = 33;

/** Real-time pacing: waits for a recorded moment, and reports moments that passed by more than a frame. */
export class PlaybackClock {
  dropped = 0;
  readonly #rate: number | undefined;
  readonly #signal: AbortSignal | undefined;
  #start: { readonly wall: number; readonly bag: bigint } | undefined;

  /** @param rate times real time; 0 or undefined: as fast as possible. */
  constructor(rate: number | undefined, signal?: AbortSignal) {
    this.#rate = rate === 0 ? undefined : rate;
    this.#signal = signal;
  }

  get unlimited(): boolean {
    return this.#rate === undefined;
  }

  /** The recording's time now; undefined before it began. */
  get now(): bigint | undefined {
    if (this.#start === undefined || this.#rate === undefined) return undefined;
    const passed = (performance.now() - this.#start.wall) * this.#rate;
    return this.#start.bag + BigInt(Math.round(passed * 1e6));
  }

  /** Begins at a recorded moment; later calls do nothing. */
  begin(time: bigint): void {
    this.#start ??= { wall: performance.now(), bag: time };
  }

  /** Milliseconds until a recorded moment, negative when it has passed. */
  until(time: bigint): number {
    this.begin(time);
    if (this.#rate === undefined || this.#start === undefined) return 0;
    return this.#start.wall + Number(time - this.#start.bag) / 1e6 / this.#rate - performance.now();
  }

  /** Waits for a recorded moment; true when it came too late. */
  async skip(time: bigint): Promise<boolean> {
    if (this.#rate === undefined) return false;
    const wait = this.until(time);
    if (wait > 0) await sleep(wait, undefined, { signal: this.#signal }).catch(() => undefined);
    const late = wait < -tooLate;
    if (late) this.dropped++;
    return late;
  }
}
