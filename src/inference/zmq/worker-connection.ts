import { randomBytes } from "node:crypto";
import * as zmq from "zeromq";
import { describe } from "../../errors/index.js";
import { type ModelFiles, modelParts } from "../port.js";
import { checkDescriptorsLeft } from "./descriptors.js";
import {
  decodeMessage,
  encodeMessage,
  type Kind,
  type Message,
  type MetaOf,
  maxFrameBytes,
  metaOf,
  ProtocolError,
} from "./protocol.js";
import type { ClientSecurity } from "./security.js";
import { SendQueue } from "./send-queue.js";
import { type Put, SharedMemory } from "./shared-memory.js";

export type ConnectionState = "connecting" | "loading" | "ready" | "draining" | "mismatch" | "lost";

export interface ConnectionEvents {
  /** An answer, or an error, to the request `id`. */
  readonly onAnswer: (connection: WorkerConnection, id: number, answer: Message) => void;
  /** The worker went silent or restarted; its requests are lost. */
  readonly onLost: (connection: WorkerConnection, ids: readonly number[]) => void;
  readonly onState: (connection: WorkerConnection) => void;
  /** A message that could not be read, or that answers no request. */
  readonly onDropped: (reason: string) => void;
}

export interface ConnectionOptions {
  readonly security?: ClientSecurity | undefined;
  /** Images lie in memory that a worker on this machine shares, where it offers that. Default true. */
  readonly sharedMemory?: boolean | undefined;
}

/** A client's view of one worker: its connection, whether it is alive, and its load. */
export class WorkerConnection {
  readonly endpoint: string;
  state: ConnectionState = "connecting";
  /** Reason why it is not ready. */
  problem: string | undefined;
  /** Back end and provider of the worker. */
  description = "";
  /** It takes keys that are names, not hashes. */
  takesOwnKeys = false;
  /** Its `decode` takes queries by their tokens. */
  takesTexts = false;
  /** Its `decode` gives probabilities in place of logits. */
  makesProbabilities = false;
  /** Requests of other clients that waited there at its last message. */
  queued = 0;
  /** performance.now() before which it gets no request, because it answered that it is busy. */
  busyUntil = 0;
  readonly inFlight = new Set<number>();
  /** Memory that the worker sees too, where it is on this machine. */
  #shared: SharedMemory | undefined;
  /** Parts of it in use, by request: also of cancelled ones, until the worker has let go of them. */
  readonly #puts = new Map<number, Put>();
  readonly #model: ModelFiles;
  readonly #security: ClientSecurity | undefined;
  readonly #heartbeat: number;
  readonly #asksForMemory: boolean;
  readonly #events: ConnectionEvents;
  #socket: zmq.Dealer;
  #sendQueue: SendQueue;
  #session = "";
  #nextId = 1;
  #heard = 0;
  #pinged = 0;
  #closed = false;
  /** The last connection is closed and there is no new one yet. */
  #cut = false;

