import { describe, GraspGroundingError } from "../../errors/index.js";
import type { ColourImage } from "../../geometry/index.js";
import { fitsGraph } from "../graphs/index.js";
import type { ResizePlace } from "../in-process/backend.js";
import type { BackendReport, CallOptions, InferenceBackend, ModelFiles, Tensor, Tensors } from "../port.js";
import { ImagePreprocessPool } from "../preprocess/image-preprocess-pool.js";
import { isStretched } from "../preprocess/preprocess.js";
import { reportSteps, type Step } from "../steps.js";
import { type Answer, JobPool, type PoolOptions } from "./pool.js";
import {
  describePayload,
  describeTensors,
  type Payload,
  payloadBlobs,
  payloadKey,
  readTensors,
  tensorBlobs,
} from "./protocol.js";
import { type ClientSecurity, checkEndpoint } from "./security.js";
import { WorkerConnection } from "./worker-connection.js";

export interface ZmqOptions extends PoolOptions {
  /** Endpoints of the workers: `ipc:///path` or `tcp://host:port`. */
  readonly endpoints: readonly string[];
  readonly security?: ClientSecurity;
  /** Allows plain TCP beyond this machine. Default false. */
  readonly insecurePlainTcp?: boolean;
  /** Milliseconds between heartbeats; a worker that misses two counts as lost. Default 1000. */
  readonly heartbeat?: number;
  /** Milliseconds to wait for a first worker. Default 30,000. */
  readonly startTimeout?: number;
  /** Send an image's JPEG where it is smaller than the pixels at the model's size. Default true. */
  readonly jpeg?: boolean;
  /**
   * Where images without a small JPEG get the model's size: `threads` of this process, or the worker, which gets all
   * pixels (`graph`). Default `auto`: the worker, where every ready one is on this machine and on CUDA.
   */
  readonly resize?: ResizePlace;
}

/** Features of one image, stored by the workers that made them. */
class FeatureHandle {
  readonly key: string;
  readonly payload: Payload;
  /** Worker, and the session in which it stored them. */
  readonly holders = new Map<WorkerConnection, string>();

  constructor(key: string, payload: Payload) {
    this.key = key;
    this.payload = payload;
  }

  isAt(connection: WorkerConnection): boolean {
    return this.holders.get(connection) === connection.session;
  }
}

/** Workers over ZeroMQ. Features of images stay at the worker: only images, queries and logits travel. */
export class ZmqBackend implements InferenceBackend {
  readonly #links: readonly WorkerConnection[];
  readonly #pool: JobPool;
  readonly #images: ImagePreprocessPool;
  readonly #model: ModelFiles;
  readonly #jpeg: boolean;
  readonly #resize: ResizePlace;
  readonly #dropped: Record<string, number> = {};
  readonly #watchers = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  #lost = 0;
  #description = "zmq";

