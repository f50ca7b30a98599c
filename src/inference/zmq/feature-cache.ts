import type { Ran } from "./batcher.js";

/** Features by the content hash of their image, the least recently used forgotten first. What failed is not kept. */
export class FeatureCache {
  readonly #limit: number;
  readonly #entries = new Map<string, Promise<Ran>>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Promise<Ran> | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return entry;
  }

  set(key: string, ran: Promise<Ran>): Promise<Ran> {
    this.#entries.set(key, ran);
    ran.catch(() => {
      if (this.#entries.get(key) === ran) this.#entries.delete(key);
    });
    if (this.#entries.size > this.#limit) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return ran;
  }
}
