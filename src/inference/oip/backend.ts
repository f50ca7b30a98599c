import { describe, GraspGroundingError } from "../../errors/index.js";
import type { ColourImage } from "../../geometry/index.js";
import {
  type BackendReport,
  type CallOptions,
  type InferenceBackend,
  type ModelFiles,
  type ModelPart,
  modelParts,
  type Tensor,
  type Tensors,
} from "../port.js";
import { ImagePreprocessPool } from "../preprocess/image-preprocess-pool.js";
import { HttpServer, type TensorFormat } from "./http.js";
import { type OipModel, type OipServer, TransientError, whenUp } from "./server.js";

export interface OipOptions {
  /** Addresses of servers: `http(s)://triton:8000`, `grpc(s)://triton:8001`; more than one share the requests. */
  readonly endpoints: readonly string[];
  /**
   * Name of the model on the servers. Default: the model's own. Parts are `NAME-encoder`, `NAME-text`,
   * `NAME-decoder`; a model of one graph has only `NAME-decoder`.
   */
  readonly serverModel?: string;
  /** Form of tensors over HTTP. Default `auto`: binary where the server supports it. */
  readonly format?: TensorFormat;
  /** Milliseconds a request may take in all. Default 10,000. */
  readonly timeout?: number;
  /** Milliseconds to wait for a server to come up. Default 30,000. */
  readonly startTimeout?: number;
}

/** Properties of the servers, found at the start. */
interface Found {
  /** They serve the ensemble of encoder and decoder. */
  readonly locate: boolean;
  /** At least one does not report the hash of its weights. */
  readonly unchecked: boolean;
  /** Inputs of each part, where the server reports them. */
  readonly inputs: Readonly<Partial<Record<ModelPart, ReadonlySet<string>>>>;
}

/** Stands for features that a server makes again for each request: they are larger than the image. */
class Image {
  readonly feeds: Tensors;
  constructor(feeds: Tensors) {
    this.feeds = feeds;
  }
}

/**
 * A server of the Open Inference Protocol v2 over HTTP or gRPC (Triton, KServe, MLServer, Ray Serve). Where it serves
 * `NAME-locate`, encoder and decoder in one as `models export --triton` writes it, features never travel.
 */
export class OipBackend implements InferenceBackend {
  readonly description: string;
  readonly #model: ModelFiles;
  readonly #name: string;
  readonly #servers: readonly OipServer[];
  readonly #images: ImagePreprocessPool;
  readonly #timeout: number;
  readonly #locate: boolean;
  readonly #inputs: Found["inputs"];
  readonly #counts = { requests: 0, answered: 0, failed: 0, retried: 0, expired: 0, cancelled: 0 };
  readonly #unchecked: boolean;
  readonly #closed = new AbortController();

  private constructor(model: ModelFiles, options: OipOptions, servers: readonly OipServer[], found: Found) {
    this.#model = model;
    this.#name = options.serverModel ?? model.name;
    this.#servers = servers;
    this.#images = new ImagePreprocessPool(model.input);
    this.#timeout = options.timeout ?? 10_000;
    this.#locate = found.locate;
    this.#inputs = found.inputs;
    this.#unchecked = found.unchecked;
    const formats = [...new Set(servers.map(({ format }) => format))].sort().join("+");
    this.description = `oip/${formats}${found.locate ? "/locate" : ""}`;
  }

  /**
   * Checks that the servers are ready and serve this model: names, types and sizes, and SHA-256 where the server
   * reports it.
   * @throws GraspGroundingError SERVER_UNAVAILABLE, MODEL_MISMATCH, ENDPOINT_INVALID
   */
  static async create(model: ModelFiles, options: OipOptions): Promise<OipBackend> {
    const { endpoints, format = "auto" } = options;
    const servers: OipServer[] = [];
    for (const url of endpoints) servers.push(await serverAt(url, format));
    if (servers.length === 0)
      throw new GraspGroundingError("SERVER_UNAVAILABLE", { url: "", detail: "none is named" });
    try {
      return new OipBackend(model, options, servers, await examine(model, servers, options));
    } catch (error) {
      for (const server of servers) server.close();
      throw error;
    }
  }

