import { describe, GraspGroundingError } from "../../errors/index.js";
import type { ColourImage } from "../../geometry/index.js";
import { fitsGraph } from "../graphs/index.js";
import type { ResizePlace } from "../in-process/backend.js";
import type {
  Answered,
  Asked,
  BackendReport,
  CallOptions,
  InferenceBackend,
  ModelFiles,
  Tensors,
} from "../port.js";
import { ImagePreprocessPool } from "../preprocess/image-preprocess-pool.js";
import { isStretched } from "../preprocess/preprocess.js";
import { reportSteps, type Step } from "../steps.js";
import { emptyTensor, FeatureHandle, partition, type Spent } from "./feature-handle.js";
import { type Answer, JobPool, type PoolOptions } from "./pool.js";
import {
  describePayload,
  describeTensors,
  type Payload,
  payloadBlobs,
  readTensors,
  tensorBlobs,
} from "./protocol.js";
import { checkEndpoint } from "./security.js";
import { type ConnectionOptions, WorkerConnection } from "./worker-connection.js";

export interface ZmqOptions extends PoolOptions, ConnectionOptions {
  /** Endpoints of the workers: `ipc:///path` or `tcp://host:port`. */
  readonly endpoints: readonly string[];
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
        new WorkerConnection(endpoint, model, heartbeat, options, {
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
    // Nothing is waited for that is not needed: the request is sent before the caller goes on.
    const payload = this.#payload(image, options);
    return this.#encode(payload instanceof Promise ? await payload : payload, options);
  }

  encodeFrame(feeds: Tensors, options?: CallOptions): Promise<Tensors> {
    return this.#encode({ kind: "tensors", tensors: feeds }, options);
  }

  async encodeText(feeds: Tensors, options: CallOptions = {}): Promise<Tensors> {
    if (this.#model.files.text === undefined) return {};
    const build = () => ({ meta: { tensors: describeTensors(feeds) }, blobs: tensorBlobs(feeds) });
    return this.#outputsOf(await this.#submit(() => "text", { kind: "text", build, ...options }, options));
  }

  /** One request: a worker makes an image's features, keeps them and decodes them. */
  async locate(image: ColourImage, feeds: Tensors, options: CallOptions = {}): Promise<Tensors> {
    const made = this.#featuresOf(image, options);
    const features = made instanceof Promise ? await made : made;
    const outputs = await this.decode({ ...this.#taken(features), ...feeds }, { ...options, image });
    return { ...features, ...outputs };
  }

  /** One request, while every worker that is ready takes queries by their tokens. */
  get ask(): InferenceBackend["ask"] {
    const ready = this.#links.filter(({ state }) => state === "ready");
    const able = ready.length > 0 && ready.every(({ takesTexts }) => takesTexts);
    return able && this.#model.files.text !== undefined ? this.#ask : undefined;
  }

  readonly #ask = async (
    { image, features, tokens }: Asked,
    options: CallOptions = {},
  ): Promise<Answered> => {
    const unmade = features ?? this.#featuresOf(image, options);
    const made = unmade instanceof Promise ? await unmade : unmade;
    const answer = await this.#decode(this.#taken(made), { ...options, image }, tokens);
    const outputs = this.#outputsOf(answer);
    const texts = this.#textsOf(answer, tokens.length);
    return { texts, outputs: features === undefined ? { ...made, ...outputs } : outputs };
  };

  async decode(feeds: Tensors, options: CallOptions = {}): Promise<Tensors> {
    return this.#outputsOf(await this.#decode(feeds, options));
  }

  /** Stand-ins for what a worker will make of an image; at once where nothing has to be waited for. */
  #featuresOf(image: ColourImage, options: CallOptions): Tensors | Promise<Tensors> {
    const standIns = (payload: Payload): Tensors => {
      const featureHandle = new FeatureHandle(payload, true);
      const made = this.#model.outputs.encoder ?? [this.#model.input.name];
      return Object.fromEntries(made.map((name) => [name, emptyTensor([], featureHandle)]));
    };
    const payload = this.#payload(image, options);
    return payload instanceof Promise ? payload.then(standIns) : standIns(payload);
  }

  /** Of an image's features those that the decoder takes. */
  #taken(features: Tensors): Tensors {
    const { decoderInputs } = this.#model;
    return Object.fromEntries(Object.entries(features).filter(([name]) => decoderInputs.includes(name)));
  }

  /** @param tokens of queries whose features the worker makes */
  async #decode(feeds: Tensors, options: CallOptions, tokens?: readonly Tensors[]): Promise<Answer> {
    const { featureHandle, names, inline } = partition(feeds);
    let sent = false;
    const spent: Spent = {};
    const blobs = [inline, ...(tokens ?? [])].flatMap(tensorBlobs);
    const build = (connection: WorkerConnection, full: boolean) => {
      const tensors = describeTensors(inline);
      const texts = tokens?.map(describeTensors);
      const probabilities = connection.makesProbabilities ? this.#model.probabilities : undefined;
      const asked = { tensors, texts, probabilities };
      if (featureHandle === undefined) return { meta: asked, blobs };
      const named = featureHandle.named(connection, spent);
      sent = full || !featureHandle.isAt(connection);
      if (!sent) return { meta: { frame: { ...named, names }, ...asked }, blobs };
      const payload = featureHandle.payload(options.image);
      const image = describePayload(payload, blobs.length);
      return {
        meta: { frame: { ...named, names, picture: image }, ...asked },
        blobs: [...blobs, ...payloadBlobs(payload)],
      };
    };
    const has = (connection: WorkerConnection) => featureHandle?.isAt(connection) ?? true;
    const step = () => (sent ? "locate" : "decoder");
    const answer = await this.#submit(step, { kind: "decode", build, has, ...options }, options, spent);
    featureHandle?.storedAt(answer.connection);
    return answer;
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
  #payload(image: ColourImage, { onStep }: CallOptions = {}): Payload | Promise<Payload> {
    const { width, height, data, jpeg } = image;
    const { input, name } = this.#model;
    if (this.#jpeg && jpeg !== undefined && jpeg.byteLength < 3 * input.width * input.height)
      return { kind: "jpeg", data: jpeg };
    if (!isStretched(input) || this.#sendsAllPixels()) return { kind: "rgb", data, width, height };
    return this.#images.rgb({ kind: "rgb", width, height, data }, onStep).then(
      (rgb) => ({ kind: "rgb", data: rgb }),
      (error: Error) => {
        throw new GraspGroundingError("INFERENCE_FAILED", { detail: error.message, name });
      },
    );
  }

  #sendsAllPixels(): boolean {
    if (this.#resize !== "auto" || !fitsGraph(this.#model.input)) return this.#resize === "graph";
    const ready = this.#links.filter(({ state }) => state === "ready");
    const near = ({ endpoint, description }: WorkerConnection) =>
      endpoint.startsWith("ipc://") && description.includes("cuda");
    return ready.length > 0 && ready.every(near);
  }

  /** Runs a job; what the worker says of its time goes to `onStep`, the rest is transport. */
  #submit(
    step: () => Step,
    job: Parameters<JobPool["submit"]>[0],
    { onStep }: CallOptions,
    spent: Spent = {},
  ): Promise<Answer> {
    const start = performance.now();
    const timed = this.#pool.submit(job).then((value) => {
      const { waited_ms: wait, ran_ms: ran, steps = { wait, [step()]: ran } } = value.meta;
      return { value, ms: { ...spent, ...steps } };
    });
    return reportSteps(timed, onStep, start);
  }

  async #encode(payload: Payload, options: CallOptions = {}): Promise<Tensors> {
    const featureHandle = new FeatureHandle(payload, options.image !== undefined);
    const spent: Spent = {};
    const build = (connection: WorkerConnection) => ({
      meta: { ...featureHandle.named(connection, spent), picture: describePayload(payload, 0) },
      blobs: payloadBlobs(payload),
    });
    const job = { kind: "encode", build, ...options } as const;
    const { connection, meta } = await this.#submit(() => "encoder", job, options, spent);
    featureHandle.storedAt(connection);
    return Object.fromEntries(meta.tensors.map(({ name, dims }) => [name, emptyTensor(dims, featureHandle)]));
  }

  #outputsOf(answer: Answer): Tensors {
    return this.#reading(answer, ({ meta, blobs }) => readTensors(meta.tensors, blobs));
  }

  #textsOf(answer: Answer, count: number): Tensors[] {
    return this.#reading(answer, ({ meta, blobs }) => {
      const { tensors, texts = [] } = meta;
      if (texts.length !== count) throw new RangeError(`features of ${texts.length} of ${count} queries`);
      let at = tensors.length;
      return texts.map((each) => {
        at += each.length;
        return readTensors(each, blobs, at - each.length);
      });
    });
  }

  #reading<Value>(answer: Answer, read: (answer: Answer) => Value): Value {
    const { connection } = answer;
    try {
      return read(answer);
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
