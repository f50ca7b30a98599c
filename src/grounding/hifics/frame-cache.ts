import type { ColourImage } from "../../geometry/index.js";

interface Entry<V> {
  readonly width: number;
  readonly height: number;
  /** A copy: a camera may write its next image into the same memory. */
  readonly bytes: Buffer;
  readonly value: V;
}

/** What was made of the images seen last, found again by their bytes: as exact as a hash of them and several times faster. */
export class FrameCache<V> {
  #entries: readonly Entry<V>[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    if (!(capacity >= 1)) throw new RangeError("a cache holds at least one entry");
    this.#capacity = capacity;
  }

  get(image: ColourImage): V | undefined {
    const bytes = bytesOf(image);
    const found = this.#entries.find(
      (e) => e.width === image.width && e.height === image.height && e.bytes.equals(bytes),
    );
    if (found !== undefined) this.#entries = [found, ...this.#entries.filter((e) => e !== found)];
    return found?.value;
  }

  /** Keeps `value` for an image that `get` did not know; the one used longest ago makes room. */
  set(image: ColourImage, value: V): void {
    const { width, height } = image;
    const entry = { width, height, bytes: Buffer.from(bytesOf(image)), value };
    this.#entries = [entry, ...this.#entries].slice(0, this.#capacity);
  }

  delete(value: V): void {
    this.#entries = this.#entries.filter((e) => e.value !== value);
  }
}

const bytesOf = ({ jpeg, data }: ColourImage): Uint8Array => jpeg ?? data;
