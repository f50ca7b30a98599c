import type { Answer, ConsoleState } from "../protocol.js";
import { packFrame } from "../protocol.js";
import {
  magic,
  type RecordedCommand,
  recordHead,
  recordKinds,
  type SessionAsset,
  type SessionEvent,
} from "../session-file.js";
import { levels } from "./encoder.js";
import type { LiveFrame } from "./live-client.js";
import { SessionAssets } from "./session-assets.js";

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
  /** Groups of assets that its records show. */
  readonly shows: Set<string>;
}

/** What is recorded. */
export interface SessionSource {
  /** The whole state now. */
  snapshot(): { readonly state: ConsoleState; readonly answers: readonly Answer[] };
  /** What the page shows with an answer. */
  assetsOf(answer: Answer): Promise<readonly SessionAsset[]>;
  /** The image of the object in the gripper. */
  gripperAssets(): Promise<readonly SessionAsset[]>;
  /** What the page shows with the state, at any time. */
  assets(): readonly SessionAsset[];
}

/**
 * The last minutes of the session, for a post-mortem: images, questions, answers with all that is shown of them,
 * motions and commands, bounded in memory.
 */
export class SessionRecorder {
  readonly #source: SessionSource;
  readonly #assets = new SessionAssets();
  #parts: Part[] = [];
  #bytes = 0;
  #lastFrame = Number.NEGATIVE_INFINITY;
  /** Images being encoded. */
  readonly #pending = new Set<Promise<void>>();

  constructor(source: SessionSource) {
    this.#source = source;
  }

  state(changed: Partial<ConsoleState>): void {
    this.#event({ type: "state", state: changed });
    this.#show([], changed.arm);
  }

  answers(answers: readonly Answer[]): void {
    this.#event({ type: "answers", answers });
    this.#show(answers, undefined);
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
    await Promise.all([...this.#pending, this.#assets.settled()]);
    const began = this.#parts[0]?.began ?? Date.now();
    const assets = [...this.#source.assets(), ...this.#assets.all()].map((asset) =>
      assetRecord(asset, began),
    );
    // Changes of state are told with a delay: the last record has them all.
    const end = record(recordKinds.event, this.#whole(), Date.now());
    const records = this.#parts.flatMap((part) => part.records);
    return Buffer.concat([Buffer.from(magic), ...assets, ...records, end]);
  }

  #whole(): Buffer {
    return Buffer.from(JSON.stringify({ type: "snapshot", ...this.#source.snapshot() }));
  }

  /** The page shows these answers and the object in the gripper from now on. */
  #show(answers: readonly Answer[], arm: ConsoleState["arm"] | undefined): void {
    const shows = this.#parts.at(-1)?.shows;
    const { follow } = this.#source.snapshot().state;
    for (const answer of answers) {
      const { query } = answer.result;
      const key = `answer ${answer.id}`;
      shows?.add(key);
      this.#assets.add(key, query === follow ? query : key, () => this.#source.assetsOf(answer));
    }
    const thumbnail = arm?.gripper?.thumbnail;
    if (thumbnail === undefined) return;
    const key = `gripper ${thumbnail}`;
    shows?.add(key);
    this.#assets.add(key, key, () => this.#source.gripperAssets());
  }

  #event(event: SessionEvent): void {
    this.#add(recordKinds.event, Buffer.from(JSON.stringify(event)), Date.now());
  }

  #add(kind: number, body: Buffer, at: number): void {
    let part = this.#parts.at(-1);
    if (part === undefined || at - part.began >= partMs) {
      part = { began: at, records: [], bytes: 0, shows: new Set() };
      this.#parts.push(part);
      this.#append(part, record(recordKinds.event, this.#whole(), at));
      const { answers, state } = this.#source.snapshot();
      this.#show(answers, state.arm);
    }
    this.#append(part, record(kind, body, at));
    this.#bound();
  }

  #bound(): void {
    while (this.#bytes + this.#assets.bytes > maxBytes && this.#parts.length > 1) {
      this.#bytes -= this.#parts.shift()?.bytes ?? 0;
      this.#assets.keep(new Set(this.#parts.flatMap(({ shows }) => [...shows])));
    }
    this.#assets.shrink(Math.max(0, maxBytes - this.#bytes));
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

function assetRecord({ path, data }: SessionAsset, at: number): Buffer {
  const name = Buffer.from(path);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(name.length);
  return record(recordKinds.asset, Buffer.concat([length, name, data]), at);
}
