import * as zmq from "zeromq";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { BackendReport, InferenceBackend, ModelFiles, Tensors } from "../port.js";
import { type BatcherOptions, type Ran, Unwanted } from "./batcher.js";
import { Clients } from "./clients.js";
import {
  decodeMessage,
  describeTensors,
  encodeMessage,
  type Kind,
  type Message,
  type MetaOf,
  maxFrameBytes,
  metaOf,
  offers,
  ProtocolError,
  type states,
  tensorBlobs,
  type WorkerErrorCode,
} from "./protocol.js";
import { Missing, RequestRunner, type Taken } from "./runner.js";
import { checkEndpoint, closeToOthers, Gatekeeper, type ServerSecurity } from "./security.js";
import { SendQueue } from "./send-queue.js";

export interface WorkerServerOptions extends Partial<BatcherOptions> {
  readonly bind: string;
  readonly security?: ServerSecurity;
  /** Allows plain TCP beyond this machine. Default false. */
  readonly insecurePlainTcp?: boolean;
  /** Limit of requests that wait or run; more are refused as busy. Default 64. */
  readonly maxQueue?: number;
  /** Images whose features are cached. Default 32; 8 for a model without an encoder, whose pixels are cached. */
  readonly keep?: number;
  /** Threads that decode and resize images. Default 1. */
  readonly imageThreads?: number;
  /** Called for each answer with the milliseconds of waiting for the model and of running it. */
  readonly onAnswered?: (waitedMs: number, ranMs: number) => void;
}

const cachedFeatures = 32;
const cachedPixels = 8;

interface Request extends Taken {
  readonly identity: Buffer;
}

/** Serves one model over ZeroMQ: bound at once, ready when the model is loaded. */
export class WorkerServer {
  readonly endpoint: string;
  readonly #model: ModelFiles;
  readonly #options: WorkerServerOptions;
  readonly #socket: zmq.Router;
  readonly #sendQueue: SendQueue;
  readonly #gatekeeper: Gatekeeper | undefined;
  readonly #clients = new Clients(1024);
  readonly #open = new Map<string, Request>();
  readonly #dropped: Record<string, number> = {};
  readonly #counts = { answered: 0, refused: 0, failed: 0, expired: 0, cancelled: 0 };
  #backend: InferenceBackend | undefined;
  #runner: RequestRunner | undefined;
  #draining = false;

  private constructor(
    model: ModelFiles,
    options: WorkerServerOptions,
    socket: zmq.Router,
    gatekeeper: Gatekeeper | undefined,
  ) {
    this.#model = model;
    this.#options = options;
    this.#socket = socket;
    this.#gatekeeper = gatekeeper;
    this.endpoint = socket.lastEndpoint ?? options.bind;
    this.#sendQueue = new SendQueue(socket, 1024);
    void this.#serve();
  }

  /** @throws GraspGroundingError ENDPOINT_INVALID, ENDPOINT_INSECURE, WORKER_FAILED */
  static async bind(model: ModelFiles, options: WorkerServerOptions): Promise<WorkerServer> {
    const { bind: endpoint, security, insecurePlainTcp = false } = options;
    checkEndpoint(endpoint, security !== undefined, insecurePlainTcp);
    const gatekeeper = security && (await Gatekeeper.open(security.allowed));
    const socket = new zmq.Router({
      linger: 0,
      maxMessageSize: maxFrameBytes,
      sendHighWaterMark: 256,
      receiveHighWaterMark: 256,
      handshakeInterval: 3000,
      ...(security && {
        curveServer: true,
        curveSecretKey: security.keys.secretKey,
        zapDomain: gatekeeper?.domain ?? "",
      }),
    });
    try {
      await socket.bind(endpoint);
      await closeToOthers(endpoint);
    } catch (cause) {
      gatekeeper?.close();
      socket.close();
      throw new GraspGroundingError("WORKER_FAILED", { endpoint, detail: describe(cause) }, { cause });
    }
    return new WorkerServer(model, options, socket, gatekeeper);
  }

