import * as zmq from "zeromq";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { PictureThreads } from "../picture-threads.js";
import type { BackendReport, InferenceBackend, ModelFiles, Tensor, Tensors } from "../port.js";
import { Batcher, type BatcherOptions, type Ran, Unwanted } from "./batcher.js";
import { Clients } from "./clients.js";
import { KeptFeatures } from "./kept.js";
import { Outbox } from "./outbox.js";
import {
  decodeMessage,
  describeTensors,
  encodeMessage,
  type Kind,
  type Message,
  type MetaOf,
  maxFrameBytes,
  metaOf,
  type Payload,
  ProtocolError,
  payloadKey,
  readPayload,
  readTensors,
  tensorBlobs,
  type WorkerErrorCode,
} from "./protocol.js";
import { checkEndpoint, closeToOthers, Gatekeeper, type ServerSecurity } from "./security.js";

export interface WorkerServerOptions extends Partial<BatcherOptions> {
  readonly bind: string;
  readonly security?: ServerSecurity;
  /** Plain TCP beyond this machine was asked for by name. */
  readonly insecurePlainTcp?: boolean;
  /** Requests that wait or run at most; more are refused as busy. Default 64. */
  readonly maxQueue?: number;
  /** Pictures whose features are kept. Default 32. */
  readonly keep?: number;
  /** Threads that decode and resize pictures. Default 1. */
  readonly pictureThreads?: number;
}

interface Request {
  readonly identity: Buffer;
  readonly message: Message;
  /** performance.now() after which nobody waits. */
  readonly expires: number;
  cancelled: boolean;
}

/** Serves one model over ZeroMQ: bound at once, ready when the model is loaded. */
export class WorkerServer {
  readonly endpoint: string;
  readonly #model: ModelFiles;
  readonly #options: WorkerServerOptions;
  readonly #socket: zmq.Router;
  readonly #outbox: Outbox;
  readonly #gatekeeper: Gatekeeper | undefined;
  readonly #pictures: PictureThreads;
  readonly #kept: KeptFeatures;
  readonly #clients = new Clients(1024);
  readonly #open = new Map<string, Request>();
  readonly #dropped: Record<string, number> = {};
  readonly #counts = { answered: 0, refused: 0, failed: 0, expired: 0, cancelled: 0 };
  #backend: InferenceBackend | undefined;
  #batcher: Batcher | undefined;
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
    this.#outbox = new Outbox(socket, 1024);
    this.#pictures = new PictureThreads(model.input, options.pictureThreads ?? 1);
    this.#kept = new KeptFeatures(options.keep ?? 32);
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

  /** From now on requests are answered with `backend`. */
  serve(backend: InferenceBackend): void {
    const { maxBatch = 1, batchWait = 2 } = this.#options;
    this.#backend = backend;
    this.#batcher = new Batcher(backend, { maxBatch, batchWait });
  }

