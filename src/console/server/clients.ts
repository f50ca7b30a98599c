import type { Answer, ConsoleState, ServerMessage } from "../protocol.js";
import type { SourceFrame } from "../types.js";
import { EncodedFrame } from "./encoder.js";
import type { LiveClient, LiveFrame } from "./live-client.js";

/** The connected browsers and programs, and the image they are shown. */
export class Clients {
  readonly #clients = new Set<LiveClient>();
  #last: LiveFrame | undefined;
  #seq = 0;

  get size(): number {
    return this.#clients.size;
  }

  /** Images shown so far. */
  get shown(): number {
    return this.#seq;
  }

  /** The image shown now; undefined before the first. */
  get last(): LiveFrame | undefined {
    return this.#last;
  }

  join(client: LiveClient, state: ConsoleState, answers: readonly Answer[]): void {
    this.#clients.add(client);
    client.hello(state, answers);
    if (this.#last !== undefined) client.frame({ ...this.#last, arrived: performance.now() });
  }

  /** @returns whether another connection of the same session is left */
  leave(client: LiveClient): boolean {
    client.close();
    this.#clients.delete(client);
    return [...this.#clients].some(({ identity }) => identity.id === client.identity.id);
  }

  frame({ frame, position }: SourceFrame): LiveFrame {
    this.#last = {
      header: {
        seq: ++this.#seq,
        width: frame.colour.width,
        height: frame.colour.height,
        stamp: String(frame.stamp),
        frameId: frame.frameId,
        ...(position !== undefined && { position }),
      },
      encoded: new EncodedFrame(frame.colour),
      arrived: performance.now(),
    };
    for (const client of this.#clients) client.frame(this.#last);
    return this.#last;
  }

  send(message: ServerMessage): void {
    for (const client of this.#clients) client.send(message);
  }

  /** Sends what changed; a client that missed changes gets the whole state. */
  sendState(changed: Partial<ConsoleState>, whole: ConsoleState): void {
    for (const client of this.#clients)
      client.send({ type: "state", state: client.wantsState() ? whole : changed });
  }

  /** Ends every connection; browsers reconnect by themselves. */
  drop(): void {
    for (const client of this.#clients) client.end();
  }
}
