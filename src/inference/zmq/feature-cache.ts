import { LRUCache } from "lru-cache";
import type { Ran } from "./batcher.js";

/** Features by the content hash of their image; the least recently used are dropped first, failed ones at once. */
export class FeatureCache {
  readonly #entries: LRUCache<string, Promise<Ran>>;

  /** @param maxImages images at most, 1 or more. @throws TypeError */
  constructor(maxImages: number) {
    this.#entries = new LRUCache({ max: maxImages });
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Promise<Ran> | undefined {
    return this.#entries.get(key);
  }

  set(key: string, ran: Promise<Ran>): Promise<Ran> {
    this.#entries.set(key, ran);
    ran.catch(() => {
      if (this.#entries.peek(key) === ran) this.#entries.delete(key);
    });
    return ran;
  }
}
