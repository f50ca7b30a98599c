import {
  credentials,
  type CallOptions as GrpcCallOptions,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import { GraspGroundingError } from "../../errors/index.js";
import type { CallOptions, Tensors } from "../port.js";
import { grpcSchema } from "./grpc-schema.js";
import { type OipModel, type OipServer, type OipValue, TransientError } from "./server.js";
import { bytesOf, datatypes, fromBytes, fromValues } from "./tensors.js";

/** Limit of a message in bytes; servers have their own limit, often 4 MiB by default. */
const maxMessage = 64 * 2 ** 20;

/** Statuses after which another attempt, or another server, may succeed. */
const transient = new Set([status.UNAVAILABLE, status.ABORTED, status.RESOURCE_EXHAUSTED]);

type Method = (
  request: object,
  options: GrpcCallOptions,
  answered: (error: ServiceError | null, answer?: unknown) => void,
) => { cancel(): void };

type Client = Readonly<Record<string, Method>> & { close(): void };

interface InferResponse {
  readonly outputs: readonly (OipValue & {
    readonly contents?: Readonly<Record<string, readonly number[]>> | null;
  })[];
  readonly raw_output_contents: readonly Buffer[];
}

/** A server of the protocol over gRPC: `grpc://host:port`, or `grpcs://host:port` with TLS. */
export class GrpcServer implements OipServer {
  readonly url: string;
  readonly format = "grpc";
  inFlight = 0;
  restUntil = 0;
  problem: string | undefined;
  readonly #client: Client;

  constructor(url: string) {
    this.url = url.replace(/\/+$/, "");
    const [, secure, address] = /^grpc(s?):\/\/(.+)$/.exec(this.url) ?? [];
    const definition = fromJSON(grpcSchema, { longs: Number, defaults: true });
    const { inference } = loadPackageDefinition(definition) as unknown as {
      inference: { GRPCInferenceService: ServiceClientConstructor };
    };
    this.#client = new inference.GRPCInferenceService(
      address ?? "",
      secure === "s" ? credentials.createSsl() : credentials.createInsecure(),
      {
        "grpc.max_receive_message_length": maxMessage,
        "grpc.max_send_message_length": maxMessage,
        // As over HTTP: a robot's server is reached directly, whatever proxies the environment names.
        "grpc.enable_http_proxy": 0,
        // A server that was unreachable is tried again soon.
        "grpc.initial_reconnect_backoff_ms": 100,
        "grpc.max_reconnect_backoff_ms": 2000,
      },
    ) as unknown as Client;
  }

  async meet(timeout: number): Promise<void> {
    const { ready } = await this.#ask<{ ready: boolean }>("ServerReady", {}, timeout);
    if (!ready) throw this.#error("is not ready");
  }

  async model(name: string, timeout: number): Promise<OipModel | undefined> {
    const ready = await this.#askOf<{ ready: boolean }>("ModelReady", name, timeout);
    return ready?.ready ? this.#askOf<OipModel>("ModelMetadata", name, timeout) : undefined;
  }

  async hash(name: string, timeout: number): Promise<string | undefined> {
    type Config = { config?: { parameters?: Record<string, { string_value: string }> } | null };
    const config = await this.#askOf<Config>("ModelConfig", name, timeout);
    return config?.config?.parameters?.sha256?.string_value;
  }

  async infer(
    model: string,
    inputs: Tensors,
    outputs: readonly string[],
    timeout: number,
    { signal }: CallOptions,
  ): Promise<Tensors> {
    const entries = Object.entries(inputs);
    const request = {
      model_name: model,
      inputs: entries.map(([name, { type, dims }]) => ({ name, datatype: datatypes[type], shape: dims })),
      outputs: outputs.map((name) => ({ name })),
      raw_input_contents: entries.map(([, { data }]) => bytesOf(data)),
    };
    this.inFlight++;
    try {
      return readAnswer(await this.#call<InferResponse>("ModelInfer", request, timeout, signal));
    } catch (error) {
      const { code, details = "" } = error as Partial<ServiceError>;
      if (code === undefined || signal?.aborted) throw error;
      const text = `gRPC ${status[code] ?? code}: ${details.slice(0, 200)}`;
      // A message that is too large stays too large.
      const hopeless = code === status.RESOURCE_EXHAUSTED && /larger than max/i.test(details);
      throw transient.has(code) && !hopeless ? new TransientError(text) : new Error(text);
    } finally {
      this.inFlight--;
    }
  }

  close(): void {
    this.#client.close();
  }

  /** @throws GraspGroundingError SERVER_UNAVAILABLE */
  async #ask<T>(method: string, request: object, timeout: number): Promise<T> {
    try {
      return await this.#call<T>(method, request, timeout);
    } catch (cause) {
      const { details, message } = cause as ServiceError;
      throw this.#error(details || message, cause);
    }
  }

  /** The same for one model; undefined when the server does not have the model or the method. */
  async #askOf<T>(method: string, name: string, timeout: number): Promise<T | undefined> {
    try {
      return await this.#call<T>(method, { name }, timeout);
    } catch (cause) {
      const { code, details, message } = cause as ServiceError;
      if (code !== status.UNAVAILABLE && code !== status.DEADLINE_EXCEEDED) return undefined;
      throw this.#error(details || message, cause);
    }
  }

  #call<T>(method: string, request: object, timeout: number, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + Math.max(1, Math.ceil(timeout));
      const call = (this.#client[method] as Method).call(
        this.#client,
        request,
        { deadline },
        (error, answer) => {
          signal?.removeEventListener("abort", abort);
          if (error) reject(error);
          else resolve(answer as T);
        },
      );
      const abort = () => call.cancel();
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  }

  #error(detail: string, cause?: unknown): GraspGroundingError {
    this.problem = detail;
    return new GraspGroundingError("SERVER_UNAVAILABLE", { url: this.url, detail }, { cause });
  }
}

/**
 * Contents come raw, one for each output, or as numbers in each output.
 * @throws RangeError when it is not well-formed
 */
function readAnswer({ outputs, raw_output_contents: raw }: InferResponse): Tensors {
  if (raw.length > 0 && raw.length !== outputs.length)
    throw new RangeError(`${raw.length} contents for ${outputs.length} outputs`);
  return Object.fromEntries(
    outputs.map(({ name, datatype, shape, contents }, i) => {
      const bytes = raw[i];
      if (bytes !== undefined) return [name, fromBytes(name, datatype, shape, bytes)];
      const filled = Object.values(contents ?? {}).find((values) => values.length > 0);
      return [name, fromValues(name, datatype, shape, filled ?? [])];
    }),
  );
}