  constructor(
    endpoint: string,
    model: ModelFiles,
    heartbeat: number,
    { security, sharedMemory = true }: ConnectionOptions,
    events: ConnectionEvents,
  ) {
    this.endpoint = endpoint;
    this.#model = model;
    this.#security = security;
    this.#heartbeat = heartbeat;
    // A socket in the file system is on this machine.
    this.#asksForMemory = sharedMemory && endpoint.startsWith("ipc://");
    this.#events = events;
    [this.#socket, this.#sendQueue] = this.#connect();
  }

  /** Names this life of the connection; features at the worker are valid for the same time. */
  get session(): string {
    return this.#session;
  }

  /** Requests in front of a new one. */
  get load(): number {
    return this.inFlight.size + this.queued;
  }

  /** Sends a request and returns its id; undefined when the queue is full. */
  request(kind: Kind, meta: object, blobs: readonly Uint8Array[]): number | undefined {
    const id = this.#nextId++;
    const put = this.#shared?.put(blobs);
    const told = put === undefined ? meta : { ...meta, shared: put.shared };
    if (!this.#post(kind, id, told, put?.rest ?? blobs)) {
      put?.free();
      return undefined;
    }
    if (put !== undefined) this.#puts.set(id, put);
    this.inFlight.add(id);
    return id;
  }

  /** Cancels request `id`. */
  cancel(id: number): void {
    if (this.inFlight.delete(id)) this.#post("cancel", this.#nextId++, { id }, []);
  }

  /** Runs four times a heartbeat: sends a sign of life, and notices a missing one. */
  tick(now: number): void {
    if (this.#closed) return;
    if (this.#cut) this.#reconnect();
    const alive = this.state === "ready" || this.state === "loading" || this.state === "draining";
    // A sign of life is due within three quarters of a heartbeat; silence shows before the second heartbeat ends.
    if (alive && now - this.#heard > 1.75 * this.#heartbeat) {
      this.#lose(`silent for ${Math.round(now - this.#heard)} ms`);
    } else if (now - this.#pinged >= this.#heartbeat && this.#sendQueue.idle) {
      this.#pinged = now;
      // A worker that was loading announces its new state with a welcome.
      const kind = this.state === "ready" || this.state === "draining" ? "ping" : "hello";
      const meta = kind === "ping" ? {} : { model: this.#model.name, shared: this.#asksForMemory };
      this.#post(kind, this.#nextId++, meta, []);
    }
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
    this.#leaveMemory();
  }

  #leaveMemory(): void {
    this.#puts.clear();
    this.#shared?.close();
    this.#shared = undefined;
  }

  #connect(): [zmq.Dealer, SendQueue] {
    checkDescriptorsLeft();
    const socket = new zmq.Dealer({
      linger: 0,
      // Messages wait here until there is a connection; here they can be counted and withdrawn.
      immediate: true,
      sendHighWaterMark: 64,
      receiveHighWaterMark: 64,
      maxMessageSize: maxFrameBytes,
      reconnectInterval: 100,
      reconnectMaxInterval: 1000,
      handshakeInterval: 3000,
      connectTimeout: 3000,
      ...(this.#security && {
        curveServerKey: this.#security.serverKey,
        curvePublicKey: this.#security.keys.publicKey,
        curveSecretKey: this.#security.keys.secretKey,
      }),
    });
    try {
      return this.#open(socket);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  #open(socket: zmq.Dealer): [zmq.Dealer, SendQueue] {
    this.#session = randomBytes(16).toString("hex");
    this.#nextId = 1;
    this.#pinged = 0;
    for (const event of [
      "handshake:error:auth",
      "handshake:error:protocol",
      "handshake:error:other",
    ] as const)
      socket.events.on(event, () => this.#refused(socket));
    // A process that ends closes its connections at once; only a hang needs the timeout.
    socket.events.on("disconnect", () => {
      if (
        socket === this.#socket &&
        !this.#closed &&
        this.state !== "connecting" &&
        this.state !== "mismatch"
      )
        this.#lose("its connection broke");
    });
    socket.connect(this.endpoint);
    void this.#listen(socket);
    return [socket, new SendQueue(socket, 256)];
  }

  #refused(socket: zmq.Dealer): void {
    if (socket !== this.#socket || this.state !== "connecting") return;
    this.problem = "refuses the connection: it has another key, wants one, or this key is not on its list";
  }

  async #listen(socket: zmq.Dealer): Promise<void> {
    try {
      for await (const frames of socket) {
        if (socket !== this.#socket || this.#closed) return;
        try {
          this.#receive(decodeMessage(frames));
        } catch (error) {
          this.#unreadable(error);
        }
      }
    } catch {
      // The socket was closed while it was read.
    }
  }

  #unreadable(error: unknown): void {
    const reason = error instanceof ProtocolError ? error.reason : "error";
    this.#events.onDropped(reason);
    if (reason === "version" && this.state === "connecting")
      this.#become("mismatch", (error as Error).message);
  }

  #receive(message: Message): void {
    if (message.session !== this.#session) throw new ProtocolError("session", "of another session");
    switch (message.kind) {
      case "welcome":
        this.#heard = performance.now();
        this.#welcomed(metaOf("welcome", message));
        return;
      case "pong": {
        const { state, queued } = metaOf("pong", message);
        this.#heard = performance.now();
        this.queued = Math.max(0, queued - this.inFlight.size);
        if (this.state === "ready" || this.state === "draining") this.#become(state, undefined);
        return;
      }
      case "result":
      case "error":
        this.#heard = performance.now();
        this.#answered(message);
        return;
      default:
        throw new ProtocolError("kind", `a client takes no ${message.kind}`);
    }
  }

  #answered(message: Message): void {
    if (message.kind === "error" && metaOf("error", message).code === "session") {
      this.#lose("it was restarted");
      return;
    }
    this.#puts.get(message.id)?.free();
    this.#puts.delete(message.id);
    if (!this.inFlight.delete(message.id))
      throw new ProtocolError("late", "answers nothing that is waited for");
    // Whoever waits for the answer reads the rest of it, and says so where that cannot be done.
    const { queued } = (message.meta ?? {}) as { readonly queued?: unknown };
    if (typeof queued === "number" && Number.isSafeInteger(queued))
      this.queued = Math.max(0, queued - this.inFlight.size);
    this.#events.onAnswer(this, message.id, message);
  }

  #welcomed({ state, model, hashes, description, queued, offers, shared }: MetaOf<"welcome">): void {
    this.description = description;
    this.takesOwnKeys = offers?.includes("own") ?? false;
    this.takesTexts = offers?.includes("texts") ?? false;
    this.makesProbabilities = offers?.includes("probabilities") ?? false;
    if (shared !== undefined && this.#asksForMemory) this.#shared ??= SharedMemory.open(shared);
    this.queued = queued;
    const wanted = this.#model.hashes;
    const other = modelParts.find((part) => hashes[part] !== wanted[part]);
    if (other === undefined) {
      this.#become(state, undefined);
      return;
    }
    const short = (hash: string | undefined) => hash?.slice(0, 8) ?? "none";
    this.#become(
      "mismatch",
      `serves ${model} with ${other} ${short(hashes[other])}, this side wants ${this.#model.name} with ${short(wanted[other])}`,
    );
  }

  #lose(why: string): void {
    const ids = [...this.inFlight];
    this.inFlight.clear();
    this.queued = 0;
    // The old connection may be half open; its waiting messages must not arrive later.
    if (!this.#cut) this.#socket.close();
    this.#leaveMemory();
    this.#cut = true;
    this.#become("lost", why);
    this.#events.onLost(this, ids);
    this.state = "connecting";
    this.#reconnect();
  }

  /** Opens a connection; a process without free descriptors tries again at the next tick. */
  #reconnect(): void {
    try {
      [this.#socket, this.#sendQueue] = this.#connect();
      this.#cut = false;
    } catch (error) {
      this.problem = `no new connection can be made: ${describe(error)}`;
    }
  }

  #become(state: ConnectionState, problem: string | undefined): void {
    const changed = state !== this.state;
    this.state = state;
    this.problem = problem;
    if (changed) this.#events.onState(this);
  }

  #post(kind: Kind, id: number, meta: unknown, blobs: readonly Uint8Array[]): boolean {
    return (
      !this.#cut && this.#sendQueue.post(encodeMessage({ kind, id, session: this.#session, meta, blobs }))
    );
  }
}
