import type { Answer, ConsoleState } from "../protocol.js";
import { packFrame } from "../protocol.js";
import { magic, type RecordedCommand, recordHead, recordKinds, type SessionEvent } from "../session-file.js";
import { levels } from "./encoder.js";
import type { LiveFrame } from "./live-client.js";

/** Bytes held at most; the oldest part goes first. */
const maxBytes = 48 * 1024 * 1024;
/** A part begins with the whole state, so that a replay can begin with it, and lasts so long, in milliseconds. */
const partMs = 20_000;
/** Least time between recorded images, in milliseconds. */
const frameEveryMs = 500;
const frameLevel = levels.findIndex(({ width }) => width === 480);

interface Part {
  readonly began: number;
  readonly records: Buffer[];
  bytes: number;
}

/**
 * The last minutes of the session, for a post-mortem: images, questions, answers, motions and commands, bounded in
 * memory.
 */
export class SessionRecorder {
  readonly #snapshot: () => { readonly state: ConsoleState; readonly answers: readonly Answer[] };
  #parts: Part[] = [];
  #bytes = 0;
  #lastFrame = Number.NEGATIVE_INFINITY;
  /** Images being encoded. */
  readonly #pending = new Set<Promise<void>>();

  /** @param snapshot the whole state now */
  constructor(snapshot: () => { readonly state: ConsoleState; readonly answers: readonly Answer[] }) {
    this.#snapshot = snapshot;
  }

  state(changed: Partial<ConsoleState>): void {
    this.#event({ type: "state", state: changed });
  }

  answers(answers: readonly Answer[]): void {
    this.#event({ type: "answers", answers });
  }

  command(command: RecordedCommand): void {
    this.#event({ type: "command", command });
  }

  /** Records an image twice a second at most, small. */
  frame({ header, encoded, arrived }: LiveFrame): void {
    if (arrived - this.#lastFrame < frameEveryMs) return;
    this.#lastFrame = arrived;
    const at = Date.now();
    const pending = encoded
      .jpeg(frameLevel)
      .then(
        (jpeg) => this.#add(recordKinds.frame, packFrame({ ...header, age: 0 }, jpeg), at),
        // An image that cannot be encoded is not shown either.
        () => undefined,
      )
      .finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }

  /** The recording up to now as one file, its end as the page shows it now; see `session-file.ts`. */
  async file(): Promise<Buffer> {
    await Promise.all(this.#pending);
    // Changes of state are told with a delay: the last record has them all.
    const end = record(recordKinds.event, this.#whole(), Date.now());
    return Buffer.concat([Buffer.from(magic), ...this.#parts.flatMap(({ records }) => records), end]);
  }

  #whole(): Buffer {
    return Buffer.from(JSON.stringify({ type: "snapshot", ...this.#snapshot() }));
  }

  #event(event: SessionEvent): void {
    this.#add(recordKinds.event, Buffer.from(JSON.stringify(event)), Date.now());
  }

  #add(kind: number, body: Buffer, at: number): void {
    let part = this.#parts.at(-1);
    if (part === undefined || at - part.began >= partMs) {
      part = { began: at, records: [], bytes: 0 };
      this.#parts.push(part);
      this.#append(part, record(recordKinds.event, this.#whole(), at));
    }
    this.#append(part, record(kind, body, at));
    while (this.#bytes > maxBytes && this.#parts.length > 1) this.#bytes -= this.#parts.shift()?.bytes ?? 0;
  }

  #append(part: Part, bytes: Buffer): void {
    part.records.push(bytes);
    part.bytes += bytes.length;
    this.#bytes += bytes.length;
  }
}

function record(kind: number, body: Buffer, at: number): Buffer {
  const head = Buffer.alloc(recordHead);
  head.writeUInt32LE(recordHead - 4 + body.length, 0);
  head.writeUInt8(kind, 4);
  head.writeDoubleLE(at, 5);
  return Buffer.concat([head, body]);
}
