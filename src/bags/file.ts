import { type FileHandle, open } from "node:fs/promises";
import { describe, GraspGroundingError } from "../errors/index.js";

/** Random access to bytes: a file, or anything else that can be read by range. */
export interface ByteSource {
  readonly size: number;
  /** Of a file: its descriptor, with which other threads may read it too until it is closed. */
  readonly descriptor?: number;
  /**
   * Exactly `length` bytes, in memory of their own or at the beginning of `into`.
   * @throws Error when the source ends before.
   */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opens a file for reading. @throws GraspGroundingError BAG_MISSING, FILE_UNREADABLE */
export async function openFile(path: string): Promise<ByteSource> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new GraspGroundingError(
      missing ? "BAG_MISSING" : "FILE_UNREADABLE",
      { path, detail: describe(error) },
      { cause: error },
    );
  }
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    throw new GraspGroundingError("FILE_UNREADABLE", { path, detail: "not a regular file" });
  }
  return {
    size: stat.size,
    descriptor: handle.fd,
    async read(offset, length, into) {
      if (offset + length > stat.size) throw new RangeError(`the file ends at byte ${stat.size}`);
      // Not from the pool, and not zeroed: it is filled or the read fails.
      const buffer = into?.subarray(0, length) ?? Buffer.allocUnsafeSlow(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
        if (bytesRead === 0) throw new RangeError(`the file ends at byte ${offset + done}`);
        done += bytesRead;
      }
      return buffer;
    },
    close: () => handle.close(),
  };
}
