import { deadman } from "../heartbeat.js";
import type { Actor } from "../server/lease.js";

/** Why a button that moves the arm counts as released. */
export type EndCause =
  | { readonly kind: "released" | "silent" | "disconnected" | "closed" }
  | { readonly kind: "estop"; readonly by: string };

/** What a held button does; jogging is limited to `limit` metres or radians where it is a step. */
export type HeldTask = "pick" | "place" | "gripper" | "move" | "jog";

/** One press of a button that moves the arm: lives by its heartbeat, and ends once. */
export class HoldToRunSession {
  readonly actor: Actor;
  readonly task: HeldTask;
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #beats = 0;
  #lastBeat = performance.now();
  #cause: EndCause | undefined;
  #late: number | undefined;

  /** @param onSilence called when no heartbeat came for `deadman` milliseconds */
  constructor(actor: Actor, task: HeldTask, onSilence: (session: HoldToRunSession) => void) {
    this.actor = actor;
    this.task = task;
    this.#timer = setTimeout(() => this.#check(onSilence), deadman);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Why it ended; undefined while it is held. */
  get cause(): EndCause | undefined {
    return this.#cause;
  }

  /** Milliseconds without a heartbeat: until now, or until the first one that came after the stop. */
  get silence(): number {
    return Math.round(this.#late ?? performance.now() - this.#lastBeat);
  }

  /** Whether it is this operator's and still held. */
  isOf(actor: Actor): boolean {
    return this.actor.id === actor.id && !this.signal.aborted;
  }

  /** @returns false for a heartbeat that comes after the end: it does not count, but tells how late the page was */
  beat(): boolean {
    if (this.signal.aborted) {
      this.#late ??= performance.now() - this.#lastBeat;
      return false;
    }
    this.#beats++;
    this.#lastBeat = performance.now();
    this.#timer.refresh();
    return true;
  }

  /** No heartbeat counts from here on. @returns false when it had ended before */
  end(cause: EndCause): boolean {
    clearTimeout(this.#timer);
    if (this.signal.aborted) return false;
    this.#cause = cause;
    this.#abort.abort();
    return true;
  }

  /** The motion has come to its own end: the heartbeat is not watched any more. */
  settle(): void {
    clearTimeout(this.#timer);
  }

  /** Heartbeats that arrived while this process itself was held up wait in the socket: they are read first. */
  #check(onSilence: (session: HoldToRunSession) => void): void {
    const beats = this.#beats;
    setImmediate(() =>
      setImmediate(() => {
        if (this.#beats === beats) onSilence(this);
      }),
    );
  }
}

/** The reason of a stop in words; undefined where the arm's own words say more. */
export function stopReason({ cause, silence }: HoldToRunSession): string | undefined {
  switch (cause?.kind) {
    case "released":
      return "stopped: the button was released";
    case "silent":
      return `the page was late by ${silence} ms: stopped for safety`;
    case "disconnected":
      return "the connection to the page was lost: stopped for safety";
    case "closed":
      return "stopped: the arm was disconnected from the console";
    case "estop":
      return `stopped: ${cause.by} pressed the emergency stop`;
    default:
      return undefined;
  }
}
