/**
 * Run-length and variable-length coding of depth (A. Wilson, "Fast Lossless Depth Image Compression", ISS 2017), as
 * compressed_depth_image_transport stores it: runs of zeros, then runs of differences between neighbours, every
 * number in groups of three bits, each group in a nibble whose top bit says that more follow.
 * @param count number of pixels. @returns 16-bit depth, row by row.
 * @throws RangeError when the code is cut off or does not fill the image exactly.
 */
export function decodeRvl(code: Uint8Array, count: number): Uint16Array {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const out = new Uint16Array(count);
  let offset = 0;
  let word = 0;
  let nibbles = 0;
  const next = (): number => {
    let value = 0;
    for (let bit = 0; ; bit += 3) {
      if (nibbles === 0) {
        if (offset + 4 > view.byteLength) throw new RangeError("the depth code is cut off");
        word = view.getUint32(offset, true);
        offset += 4;
        nibbles = 8;
      }
      const nibble = word >>> 28;
      word <<= 4;
      nibbles--;
      if (bit > 30) throw new RangeError("the depth code holds a number that is too long");
      value |= (nibble & 7) << bit;
      if ((nibble & 8) === 0) return value >>> 0;
    }
  };
  let position = 0;
  let previous = 0;
  while (position < count) {
    const before = position;
    const zeros = next();
    const run = next();
    if (zeros + run > count - position) throw new RangeError("the depth code overruns its image");
    position += zeros;
    for (let i = 0; i < run; i++) {
      const value = next();
      previous += (value >>> 1) ^ -(value & 1);
      out[position++] = previous;
    }
    if (position === before) throw new RangeError("the depth code does not fill its image");
  }
  return out;
}