  /** No new requests; resolves when those that were taken are answered, or after `patience` milliseconds. */
  async drain(patience = 5000): Promise<void> {
    this.#draining = true;
    const until = performance.now() + patience;
    while ((this.#open.size > 0 || !this.#outbox.idle) && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async close(): Promise<void> {
    this.#draining = true;
    this.#socket.close();
    this.#gatekeeper?.close();
    await Promise.all([this.#pictures.close(), this.#backend?.close()]);
  }

  report(): BackendReport {
    return {
      state: this.#state,
      open: this.#open.size,
      ...this.#counts,
      batches: this.#batcher?.batches ?? 0,
      batched: this.#batcher?.batched ?? 0,
      kept_pictures: this.#kept.size,
      refused_keys: this.#gatekeeper?.refused ?? 0,
      ...Object.fromEntries(Object.entries(this.#dropped).map(([why, n]) => [`dropped_${why}`, n])),
    };
  }

  get #state(): "loading" | "ready" | "draining" {
    if (this.#draining) return "draining";
    return this.#batcher === undefined ? "loading" : "ready";
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
        this.#answer(identity, message, "pong", { state: this.#state, queued: this.#open.size });
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
    const status = { state: this.#state, queued: this.#open.size };
    this.#answer(identity, message, "welcome", { ...status, model: name, hashes, description });
  }

  #take(identity: Buffer, message: Message): void {
    if (this.#state !== "ready") {
      this.#refuse(identity, message, this.#state as "loading", "not ready");
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
    const { message } = request;
    if (message.kind === "text") {
      const { tensors } = metaOf("text", message);
      const ran = await this.#run(request, "text", readTensors(tensors, message.blobs));
      this.#deliver(request, ran, ran.outputs);
      return;
    }
    if (message.kind === "encode") {
      const meta = metaOf("encode", message);
      const ran = await this.#features(request, meta.key, readPayload(meta.picture, message.blobs));
      this.#deliver(request, ran, ran.outputs, true);
      return;
    }
    const { frame, tensors } = metaOf("decode", message);
    const feeds: Record<string, Tensor> = readTensors(tensors, message.blobs);
    if (frame !== undefined) {
      const payload = frame.picture && readPayload(frame.picture, message.blobs);
      const features = (await this.#features(request, frame.key, payload)).outputs;
      for (const name of frame.names) if (features[name] !== undefined) feeds[name] = features[name];
    }
    const ran = await this.#run(request, "decoder", feeds);
    this.#deliver(request, ran, ran.outputs);
  }

  /** Features of a picture: kept ones, else made of `payload`, once however many ask. */
  async #features(request: Request, key: string, payload: Payload | undefined): Promise<Ran> {
    const known = this.#kept.get(key);
    if (known !== undefined) {
      const ran = await known.catch(() => undefined);
      if (ran !== undefined) return { ...ran, waitedMs: 0, ranMs: 0 };
    }
    if (payload === undefined) throw new Missing(key);
    if (payloadKey(payload) !== key) throw new ProtocolError("key", "the picture is not what its key says");
    return this.#kept.set(key, this.#encode(request, payload));
  }

  async #encode(request: Request, payload: Payload): Promise<Ran> {
    const { width, height, name } = this.#model.input;
    if (payload.kind === "tensors") return this.#run(request, "encoder", payload.tensors);
    if (payload.kind === "rgb" && payload.data.byteLength !== width * height * 3)
      throw new ProtocolError(
        "picture",
        `${payload.data.byteLength} bytes are not ${width}×${height} pixels`,
      );
    const picture =
      payload.kind === "jpeg"
        ? ({ kind: "jpeg", data: payload.data } as const)
        : ({ kind: "rgb", width, height, data: payload.data } as const);
    const tensor = await this.#pictures.tensor(picture).catch((error) => {
      throw new ProtocolError("picture", describe(error));
    });
    return this.#run(request, "encoder", { [name]: tensor });
  }

  #run(request: Request, part: "encoder" | "text" | "decoder", feeds: Tensors): Promise<Ran> {
    const { expires } = request;
    const wanted = () => !request.cancelled;
    return (this.#batcher as Batcher).run({ part, feeds, expires, wanted });
  }

  #deliver(request: Request, { waitedMs, ranMs }: Ran, outputs: Tensors, kept = false): void {
    this.#counts.answered++;
    const meta: MetaOf<"result"> = {
      queued: this.#open.size - 1,
      waited_ms: waitedMs,
      ran_ms: ranMs,
      tensors: describeTensors(outputs),
      ...(kept && { kept }),
    };
    this.#answer(request.identity, request.message, "result", meta, kept ? [] : tensorBlobs(outputs));
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
    if (!this.#outbox.post([identity, ...frames])) this.#dropped.unsent = (this.#dropped.unsent ?? 0) + 1;
  }
}

/** Features a client believed to be here are not. */
class Missing extends Error {}

const keyOf = (session: string, id: number): string => `${session} ${id}`;
