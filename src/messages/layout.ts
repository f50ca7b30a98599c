import { GraspGroundingError } from "../errors/index.js";
import type { ImageMessage } from "./types.js";

/** More pixels a side than any sensor has; refuses nonsense before anything is allocated for it. */
export const maxImageSide = 16_384;

/** Pixels in one image; three bytes each are allocated when it is decoded. */
export const maxImagePixels = 100_000_000;

/** @throws GraspGroundingError IMAGE_LAYOUT */
export function malformed(
  image: Pick<ImageMessage, "width" | "height" | "encoding">,
  detail: string,
): GraspGroundingError {
  const { width, height, encoding } = image;
  return new GraspGroundingError("IMAGE_LAYOUT", { width, height, encoding, detail });
}

/** @throws GraspGroundingError IMAGE_LAYOUT for an empty or an absurdly large image. */
export function checkSize(image: Pick<ImageMessage, "width" | "height" | "encoding">): void {
  const { width, height } = image;
  if (!(width > 0 && height > 0)) throw malformed(image, "it is empty");
  if (width > maxImageSide || height > maxImageSide || width * height > maxImagePixels)
    throw malformed(image, `more than ${maxImageSide} pixels a side or ${maxImagePixels / 1e6} megapixels`);
}

/**
 * Checks that every row is there and returns the bytes from row to row; a step of 0 stands for rows without padding.
 * `rows` counts all rows of the data, those of chroma planes included.
 * @throws GraspGroundingError IMAGE_LAYOUT
 */
export function checkRows(image: ImageMessage, bytesPerRow: number, rows: number): number {
  checkSize(image);
  const step = image.step === 0 ? bytesPerRow : image.step;
  if (step < bytesPerRow) throw malformed(image, `a row is ${step} bytes, ${bytesPerRow} are needed`);
  // The last row's padding is often missing.
  const needed = step * (rows - 1) + bytesPerRow;
  if (image.data.length < needed)
    throw malformed(image, `${image.data.length} bytes of data, ${needed} are needed`);
  return step;
}

/** The rows without padding, `bytesPerRow` each; a view of the message's data when there is none. */
export function packedRows(image: ImageMessage, bytesPerRow: number, rows = image.height): Uint8Array {
  const step = checkRows(image, bytesPerRow, rows);
  if (step === bytesPerRow) return image.data.subarray(0, bytesPerRow * rows);
  const out = new Uint8Array(bytesPerRow * rows);
  for (let y = 0; y < rows; y++)
    out.set(image.data.subarray(y * step, y * step + bytesPerRow), y * bytesPerRow);
  return out;
}

const hostIsBigEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

/** 16-bit values of the rows in the host's byte order. */
export function packed16(image: ImageMessage, valuesPerRow: number): Uint16Array {
  const bytes = aligned(
    packedRows(image, valuesPerRow * 2),
    2,
    (image.is_bigendian !== 0) !== hostIsBigEndian,
  );
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
}

/** 32-bit floats of the rows in the host's byte order. */
export function packedFloat(image: ImageMessage, valuesPerRow: number): Float32Array {
  const bytes = aligned(
    packedRows(image, valuesPerRow * 4),
    4,
    (image.is_bigendian !== 0) !== hostIsBigEndian,
  );
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** The bytes where a typed array can view them, swapped when asked; a view when neither needs a copy. */
function aligned(bytes: Uint8Array, size: 2 | 4, swap: boolean): Uint8Array {
  if (!swap) return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const copy = Uint8Array.from(bytes);
  const buffer = Buffer.from(copy.buffer, copy.byteOffset, copy.byteLength);
  if (size === 2) buffer.swap16();
  else buffer.swap32();
  return copy;
}
