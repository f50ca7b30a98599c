import { z } from "zod";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { CallOptions, Tensors } from "../port.js";
import { type OipModel, type OipServer, TransientError } from "./server.js";
import { readResponse, writeRequest } from "./tensors.js";

const tensorSchema = z.looseObject({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.coerce.number()),
});
const modelSchema = z.looseObject({ inputs: z.array(tensorSchema), outputs: z.array(tensorSchema) });

/** Statuses after which another attempt, or another server, may succeed. */
const transient = new Set([429, 502, 503, 504]);

/** Form of tensors: `auto` sends bytes where the server has the binary tensor extension. */
export type TensorFormat = "auto" | "binary" | "json";

/** A server of the protocol over HTTP. */
export class HttpServer implements OipServer {
  readonly url: string;
  inFlight = 0;
  restUntil = 0;
  problem: string | undefined;
  readonly #wanted: TensorFormat;
  #binary: boolean;

  constructor(url: string, format: TensorFormat) {
    this.url = url.replace(/\/+$/, "");
    this.#wanted = format;
    this.#binary = format === "binary";
  }

  get format(): "binary" | "json" {
    return this.#binary ? "binary" : "json";
  }

  async meet(timeout: number): Promise<void> {
    const ready = await this.#get("v2/health/ready", timeout);
    if (!ready.ok) throw this.#error(`is not ready (HTTP ${ready.status})`);
    const metadata = await this.#get("v2", timeout);
    const parsed = z
      .looseObject({ extensions: z.array(z.string()).optional() })
      .safeParse(await json(metadata));
    if (!metadata.ok || !parsed.success) throw this.#error("gives no server metadata of the protocol");
    if (this.#wanted === "auto")
      this.#binary = parsed.data.extensions?.includes("binary_tensor_data") ?? false;
  }

  async model(name: string, timeout: number): Promise<OipModel | undefined> {
    const ready = await this.#get(`v2/models/${name}/ready`, timeout);
    if (!ready.ok) return undefined;
    const metadata = await this.#get(`v2/models/${name}`, timeout);
    const parsed = modelSchema.safeParse(await json(metadata));
    if (!metadata.ok || !parsed.success) throw this.#error(`gives no metadata of ${name}`);
    return parsed.data;
  }

  async hash(name: string, timeout: number): Promise<string | undefined> {
    const config = await this.#get(`v2/models/${name}/config`, timeout);
    const parsed = z
      .looseObject({ parameters: z.looseObject({ sha256: z.looseObject({ string_value: z.string() }) }) })
      .safeParse(config.ok ? await json(config) : undefined);
    return parsed.success ? parsed.data.parameters.sha256.string_value : undefined;
  }

  async infer(
    model: string,
    inputs: Tensors,
    outputs: readonly string[],
    timeout: number,
    { signal }: CallOptions,
  ): Promise<Tensors> {
    const { body, headers } = writeRequest(inputs, outputs, this.#binary);
    const limit = AbortSignal.timeout(Math.max(1, Math.ceil(timeout)));
    this.inFlight++;
    try {
      const response = await fetch(`${this.url}/v2/models/${model}/infer`, {
        method: "POST",
        headers,
        body: body as Uint8Array<ArrayBuffer>,
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      const answer = new Uint8Array(await response.arrayBuffer());
      if (!response.ok) {
        const text = `HTTP ${response.status}: ${Buffer.from(answer).toString("utf8").slice(0, 200)}`;
        throw transient.has(response.status) ? new TransientError(text) : new Error(text);
      }
      const length = response.headers.get("inference-header-content-length");
      return readResponse(answer, length === null ? undefined : Number(length));
    } catch (error) {
      if (signal?.aborted || limit.aborted) throw error;
      // The connection failed or broke; the request itself was correct.
      throw error instanceof TypeError ? new TransientError(describe(error.cause ?? error)) : error;
    } finally {
      this.inFlight--;
    }
  }

  close(): void {}

  async #get(path: string, timeout: number): Promise<Response> {
    try {
      return await fetch(`${this.url}/${path}`, { signal: AbortSignal.timeout(timeout) });
    } catch (cause) {
      const why = (cause as Error).cause ?? cause;
      throw this.#error(describe(why), cause);
    }
  }

  #error(detail: string, cause?: unknown): GraspGroundingError {
    this.problem = detail;
    return new GraspGroundingError("SERVER_UNAVAILABLE", { url: this.url, detail }, { cause });
  }
}

const json = (response: Response): Promise<unknown> => response.json().catch(() => undefined);
