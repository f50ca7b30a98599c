import WebSocket from "ws";
import { beatEvery } from "../../../src/console/heartbeat.js";
import type { Answer, ConsoleState, FrameHeader, ServerMessage } from "../../../src/console/protocol.js";

/** A client of the console, as the page is one. */
export class ConsoleClient {
  readonly headers: FrameHeader[] = [];
  readonly log: string[] = [];
  state: ConsoleState | undefined;
  answers: readonly Answer[] = [];
  readonly #url: string;
  readonly #cookie: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: ServerMessage & { type: "reply" }) => void>();
  #next = 1;

  private constructor(url: string, cookie: string, socket: WebSocket) {
    this.#url = url;
    this.#cookie = cookie;
    this.#socket = socket;
    socket.on("message", (data: Buffer, binary) => {
      if (binary) {
        const header = JSON.parse(data.subarray(4, 4 + data.readUInt32LE(0)).toString()) as FrameHeader;
        this.headers.push(header);
        socket.send(JSON.stringify({ type: "ack", seq: header.seq }));
        return;
      }
      const message = JSON.parse(String(data)) as ServerMessage;
      if (message.type === "hello") this.answers = message.answers;
      if (message.type === "answers") this.answers = message.answers;
      if (message.type === "hello" || message.type === "state")
        this.state = { ...this.state, ...(message.state as ConsoleState) };
      if (message.type === "reply") this.#waiting.get(message.id)?.(message);
    });
  }

  static async open(url: string): Promise<ConsoleClient> {
    const signedIn = await fetch(new URL("api/session", url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    const socket = new WebSocket(new URL("live", url.replace("http", "ws")), { headers: { cookie } });
    const client = new ConsoleClient(url, cookie, socket);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return client;
  }

  /** What the HTTP API says. */
  async get(path: string): Promise<unknown> {
    return (await fetch(new URL(path, this.#url), { headers: { cookie: this.#cookie } })).json();
  }

  command(command: object): Promise<ServerMessage & { type: "reply" }> {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ type: "command", id, command }));
    });
  }

  /** What the page sends while a button is held: heartbeats, or where to move. @returns what ends it */
  hold(message: object = { type: "beat" }): () => void {
    const timer = setInterval(() => this.#socket.send(JSON.stringify(message)), beatEvery);
    return () => clearInterval(timer);
  }

  close(): void {
    this.#socket.close();
  }
}
