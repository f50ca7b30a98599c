/**
 * Holds at most one waiting item: a newer one replaces it, so that a slow consumer works on the present and not on a
 * backlog. What was replaced is counted.
 */
export class LatestQueue<T> {
  #waiting: { readonly item: T } | undefined;
  #wake: (() => void) | undefined;
  #closed = false;
  #dropped = 0;

  /** Items replaced before anyone took them. */
  get dropped(): number {
    return this.#dropped;
  }

  push(item: T): void {
    if (this.#closed) return;
    if (this.#waiting !== undefined) this.#dropped++;
    this.#waiting = { item };
    this.#wake?.();
  }

  /** No more items come; what waits is still handed out. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      while (this.#waiting !== undefined) {
        const { item } = this.#waiting;
        this.#waiting = undefined;
        yield item;
      }
      if (this.#closed) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
