import { createReadStream, createWriteStream } from "node:fs";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";
import { Decompress as StreamingDecompress } from "fzstd";
import { decompressBlock, maxBlockSize } from "./decompress.js";
import { zstdContentSize } from "./zstd-frame.js";

/** Decompresses one zstd frame whose size it states itself. @throws Error in words when it is damaged. */
export async function decompressMessage(frame: Uint8Array): Promise<Uint8Array> {
  const size = zstdContentSize(frame);
  if (size === undefined || size > maxBlockSize) throw new RangeError("its size is not stated or absurd");
  if (size === 0) return new Uint8Array(0);
  return await decompressBlock("zstd", frame, size);
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
