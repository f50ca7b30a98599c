import { closeSync, fstatSync, openSync, readlinkSync, readSync, writeSync } from "node:fs";
import type { SharedMemoryMeta } from "./protocol.js";

/** Smaller frames travel in the message. */
const leastBytes = 32_768;
const alignment = 64;
/** What a worker's memory is called: no other file is opened by a worker's word. */
const memoryName = "/memfd:grasp-grounding (deleted)";

const aligned = (length: number): number => Math.ceil(length / alignment) * alignment;
const empty = new Uint8Array(0);

/** Whether a descriptor is that memory. In another container the same numbers may name another worker's. */
function isMemoryOf({ slots, bytes, token }: SharedMemoryMeta, fd: number): boolean {
  const end = slots * bytes;
  if (readlinkSync(`/proc/self/fd/${fd}`) !== memoryName || fstatSync(fd).size !== end + token.length / 2)
    return false;
  const found = Buffer.alloc(token.length / 2);
  readSync(fd, found, 0, found.length, end);
  return found.toString("hex") === token;
}

/** A request's frames that lie in a slot. */
export interface Put {
  /** What the message says of them: their lengths, one after the other in the slot; null for frames of its own. */
  readonly shared: { readonly slot: number; readonly bytes: readonly (number | null)[] };
  /** The message's frames. */
  readonly rest: readonly Uint8Array[];
  /** To be called once the worker has answered. */
  readonly free: () => void;
}

/**
 * Memory of a worker on this machine that this process sees too (models/worker/shared_memory.py), with a slot for the
 * image of each request. It has no name in a file system, and ends with the last process that has it open.
 */
export class SharedMemory {
  readonly #fd: number;
  readonly #slotBytes: number;
  readonly #free: number[];

  private constructor(fd: number, { slots, bytes }: SharedMemoryMeta) {
    this.#fd = fd;
    this.#slotBytes = bytes;
    this.#free = Array.from({ length: slots }, (_, i) => slots - 1 - i);
  }

  /** Undefined where the memory cannot be reached: the worker has other processes in view, or is another user's. */
  static open(meta: SharedMemoryMeta): SharedMemory | undefined {
    let fd: number;
    try {
      fd = openSync(`/proc/${meta.pid}/fd/${meta.fd}`, "r+");
    } catch {
      return undefined;
    }
    try {
      if (isMemoryOf(meta, fd)) return new SharedMemory(fd, meta);
    } catch {
      // It is not used, as any other file.
    }
    closeSync(fd);
    return undefined;
  }

  /**
   * Writes the large frames of a request to a free slot, the one used last first: its memory is at hand. Undefined
   * where no frame is large, no slot is free or memory is short: the frames then travel in the message.
   */
  put(frames: readonly Uint8Array[]): Put | undefined {
    const bytes = frames.map(({ byteLength }) => (byteLength < leastBytes ? null : byteLength));
    const all = bytes.reduce<number>((sum, length) => sum + aligned(length ?? 0), 0);
    const slot = this.#free.at(-1);
    if (slot === undefined || all === 0 || all > this.#slotBytes) return undefined;
    let at = slot * this.#slotBytes;
    try {
      for (const [i, length] of bytes.entries()) {
        if (length === null) continue;
        if (writeSync(this.#fd, frames[i] as Uint8Array, 0, length, at) !== length) return undefined;
        at += aligned(length);
      }
    } catch {
      return undefined;
    }
    this.#free.pop();
    return {
      shared: { slot, bytes },
      rest: frames.map((frame, i) => (bytes[i] === null ? frame : empty)),
      free: () => this.#free.push(slot),
    };
  }

  close(): void {
    closeSync(this.#fd);
  }
}