  private constructor(model: ModelFiles, options: ZmqOptions) {
    const heartbeat = options.heartbeat ?? 1000;
    this.#model = model;
    this.#jpeg = options.jpeg ?? true;
    this.#resize = options.resize ?? "auto";
    this.#images = new ImagePreprocessPool(model.input);
    this.#links = options.endpoints.map(
      (endpoint) =>
        new WorkerConnection(endpoint, model, heartbeat, options.security, {
          onAnswer: (connection, id, answer) => this.#pool.answer(connection, id, answer),
          onLost: (connection) => {
            this.#lost++;
            this.#pool.lost(connection, connection.problem ?? "lost");
          },
          onState: () => this.#changed(),
          onDropped: (reason) => {
            this.#dropped[reason] = (this.#dropped[reason] ?? 0) + 1;
          },
        }),
    );
    this.#pool = new JobPool(this.#links, options);
    this.#timer = setInterval(() => {
      const now = performance.now();
      for (const connection of this.#links) connection.tick(now);
    }, heartbeat / 4);
  }

  /**
   * Connects, and waits for a first worker that is ready.
   * @throws GraspGroundingError WORKERS_UNAVAILABLE, ENDPOINT_INVALID, ENDPOINT_INSECURE
   */
  static async create(model: ModelFiles, options: ZmqOptions): Promise<ZmqBackend> {
    for (const endpoint of options.endpoints)
      checkEndpoint(endpoint, options.security !== undefined, options.insecurePlainTcp ?? false);
    if (options.endpoints.length === 0)
      throw new GraspGroundingError("WORKERS_UNAVAILABLE", { detail: "no endpoint is named" });
    const backend = new ZmqBackend(model, options);
    try {
      await backend.#firstReady(options.startTimeout ?? 30_000);
    } catch (error) {
      await backend.close();
      throw error;
    }
    return backend;
  }

  /** Back end and provider of the workers, e.g. `zmq/in-process/cuda`. */
  get description(): string {
    return this.#description;
  }

  async encodeImage(image: ColourImage, options?: CallOptions): Promise<Tensors> {
    return this.#encode(await this.#payload(image, options), options);
  }

  encodeFrame(feeds: Tensors, options?: CallOptions): Promise<Tensors> {
    return this.#encode({ kind: "tensors", tensors: feeds }, options);
  }

  async encodeText(feeds: Tensors, options: CallOptions = {}): Promise<Tensors> {
    if (this.#model.files.text === undefined) return {};
    const build = () => ({ meta: { tensors: describeTensors(feeds) }, blobs: tensorBlobs(feeds) });
    return this.#outputsOf(await this.#submit("text", { kind: "text", build, ...options }, options));
  }

  async decode(feeds: Tensors, options: CallOptions = {}): Promise<Tensors> {
    const { featureHandle, names, inline } = partition(feeds);
    const blobs = tensorBlobs(inline);
    const build = (connection: WorkerConnection, full: boolean) => {
      const tensors = describeTensors(inline);
      if (featureHandle === undefined) return { meta: { tensors }, blobs };
      const { key, payload } = featureHandle;
      if (!full && featureHandle.isAt(connection)) return { meta: { frame: { key, names }, tensors }, blobs };
      const image = describePayload(payload, blobs.length);
      return {
        meta: { frame: { key, names, picture: image }, tensors },
        blobs: [...blobs, ...payloadBlobs(payload)],
      };
    };
    const has = (connection: WorkerConnection) => featureHandle?.isAt(connection) ?? true;
    const answer = await this.#submit("decoder", { kind: "decode", build, has, ...options }, options);
    featureHandle?.holders.set(answer.connection, answer.connection.session);
    return this.#outputsOf(answer);
  }

  report(): BackendReport {
    const ready = this.#links.filter(({ state }) => state === "ready").length;
    const workers = this.#links.map((connection, i) => {
      const { endpoint, state, problem, description, inFlight } = connection;
      const detail = problem ?? (state === "ready" ? `${inFlight.size} in flight, ${description}` : "");
      return [`worker_${i}`, `${endpoint} ${state}${detail === "" ? "" : `: ${detail}`}`] as const;
    });
    return {
      workers: `${ready} of ${this.#links.length} ready`,
      ...Object.fromEntries(workers),
      ...this.#pool.counts,
      waiting: this.#pool.waiting,
      workers_lost: this.#lost,
      ...Object.fromEntries(Object.entries(this.#dropped).map(([why, n]) => [`dropped_${why}`, n])),
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const detail = "the back end was closed";
    this.#pool.close(new GraspGroundingError("INFERENCE_FAILED", { detail, name: this.#model.name }));
    for (const connection of this.#links) connection.close();
    await this.#images.close();
  }

  /**
   * The JPEG where it is small, else the pixels: at the model's size where their bytes are all that the model sees.
   * Both give the same features.
   */
  async #payload(image: ColourImage, { onStep }: CallOptions = {}): Promise<Payload> {
    const { width, height, data, jpeg } = image;
    const { input, name } = this.#model;
    if (this.#jpeg && jpeg !== undefined && jpeg.byteLength < 3 * input.width * input.height)
      return { kind: "jpeg", data: jpeg };
    if (!isStretched(input) || this.#sendsAllPixels()) return { kind: "rgb", data, width, height };
    const rgb = await this.#images.rgb({ kind: "rgb", width, height, data }, onStep).catch((error: Error) => {
      throw new GraspGroundingError("INFERENCE_FAILED", { detail: error.message, name });
    });
    return { kind: "rgb", data: rgb };
  }

  #sendsAllPixels(): boolean {
    if (this.#resize !== "auto" || !fitsGraph(this.#model.input)) return this.#resize === "graph";
    const ready = this.#links.filter(({ state }) => state === "ready");
    const near = ({ endpoint, description }: WorkerConnection) =>
      endpoint.startsWith("ipc://") && description.includes("cuda");
    return ready.length > 0 && ready.every(near);
  }

  /** Runs a job; what the worker says of its time goes to `onStep`, the rest is transport. */
  async #submit(step: Step, job: Parameters<JobPool["submit"]>[0], { onStep }: CallOptions): Promise<Answer> {
    const timed = this.#pool.submit(job).then((value) => {
      const { waited_ms: wait, ran_ms: ran } = value.meta;
      return { value, ms: { wait, [step]: ran } };
    });
    return reportSteps(timed, onStep);
  }

  async #encode(payload: Payload, options: CallOptions = {}): Promise<Tensors> {
    const featureHandle = new FeatureHandle(payloadKey(payload), payload);
    const build = () => ({
      meta: { key: featureHandle.key, picture: describePayload(payload, 0) },
      blobs: payloadBlobs(payload),
    });
    const job = { kind: "encode", build, ...options } as const;
    const { connection, meta } = await this.#submit("encoder", job, options);
    featureHandle.holders.set(connection, connection.session);
    return Object.fromEntries(
      meta.tensors.map(({ name, type, dims }): [string, Tensor] => [
        name,
        { type, dims, data: new Float32Array(0), featureHandle },
      ]),
    );
  }

  #outputsOf({ connection, meta, blobs }: Answer): Tensors {
    try {
      return readTensors(meta.tensors, blobs);
    } catch (cause) {
      const detail = `${connection.endpoint}: ${describe(cause)}`;
      throw new GraspGroundingError("INFERENCE_FAILED", { detail, name: this.#model.name }, { cause });
    }
  }

  #changed(): void {
    const kinds = new Set(
      this.#links.filter(({ state }) => state === "ready").map(({ description }) => description),
    );
    if (kinds.size > 0) this.#description = `zmq/${[...kinds].sort().join("+")}`;
    for (const watcher of this.#watchers) watcher();
    this.#pool?.pump();
  }

  #firstReady(timeout: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        if (error === undefined) resolve();
        else reject(error);
      };
      const why = () => {
        const each = this.#links.map(
          ({ endpoint, state, problem }) => `${endpoint}: ${problem ?? `no answer (${state})`}`,
        );
        return new GraspGroundingError("WORKERS_UNAVAILABLE", { detail: each.join(", ") });
      };
      const look = () => {
        if (this.#links.some(({ state }) => state === "ready")) done();
        else if (this.#links.every(({ state }) => state === "mismatch")) done(why());
      };
      const timer = setTimeout(() => done(why()), timeout);
      this.#watchers.add(look);
      look();
    });
  }
}

/** Feeds to send, and the image whose features stay at the worker. */
function partition(feeds: Tensors): {
  featureHandle: FeatureHandle | undefined;
  names: string[];
  inline: Tensors;
} {
  const entries = Object.entries(feeds);
  const names = entries.filter(([, { featureHandle }]) => featureHandle !== undefined).map(([name]) => name);
  const all = new Set(
    entries.flatMap(([, { featureHandle }]) =>
      featureHandle instanceof FeatureHandle ? [featureHandle] : [],
    ),
  );
  if (all.size > 1) throw new RangeError("features of several images cannot be decoded together");
  const inline = Object.fromEntries(entries.filter(([, { featureHandle }]) => featureHandle === undefined));
  return { featureHandle: [...all][0], names, inline };
}