  /** Answers requests with `backend` from now on. */
  serve(backend: InferenceBackend): void {
    const { maxBatch = 1, batchWait = 2, imageThreads = 1 } = this.#options;
    const { keep = this.#model.files.encoder === undefined ? cachedPixels : cachedFeatures } = this.#options;
    this.#backend = backend;
    this.#runner = new RequestRunner(this.#model, backend, { maxBatch, batchWait, imageThreads, keep });
  }

  /** Refuses new requests; resolves when the accepted ones are answered, or after `drainTimeoutMs` milliseconds. */
  async drain(drainTimeoutMs = 5000): Promise<void> {
    this.#draining = true;
    const until = performance.now() + drainTimeoutMs;
    while ((this.#open.size > 0 || !this.#sendQueue.idle) && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async close(): Promise<void> {
    this.#draining = true;
    this.#socket.close();
    this.#gatekeeper?.close();
    await Promise.all([this.#runner?.close(), this.#backend?.close()]);
  }

  report(): BackendReport {
    const { batches, batched, cachedImages } = this.#runner?.counts ?? {
      batches: 0,
      batched: 0,
      cachedImages: 0,
    };
    return {
      state: this.state,
      open: this.#open.size,
      ...this.#counts,
      batches,
      batched,
      kept_pictures: cachedImages,
      refused_keys: this.#gatekeeper?.refused ?? 0,
      ...Object.fromEntries(Object.entries(this.#dropped).map(([why, n]) => [`dropped_${why}`, n])),
    };
  }

  get state(): (typeof states)[number] {
    if (this.#draining) return "draining";
    return this.#runner === undefined ? "loading" : "ready";
  }

  async #serve(): Promise<void> {
    for await (const [identity, ...frames] of this.#socket) {
      try {
        this.#receive(identity as Buffer, decodeMessage(frames));
      } catch (error) {
        const why = error instanceof ProtocolError ? error.reason : "error";
        this.#dropped[why] = (this.#dropped[why] ?? 0) + 1;
      }
    }
  }

  #receive(identity: Buffer, message: Message): void {
    const seen = this.#clients.see(identity, message.session, message.id, message.kind === "hello");
    if (seen === "replayed") throw new ProtocolError("replayed", "this message was here before");
    if (seen === "unknown") {
      this.#refuse(identity, message, "session", "say hello first");
      return;
    }
    switch (message.kind) {
      case "hello":
        this.#welcome(identity, message);
        return;
      case "ping":
        metaOf("ping", message);
        this.#answer(identity, message, "pong", { state: this.state, queued: this.#open.size });
        return;
      case "cancel": {
        const request = this.#open.get(keyOf(message.session, metaOf("cancel", message).id));
        if (request !== undefined) request.cancelled = true;
        return;
      }
      case "encode":
      case "text":
      case "decode":
        this.#take(identity, message);
        return;
      default:
        throw new ProtocolError("kind", `a worker takes no ${message.kind}`);
    }
  }

  #welcome(identity: Buffer, message: Message): void {
    metaOf("hello", message);
    const { name, hashes } = this.#model;
    const description = this.#backend?.description ?? "loading";
    const status = { state: this.state, queued: this.#open.size };
    this.#answer(identity, message, "welcome", { ...status, model: name, hashes, description, offers });
  }

  #take(identity: Buffer, message: Message): void {
    if (this.state !== "ready") {
      this.#refuse(identity, message, this.state as "loading", "not ready");
      return;
    }
    if (this.#open.size >= (this.#options.maxQueue ?? 64)) {
      this.#refuse(identity, message, "busy", `${this.#open.size} requests`);
      return;
    }
    const remaining = (message.meta as { remaining_ms?: unknown } | null)?.remaining_ms;
    const expires = performance.now() + (typeof remaining === "number" ? remaining : 0);
    const request: Request = { identity, message, expires, cancelled: false };
    const key = keyOf(message.session, message.id);
    this.#open.set(key, request);
    void this.#handle(request)
      .catch((error: unknown) => this.#failed(request, error))
      .finally(() => this.#open.delete(key));
  }

  async #handle(request: Request): Promise<void> {
    const ran = await (this.#runner as RequestRunner).run(request);
    // Features stay here; the answer has only their shapes.
    this.#deliver(request, ran, ran.outputs, request.message.kind === "encode");
  }

  #deliver(request: Request, { waitedMs, ranMs, steps }: Ran, outputs: Tensors, featuresStay: boolean): void {
    this.#counts.answered++;
    this.#options.onAnswered?.(waitedMs, ranMs);
    const meta: MetaOf<"result"> = {
      queued: this.#open.size - 1,
      waited_ms: waitedMs,
      ran_ms: ranMs,
      ...(steps && { steps }),
      tensors: describeTensors(outputs),
      ...(featuresStay && { kept: true }),
    };
    this.#answer(request.identity, request.message, "result", meta, featuresStay ? [] : tensorBlobs(outputs));
  }

  #failed({ identity, message }: Request, error: unknown): void {
    if (error instanceof Unwanted) {
      const code = error.message === "deadline" ? "deadline" : "cancelled";
      this.#counts[code === "deadline" ? "expired" : "cancelled"]++;
      this.#refuse(identity, message, code, "not run");
    } else if (error instanceof Missing) {
      this.#refuse(identity, message, "missing", error.message);
    } else if (error instanceof ProtocolError) {
      this.#dropped[error.reason] = (this.#dropped[error.reason] ?? 0) + 1;
      this.#refuse(identity, message, "bad", error.message);
    } else {
      this.#counts.failed++;
      this.#refuse(identity, message, "failed", describe(error));
    }
  }

  #refuse(identity: Buffer, message: Message, code: WorkerErrorCode, detail: string): void {
    if (code === "busy" || code === "loading" || code === "draining") this.#counts.refused++;
    this.#answer(identity, message, "error", { code, detail });
  }

  #answer(identity: Buffer, to: Message, kind: Kind, meta: unknown, blobs: Uint8Array[] = []): void {
    const frames = encodeMessage({ kind, id: to.id, session: to.session, meta, blobs });
    if (!this.#sendQueue.post([identity, ...frames])) this.#dropped.unsent = (this.#dropped.unsent ?? 0) + 1;
  }
}

const keyOf = (session: string, id: number): string => `${session} ${id}`;
