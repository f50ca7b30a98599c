/**
 * Buffers that are used again. Memory the system has just handed out costs more to touch for the first time than to
 * read a file into, so a reader that lets go of its blocks is twice as fast with the same few over and over.
 */
export class BufferPool {
  readonly #free: Uint8Array[] = [];

  /** At least `size` bytes, with anything in them. */
  take(size: number): Uint8Array {
    const index = this.#free.findIndex(({ byteLength }) => byteLength >= size);
    if (index >= 0) return this.#free.splice(index, 1)[0]!;
    // One that is too small would only take its place.
    if (this.#free.length >= keep) this.#free.shift();
    return Buffer.allocUnsafeSlow(Math.ceil((size * 1.25) / granularity) * granularity);
  }

  give(buffer: Uint8Array): void {
    if (this.#free.length < keep) this.#free.push(buffer);
  }
}

const keep = 4;
const granularity = 64 * 1024;
