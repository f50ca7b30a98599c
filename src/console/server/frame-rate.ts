/** Images a second over the last two seconds. */
export class FrameRate {
  #times: number[] = [];

  count(): void {
    this.#times.push(performance.now());
    if (this.#times.length > 400) this.#times = this.#times.slice(-200);
  }

  get value(): number {
    const now = performance.now();
    this.#times = this.#times.filter((time) => now - time < 2000);
    return Math.round((this.#times.length / 2) * 10) / 10;
  }
}
