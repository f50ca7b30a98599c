import { createReadStream, createWriteStream } from "node:fs";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";
import { Decompress as StreamingDecompress } from "fzstd";
import { decompressorFor, maxBlockSize } from "./decompress.js";

const frameMagic = 0xfd2fb528;

/**
 * The size that a zstd frame says its content has (RFC 8878, section 3.1.1.1), or undefined when it does not say.
 * @throws RangeError when it is no zstd frame.
 */
export function zstdContentSize(frame: Uint8Array): number | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.byteLength < 6 || view.getUint32(0, true) !== frameMagic)
    throw new RangeError("it is not a zstd frame");
  const descriptor = view.getUint8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  const sizeFlag = descriptor >> 6;
  if (sizeFlag === 0) return singleSegment ? view.getUint8(at) : undefined;
  if (sizeFlag === 1) return view.getUint16(at, true) + 256;
  if (sizeFlag === 2) return view.getUint32(at, true);
  return Number(view.getBigUint64(at, true));
}

/** Decompresses one zstd frame whose size it states itself. @throws Error in words when it is damaged. */
export async function decompressMessage(frame: Uint8Array): Promise<Uint8Array> {
  const size = zstdContentSize(frame);
  if (size === undefined || size > maxBlockSize) throw new RangeError("its size is not stated or absurd");
  if (size === 0) return new Uint8Array(0);
  const decompress = await decompressorFor("zstd");
  if (decompress === undefined) throw new Error("zstd is not available");
  return await decompress(frame, size);
}

type CreateStream = () => Transform;
const nativeStream = (zlib as { createZstdDecompress?: CreateStream }).createZstdDecompress;

/** Decompresses a file of any size with little memory. @throws Error; what came before stays in `target`. */
export async function decompressFile(source: string, target: string): Promise<void> {
  await pipeline(
    createReadStream(source, { highWaterMark: 1 << 20 }),
    nativeStream?.() ?? new FrameStream(),
    createWriteStream(target, { highWaterMark: 4 << 20 }),
  );
}

class FrameStream extends Transform {
  readonly #decompress = new StreamingDecompress((data) => this.push(data));

  override _transform(data: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#feed(data, false, done);
  }

  override _flush(done: TransformCallback): void {
    this.#feed(new Uint8Array(0), true, done);
  }

  #feed(data: Uint8Array, last: boolean, done: TransformCallback): void {
    try {
      this.#decompress.push(data, last);
      done();
    } catch (error) {
      done(error as Error);
    }
  }
}