  async encodeImage({ width, height, data }: ColourImage, options?: CallOptions): Promise<Tensors> {
    const tensors = await this.#images.tensors({ kind: "rgb", width, height, data }).catch((error: Error) => {
      throw new GraspGroundingError("INFERENCE_FAILED", { detail: error.message, name: this.#model.name });
    });
    return this.#model.files.encoder === undefined ? tensors : this.encodeFrame(tensors, options);
  }

  async encodeFrame(feeds: Tensors, options?: CallOptions): Promise<Tensors> {
    const { encoder = [] } = this.#model.outputs;
    if (!this.#locate) return this.#infer("encoder", feeds, encoder, options);
    const featureHandle = new Image(feeds);
    const empty: Tensor = { type: "float32", dims: [], data: new Float32Array(0), featureHandle };
    return Object.fromEntries(encoder.map((name) => [name, empty]));
  }

  async encodeText(feeds: Tensors, options?: CallOptions): Promise<Tensors> {
    const { files, outputs } = this.#model;
    return files.text === undefined ? {} : this.#infer("text", feeds, outputs.text ?? [], options);
  }

  decode(feeds: Tensors, options?: CallOptions): Promise<Tensors> {
    const { decoder = [] } = this.#model.outputs;
    const featureHandle = Object.values(feeds).find(
      (tensor) => tensor.featureHandle instanceof Image,
    )?.featureHandle;
    if (!(featureHandle instanceof Image)) return this.#infer("decoder", feeds, decoder, options);
    const texts = Object.entries(feeds).filter(([, tensor]) => tensor.featureHandle === undefined);
    return this.#infer("locate", { ...featureHandle.feeds, ...Object.fromEntries(texts) }, decoder, options);
  }

  report(): BackendReport {
    const servers = this.#servers.map(({ url, problem, inFlight }, i) => [
      `server_${i}`,
      `${url} ${problem ?? `${inFlight} in flight`}`,
    ]);
    return {
      ...Object.fromEntries(servers),
      ...this.#counts,
      weights: this.#unchecked ? "not told by the server" : "as in the manifest",
    };
  }

  async close(): Promise<void> {
    this.#closed.abort();
    for (const server of this.#servers) server.close();
    await this.#images.close();
  }

  async #infer(
    part: ModelPart | "locate",
    feeds: Tensors,
    outputs: readonly string[],
    { signal }: CallOptions = {},
  ): Promise<Tensors> {
    this.#counts.requests++;
    const until = performance.now() + this.#timeout;
    const either =
      signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal]);
    // Servers refuse inputs that a model does not have, e.g. a mask its text encoder does not read.
    const names = part === "locate" ? undefined : this.#inputs[part];
    const wanted = Object.fromEntries(Object.entries(feeds).filter(([name]) => names?.has(name) ?? true));
    let failure: unknown;
    for (let attempt = 0; attempt < 2; attempt++) {
      const server = this.#leastBusy();
      const left = until - performance.now();
      if (left <= 0) break;
      try {
        const answer = await server.infer(`${this.#name}-${part}`, wanted, outputs, left, { signal: either });
        server.problem = undefined;
        this.#counts.answered++;
        return answer;
      } catch (error) {
        failure = error;
        if (signal?.aborted) {
          this.#counts.cancelled++;
          throw new GraspGroundingError("INFERENCE_CANCELLED");
        }
        if (performance.now() >= until) break;
        server.problem = describe(error);
        if (!(error instanceof TransientError)) break;
        server.restUntil = performance.now() + restAfterFailure;
        if (attempt === 0) this.#counts.retried++;
      }
    }
    const [{ url }] = this.#servers as [OipServer];
    if (performance.now() >= until) {
      this.#counts.expired++;
      throw new GraspGroundingError("INFERENCE_TIMEOUT", { where: url, ms: this.#timeout });
    }
    this.#counts.failed++;
    const detail = describe(failure);
    if (failure instanceof TransientError)
      throw new GraspGroundingError("SERVER_UNAVAILABLE", { url, detail });
    throw new GraspGroundingError("INFERENCE_FAILED", { detail, name: this.#model.name }, { cause: failure });
  }

  /** Servers that just failed come last. */
  #leastBusy(): OipServer {
    const now = performance.now();
    const cost = (server: OipServer) => server.inFlight + (server.restUntil > now ? 1e6 : 0);
    return this.#servers.reduce((a, b) => (cost(b) < cost(a) ? b : a));
  }
}

/** @throws GraspGroundingError ENDPOINT_INVALID */
async function serverAt(url: string, format: TensorFormat): Promise<OipServer> {
  if (/^https?:\/\/[^/]+/.test(url)) return new HttpServer(url, format);
  if (!/^grpcs?:\/\/[^/]+:\d+\/?$/.test(url))
    throw new GraspGroundingError("ENDPOINT_INVALID", { endpoint: url });
  // Imported on use.
  const { GrpcServer } = await import("./grpc.js");
  return new GrpcServer(url);
}

/**
 * Checks that each server is ready and serves this model.
 * @throws GraspGroundingError SERVER_UNAVAILABLE, MODEL_MISMATCH
 */
async function examine(
  model: ModelFiles,
  servers: readonly OipServer[],
  options: OipOptions,
): Promise<Found> {
  const { startTimeout = 30_000, timeout = 10_000 } = options;
  const name = options.serverModel ?? model.name;
  let locate = model.files.encoder !== undefined;
  let unchecked = false;
  const inputs: Partial<Record<ModelPart, ReadonlySet<string>>> = {};
  for (const server of servers) {
    await whenUp(startTimeout, () => server.meet(timeout));
    for (const part of modelParts.filter((each) => model.files[each] !== undefined)) {
      const served = `${name}-${part}`;
      const found = await whenUp(startTimeout, async () => {
        const metadata = await server.model(served, timeout);
        if (metadata !== undefined) return metadata;
        const detail = `does not serve ${served}`;
        throw new GraspGroundingError("SERVER_UNAVAILABLE", { url: server.url, detail });
      });
      checkPart(model, part, served, found);
      if (found.inputs.length > 0) inputs[part] = new Set(found.inputs.map((input) => input.name));
      unchecked ||= !(await checkHash(server, served, model.hashes[part] as string, timeout, model.name));
    }
    locate &&= (await server.model(`${name}-locate`, timeout)) !== undefined;
  }
  return { locate, unchecked, inputs };
}

/** Milliseconds for which a failed server is skipped when there is another. */
const restAfterFailure = 2000;

/** @throws GraspGroundingError MODEL_MISMATCH */
function checkPart(model: ModelFiles, part: ModelPart, served: string, { inputs, outputs }: OipModel): void {
  const mismatch = (detail: string) =>
    new GraspGroundingError("MODEL_MISMATCH", {
      name: model.name,
      detail: `${served} on the server ${detail}`,
    });
  const names = new Set(outputs.map(({ name }) => name));
  // A server that reports neither inputs nor outputs is accepted until it answers.
  const missing = names.size === 0 ? undefined : (model.outputs[part] ?? []).find((name) => !names.has(name));
  if (missing !== undefined) throw mismatch(`gives no ${missing}`);
  if (part === "text") return;
  const wanted = part === "encoder" ? [model.input.name] : model.decoderInputs;
  const extra = inputs.find(({ name }) => !wanted.includes(name));
  if (extra !== undefined) throw mismatch(`wants ${extra.name}`);
  const image = inputs.find(({ name }) => name === model.input.name);
  if (part !== "encoder" || image === undefined) return;
  const { width, height } = model.input;
  const [h = -1, w = -1] = image.shape.slice(-2);
  if (image.datatype !== "FP32" || (h >= 0 && h !== height) || (w >= 0 && w !== width))
    throw mismatch(`takes ${image.datatype} of ${w}×${h}, this side has FP32 of ${width}×${height}`);
}

/** False when the server does not report it. @throws GraspGroundingError MODEL_MISMATCH */
async function checkHash(
  server: OipServer,
  served: string,
  wanted: string,
  timeout: number,
  name: string,
): Promise<boolean> {
  const found = await server.hash(served, timeout);
  if (found !== undefined && found !== wanted) {
    const detail = `${served} on the server has SHA-256 ${found.slice(0, 8)}, this side has ${wanted.slice(0, 8)}`;
    throw new GraspGroundingError("MODEL_MISMATCH", { name, detail });
  }
  return found !== undefined;
}
