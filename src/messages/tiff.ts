import { open } from "node:fs/promises";

/** What a TIFF file says of its values and libvips does not tell: 0 where white is zero (PhotometricInterpretation). */
export interface TiffFacts {
  readonly photometric: number | undefined;
}

const photometricTag = 262;
/** Type of a number of 16 bits; some writers take one of 32. */
const shortType = 3;
/** Entries of a directory that are read at most: writers have some twenty. */
const maxEntries = 4096;

/**
 * Reads the first directory of a classic TIFF file (TIFF 6.0, section 2) or a BigTIFF one.
 * @param source bytes of the file, or its path
 * @returns no facts for what is no TIFF file or is cut off
 */
export async function tiffFacts(source: string | Uint8Array): Promise<TiffFacts> {
  if (typeof source !== "string")
    return await factsOf(async (at, length) => source.subarray(at, at + length));
  const handle = await open(source, "r");
  try {
    return await factsOf(async (at, length) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at);
      return buffer.subarray(0, bytesRead);
    });
  } finally {
    await handle.close();
  }
}

async function factsOf(read: (at: number, length: number) => Promise<Uint8Array>): Promise<TiffFacts> {
  const none: TiffFacts = { photometric: undefined };
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = view(await read(0, 16));
  if (head.byteLength < 16) return none;
  const order = head.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return none;
  const little = order === 0x4949;
  const big = head.getUint16(2, little) === 43;
  const start = big ? Number(head.getBigUint64(8, little)) : head.getUint32(4, little);
  const [countSize, entrySize, valueAt] = big ? [8, 20, 12] : [2, 12, 8];
  const counted = view(await read(start, countSize));
  if (counted.byteLength < countSize) return none;
  const count = big ? Number(counted.getBigUint64(0, little)) : counted.getUint16(0, little);
  const entries = view(await read(start + countSize, Math.min(count, maxEntries) * entrySize));
  for (let at = 0; at + entrySize <= entries.byteLength; at += entrySize) {
    if (entries.getUint16(at, little) !== photometricTag) continue;
    const short = entries.getUint16(at + 2, little) === shortType;
    const value = at + valueAt;
    return { photometric: short ? entries.getUint16(value, little) : entries.getUint32(value, little) };
  }
  return none;
}
