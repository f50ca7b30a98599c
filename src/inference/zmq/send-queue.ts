interface Sendable {
  send(frames: Uint8Array[]): Promise<void>;
}

/**
 * Sends one message after the other: a socket takes no second one while the first waits. Bounded: a full queue
 * refuses.
 */
export class SendQueue {
  readonly #socket: Sendable;
  readonly #limit: number;
  readonly #waiting: Uint8Array[][] = [];
  #sending = false;

  constructor(socket: Sendable, limit: number) {
    this.#socket = socket;
    this.#limit = limit;
  }

  get idle(): boolean {
    return !this.#sending && this.#waiting.length === 0;
  }

  /** False when the queue is full. */
  post(frames: Uint8Array[]): boolean {
    if (this.#waiting.length >= this.#limit) return false;
    this.#waiting.push(frames);
    if (!this.#sending) void this.#drain();
    return true;
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      // A closed socket drops its messages, and missing heartbeats show a lost connection.
      try {
        await this.#socket.send(next);
      } catch {}
    }
    this.#sending = false;
  }
}
