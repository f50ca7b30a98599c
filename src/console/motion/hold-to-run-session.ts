import { deadman } from "../heartbeat.js";
import type { Actor } from "../server/lease.js";

/** One press of a button that moves the arm: lives by its heartbeat, and ends once. */
export class HoldToRunSession {
  readonly actor: Actor;
  readonly kind: "pick" | "place" | "jog";
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #beats = 0;

  /** @param silent the heartbeat has stopped */
  constructor(actor: Actor, kind: HoldToRunSession["kind"], silent: (hold: HoldToRunSession) => void) {
    this.actor = actor;
    this.kind = kind;
    this.#timer = setTimeout(() => this.#check(silent), deadman);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whether it is this operator's, and not over yet. */
  isOf(actor: Actor): boolean {
    return this.actor.id === actor.id && !this.signal.aborted;
  }

  beat(): void {
    this.#beats++;
    this.#timer.refresh();
  }

  /** No heartbeat counts any more. @returns false when it was over already */
  end(): boolean {
    clearTimeout(this.#timer);
    if (this.signal.aborted) return false;
    this.#abort.abort();
    return true;
  }

  /** Nothing is waited for any more: the motion has come to its end by itself. */
  settle(): void {
    clearTimeout(this.#timer);
  }

  /** When this process itself was held up, heartbeats that came meanwhile wait in the socket: they are read first. */
  #check(silent: (hold: HoldToRunSession) => void): void {
    const beats = this.#beats;
    setImmediate(() =>
      setImmediate(() => {
        if (this.#beats === beats) silent(this);
      }),
    );
  }
}
