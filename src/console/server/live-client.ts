import type { WebSocket } from "ws";
import type { Answer, ConsoleState, FrameHeader, Identity, ServerMessage } from "../protocol.js";
import { packFrame } from "../protocol.js";
import { type EncodedFrame, levelFor, levels } from "./encoder.js";

/** An image to be sent to the clients. */
export interface LiveFrame {
  readonly header: Omit<FrameHeader, "age">;
  readonly encoded: EncodedFrame;
  /** performance.now() at its arrival. */
  readonly arrived: number;
}

/** Images sent and not yet shown; more would only add latency. */
const inFlight = 2;
/** Bytes waiting in the socket beyond which texts are dropped, and beyond which the client is disconnected. */
const crowded = 256 * 1024;
const hopeless = 2 * 1024 * 1024;
/** A client that shows nothing for so long gets no more images until it answers, in milliseconds. */
const stalled = 10_000;
/** Size and quality are reconsidered after so many images. */
const window = 30;

/**
 * One browser. It gets the newest image whenever it has shown an earlier one: a slow client sees fewer and smaller
 * images, holds at most one back, and slows no other.
 */
export class LiveClient {
  readonly identity: Identity;
  readonly #socket: WebSocket;
  #waiting: LiveFrame | undefined;
  #sending = false;
  readonly #unshown = new Map<number, number>();
  #width = 1280;
  #level = 1;
  #sent = 0;
  #skipped = 0;
  #stale = false;

  constructor(socket: WebSocket, identity: Identity) {
    this.#socket = socket;
    this.identity = identity;
  }

  /** Images dropped for this client so far. */
  skipped = 0;

  hello(state: ConsoleState, answers: readonly Answer[]): void {
    this.#send({ type: "hello", you: this.identity, state, answers });
  }

  send(message: ServerMessage): void {
    if (this.#socket.bufferedAmount > hopeless) {
      this.#socket.terminate();
      return;
    }
    if (message.type === "state" && this.#socket.bufferedAmount > crowded) {
      this.#stale = true;
      return;
    }
    this.#send(message);
  }

  /** Whether it missed a change of state and can take the whole of it now; asking clears it. */
  wantsState(): boolean {
    if (!this.#stale || this.#socket.bufferedAmount > crowded) return false;
    this.#stale = false;
    return true;
  }

  frame(frame: LiveFrame): void {
    if (this.#width === 0) return;
    if (this.#waiting !== undefined) {
      this.#skipped++;
      this.skipped++;
    }
    this.#waiting = frame;
    void this.#next();
  }

  acknowledge(seq: number): void {
    this.#unshown.delete(seq);
    void this.#next();
  }

  /** @param width device pixels the image is shown at; 0 stops images */
  view(width: number): void {
    this.#width = width;
    this.#level = levelFor(width);
  }

  /** Ends the connection. */
  end(): void {
    this.#socket.terminate();
  }

  close(): void {
    this.#waiting = undefined;
    this.#unshown.clear();
  }

  async #next(): Promise<void> {
    if (this.#sending || this.#waiting === undefined || !this.#ready()) return;
    const frame = this.#waiting;
    this.#waiting = undefined;
    this.#sending = true;
    try {
      const jpeg = await frame.encoded.jpeg(this.#level);
      if (this.#socket.readyState !== this.#socket.OPEN) return;
      const age = Math.round((performance.now() - frame.arrived) * 10) / 10;
      this.#unshown.set(frame.header.seq, performance.now());
      this.#socket.send(packFrame({ ...frame.header, age }, jpeg), { binary: true });
      this.#adapt();
    } catch {
      // An image that cannot be encoded is dropped; the next one is tried.
    } finally {
      this.#sending = false;
    }
    if (this.#waiting !== undefined) void this.#next();
  }

  #ready(): boolean {
    const oldest = this.#unshown.values().next().value;
    if (oldest !== undefined && performance.now() - oldest > stalled && this.#socket.bufferedAmount === 0)
      this.#unshown.clear();
    return this.#unshown.size < inFlight && this.#socket.bufferedAmount < crowded;
  }

  /** Smaller images when a third were dropped, larger ones again when none were. */
  #adapt(): void {
    if (++this.#sent < window) return;
    const share = this.#skipped / (this.#sent + this.#skipped);
    if (share > 0.33 && this.#level < levels.length - 1) this.#level++;
    else if (share < 0.02 && this.#level > levelFor(this.#width)) this.#level--;
    this.#sent = 0;
    this.#skipped = 0;
  }

  #send(message: ServerMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
