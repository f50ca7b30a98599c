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
    encoded.jpeg(frameLevel).then(
      (jpeg) => this.#add(recordKinds.frame, packFrame({ ...header, age: 0 }, jpeg), at),
      // An image that cannot be encoded is not shown either.
      () => undefined,
    );
  }

  /** The recording as one file; see `session-file.ts`. */
  file(): Buffer {
    return Buffer.concat([Buffer.from(magic), ...this.#parts.flatMap(({ records }) => records)]);
  }

  #event(event: SessionEvent): void {
    this.#add(recordKinds.event, Buffer.from(JSON.stringify(event)), Date.now());
  }

  #add(kind: number, body: Buffer, at: number): void {
    const part = this.#parts.at(-1);
    if (part === undefined || at - part.began >= partMs) {
      this.#parts.push({ began: at, records: [], bytes: 0 });
      this.#append(
        recordKinds.event,
        Buffer.from(JSON.stringify({ type: "snapshot", ...this.#snapshot() })),
        at,
      );
    }
    this.#append(kind, body, at);
    while (this.#bytes > maxBytes && this.#parts.length > 1) this.#bytes -= this.#parts.shift()?.bytes ?? 0;
  }

  #append(kind: number, body: Buffer, at: number): void {
    const head = Buffer.alloc(recordHead);
    head.writeUInt32LE(recordHead - 4 + body.length, 0);
    head.writeUInt8(kind, 4);
    head.writeDoubleLE(at, 5);
    const part = this.#parts.at(-1) as Part;
    part.records.push(head, body);
    part.bytes += head.length + body.length;
    this.#bytes += head.length + body.length;
  }
}
