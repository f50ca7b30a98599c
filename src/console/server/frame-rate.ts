/** A camera that sent nothing for so many seconds is silent. */
const silentAfter = 2;

/** Images a second over the last two seconds, and how long there was none. */
export class FrameRate {
  #times: number[] = [];
  #last: number | undefined;

  count(): void {
    this.#last = performance.now();
    this.#times.push(this.#last);
    if (this.#times.length > 400) this.#times = this.#times.slice(-200);
  }

  /** Whole seconds since the last image; undefined before the first, and while images come. */
  get silence(): number | undefined {
    if (this.#last === undefined) return undefined;
    const seconds = Math.floor((performance.now() - this.#last) / 1000);
    return seconds < silentAfter ? undefined : seconds;
  }

  get value(): number {
    const now = performance.now();
    this.#times = this.#times.filter((time) => now - time < 2000);
    return Math.round((this.#times.length / 2) * 10) / 10;
  }
}
