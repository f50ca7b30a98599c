import { closeSync, fstatSync, openSync, readlinkSync, readSync, writeSync } from "node:fs";
import { ProtocolError, type SharedMemoryMeta } from "./protocol.js";

/** Smaller frames travel in the message. */
const leastBytes = 32_768;
const alignment = 64;
/** What a worker's memory is called: no other file is opened by a worker's word. */
const memoryName = "/memfd:grasp-grounding (deleted)";

const aligned = (length: number): number => Math.ceil(length / alignment) * alignment;
const empty = new Uint8Array(0);

/** The lengths of a message's frames that lie in the shared memory, one after the other from a part's start; null for others. */
export type SharedBytes = readonly (number | null)[];

/**
 * Memory of a worker on this machine that this process sees too (models/worker/shared_memory.py): a slot for each
 * request, of a part for the image and a part for the answer. It has no name in a file system, and ends with the last
 * process that has it open.
 */
export class SharedMemory {
  readonly #fd: number;
  readonly #parts: Pick<SharedMemoryMeta, "in" | "out">;
  readonly #free: number[];

  private constructor(fd: number, { slots, in: written, out }: SharedMemoryMeta) {
    this.#fd = fd;
    this.#parts = { in: written, out };
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
      const isMemory = readlinkSync(`/proc/self/fd/${fd}`) === memoryName;
      if (isMemory && fstatSync(fd).size === meta.slots * (meta.in + meta.out))
        return new SharedMemory(fd, meta);
    } catch {
      // It is not used, as any other file.
    }
    closeSync(fd);
    return undefined;
  }

  /** A slot for one request, the one used last first: its memory is at hand. Undefined when all are in use. */
  take(): Slot | undefined {
    const number = this.#free.pop();
    if (number === undefined) return undefined;
    const start = number * (this.#parts.in + this.#parts.out);
    const place = { fd: this.#fd, start, ...this.#parts };
    return new Slot(number, place, () => this.#free.push(number));
  }

  close(): void {
    closeSync(this.#fd);
  }
}

interface Place {
  readonly fd: number;
  /** Offset of the slot; its first `in` bytes are written here, the `out` bytes behind them by the worker. */
  readonly start: number;
  readonly in: number;
  readonly out: number;
}

/** One request's part of the shared memory, until its answer has come. */
export class Slot {
  readonly number: number;
  readonly #place: Place;
  readonly free: () => void;

  constructor(number: number, place: Place, free: () => void) {
    this.number = number;
    this.#place = place;
    this.free = free;
  }

  /** Writes large frames. What the message says of them, and the frames that it has; all of them where memory is short. */
  write(frames: readonly Uint8Array[]): {
    readonly bytes: SharedBytes;
    readonly rest: readonly Uint8Array[];
  } {
    const bytes = frames.map(({ byteLength }) => (byteLength < leastBytes ? null : byteLength));
    const all = bytes.reduce<number>((sum, length) => sum + aligned(length ?? 0), 0);
    if (all === 0 || all > this.#place.in) return { bytes: [], rest: frames };
    let at = this.#place.start;
    try {
      for (const [i, length] of bytes.entries()) {
        if (length === null) continue;
        const frame = frames[i] as Uint8Array;
        if (writeSync(this.#place.fd, frame, 0, length, at) !== length) return { bytes: [], rest: frames };
        at += aligned(length);
      }
    } catch {
      return { bytes: [], rest: frames };
    }
    return { bytes, rest: frames.map((frame, i) => (bytes[i] === null ? frame : empty)) };
  }

  /** An answer's frames, those of the shared memory as copies. @throws ProtocolError */
  read(bytes: SharedBytes, frames: readonly Uint8Array[]): Uint8Array[] {
    if (bytes.length > frames.length) throw new ProtocolError("shared", "more frames than the message has");
    const all = bytes.reduce<number>((sum, length) => sum + aligned(length ?? 0), 0);
    if (all > this.#place.out) throw new ProtocolError("shared", "the frames do not fit the shared memory");
    let at = this.#place.start + this.#place.in;
    return frames.map((frame, i) => {
      const length = bytes[i] ?? null;
      if (length === null) return frame;
      const own = Buffer.allocUnsafeSlow(length);
      if (readSync(this.#place.fd, own, 0, length, at) !== length)
        throw new ProtocolError("shared", "the shared memory ended");
      at += aligned(length);
      return own;
    });
  }
}
