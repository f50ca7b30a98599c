import type { ClientMessage, Command, FrameHeader, ServerMessage } from "../protocol.js";

export interface LiveEvents {
  message(message: ServerMessage): void;
  /** An image, ready to be drawn; call `shown` when it is on the screen. */
  image(header: FrameHeader, bitmap: ImageBitmap, shown: () => void): void;
  connection(state: "connecting" | "open" | "lost" | "refused"): void;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A command the console did not carry out, with the catalogue's code. */
export class Refused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The connection to the console: comes back by itself, drops images it cannot show, and never queues commands. */
export class Live {
  readonly #events: LiveEvents;
  readonly #waiting = new Map<number, Waiting>();
  #socket: WebSocket | undefined;
  #nextId = 1;
  #width = 640;
  #delay = 250;
  #heard = 0;
  #closed = false;

  constructor(events: LiveEvents) {
    this.#events = events;
    document.addEventListener("visibilitychange", () => this.#sendView());
    window.addEventListener("online", () => this.#socket ?? this.connect());
    // A dead network sends no close: silence does.
    setInterval(() => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return;
      if (performance.now() - this.#heard > 6000) this.#socket.close();
      else this.#send({ type: "ping", at: performance.now() });
    }, 2000);
  }

  connect(): void {
    if (this.#closed || (this.#socket && this.#socket.readyState <= WebSocket.OPEN)) return;
    this.#events.connection("connecting");
    const socket = new WebSocket(new URL("live", document.baseURI.replace(/^http/, "ws")));
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      this.#delay = 250;
      this.#heard = performance.now();
      this.#events.connection("open");
      this.#sendView();
    };
    socket.onmessage = ({ data }) => {
      this.#heard = performance.now();
      if (typeof data === "string") this.#text(JSON.parse(data) as ServerMessage);
      else void this.#image(data as ArrayBuffer);
    };
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      for (const { reject } of this.#waiting.values())
        reject(new Refused("DISCONNECTED", "the connection was lost"));
      this.#waiting.clear();
      if (this.#closed) return;
      this.#events.connection("lost");
      setTimeout(() => void this.#again(), this.#delay);
      this.#delay = Math.min(this.#delay * 2, 4000);
    };
  }

  /** Asks for a command. @throws Refused */
  command(command: Command): Promise<unknown> {
    const id = this.#nextId++;
    if (this.#socket?.readyState !== WebSocket.OPEN)
      return Promise.reject(new Refused("DISCONNECTED", "there is no connection to the console"));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ type: "command", id, command });
    });
  }

  /** @param width device pixels the image is shown at */
  view(width: number): void {
    const rounded = Math.ceil(width / 64) * 64;
    if (rounded === this.#width) return;
    this.#width = rounded;
    this.#sendView();
  }

  /** The button is still held. */
  beat(): void {
    this.#send({ type: "beat" });
  }

  /** Moves the tool while a button is held: m/s and rad/s in the axes of the robot's base. */
  drive(linear: [number, number, number], angular: [number, number, number]): void {
    this.#send({ type: "drive", linear, angular });
  }

  /** Turns one joint while a button is held, in rad/s. */
  turn(joint: number, velocity: number): void {
    this.#send({ type: "turn", joint, velocity });
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close();
  }

  /** A session that ended while away cannot be resumed: the page asks to sign in again. */
  async #again(): Promise<void> {
    try {
      const answer = await fetch("api/session");
      const { you } = (await answer.json()) as { you?: unknown };
      if (answer.ok && you === undefined) {
        this.#events.connection("refused");
        return;
      }
    } catch {
      // Still away.
    }
    this.connect();
  }

  #sendView(): void {
    this.#send({ type: "view", width: document.visibilityState === "hidden" ? 0 : this.#width });
  }

  #send(message: ClientMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #text(message: ServerMessage): void {
    if (message.type !== "reply") {
      this.#events.message(message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.ok) waiting?.resolve(message.result);
    else waiting?.reject(new Refused(message.error?.code ?? "", message.error?.message ?? "refused"));
  }

  async #image(data: ArrayBuffer): Promise<void> {
    const length = new DataView(data).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length))) as FrameHeader;
    const shown = () => this.#send({ type: "ack", seq: header.seq });
    try {
      const jpeg = new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" });
      this.#events.image(header, await createImageBitmap(jpeg), shown);
    } catch {
      shown();
    }
  }
}
