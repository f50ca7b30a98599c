const blockBits = 15;

/** A set of row ids that takes about a bit each: a recording numbers its messages one after the other. */
export class IdSet {
  readonly #blocks = new Map<number, Uint8Array>();

  add(id: bigint): void {
    const [block, byte, bit] = place(id);
    const bytes = this.#blocks.get(block) ?? new Uint8Array(2 ** (blockBits - 3));
    this.#blocks.set(block, bytes);
    bytes[byte] = bytes[byte]! | bit;
  }

  has(id: bigint): boolean {
    const [block, byte, bit] = place(id);
    return ((this.#blocks.get(block)?.[byte] ?? 0) & bit) !== 0;
  }
}

function place(id: bigint): readonly [block: number, byte: number, bit: number] {
  const number = Number(id);
  const block = Math.floor(number / 2 ** blockBits);
  const rest = number - block * 2 ** blockBits;
  return [block, rest >> 3, 1 << (rest & 7)];
}
