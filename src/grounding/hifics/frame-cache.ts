import { LRUCache } from "lru-cache";
import type { ColourImage } from "../../geometry/index.js";

interface Entry<V> {
  readonly width: number;
  readonly height: number;
  /** A copy: a camera may write its next image into the same memory. */
  readonly bytes: Buffer;
  /** Where the image lay the last time. */
  source: WeakRef<Uint8Array>;
  readonly value: V;
}

/**
 * Values by image, for the images used last. An image is found by comparing its bytes: as exact as a hash of them and
 * several times faster.
 */
export class FrameCache<V> {
  readonly #entries: LRUCache<number, Entry<V>>;
  #nextId = 0;

  /** @param maxImages images at most, 1 or more. @throws RangeError */
  constructor(maxImages: number) {
    if (!(maxImages >= 1)) throw new RangeError("a cache holds at least one entry");
    this.#entries = new LRUCache({ max: maxImages });
  }

  get(image: ColourImage): V | undefined {
    const bytes = bytesOf(image);
    for (const [id, entry] of this.#entries.entries()) {
      const { width, height, bytes: known } = entry;
      if (width !== image.width || height !== image.height || !known.equals(bytes)) continue;
      entry.source = new WeakRef(bytes);
      return this.#entries.get(id)?.value;
    }
    return undefined;
  }

  /** The value of the image that lay in the same memory, at once: `holds` says whether it is the same image still. */
  guess(image: ColourImage): V | undefined {
    const bytes = bytesOf(image);
    for (const { source, value } of this.#entries.values()) if (source.deref() === bytes) return value;
    return undefined;
  }

  /** Whether `value` is that of this image, which is then the one used last. */
  holds(value: V, image: ColourImage): boolean {
    return this.get(image) === value;
  }

  /**
   * Stores `value` for an image that `get` did not find; the image used longest ago is dropped when the cache is
   * full.
   */
  set(image: ColourImage, value: V): void {
    const { width, height } = image;
    const given = bytesOf(image);
    const oldest = this.#entries.size >= this.#entries.max ? this.#entries.pop() : undefined;
    // A dropped image's memory serves again: to ask for megabytes at each image costs more than the copy.
    const bytes = oldest?.bytes.length === given.length ? oldest.bytes : Buffer.allocUnsafeSlow(given.length);
    bytes.set(given);
    this.#entries.set(this.#nextId++, { width, height, bytes, source: new WeakRef(given), value });
  }

  delete(value: V): void {
    for (const [id, entry] of [...this.#entries.entries()])
      if (entry.value === value) this.#entries.delete(id);
  }
}

const bytesOf = ({ jpeg, data }: ColourImage): Uint8Array => jpeg ?? data;
