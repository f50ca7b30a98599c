import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { CallOptions, Tensors } from "../port.js";
import { readResponse, writeRequest } from "./tensors.js";

const tensorSchema = z.looseObject({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.coerce.number()),
});
const modelSchema = z.looseObject({ inputs: z.array(tensorSchema), outputs: z.array(tensorSchema) });
export type OipModel = z.infer<typeof modelSchema>;

/** Statuses after which another try, or another server, may do better. */
const passing = new Set([429, 502, 503, 504]);

/** One server of the protocol. */
export class OipServer {
  readonly url: string;
  /** Requests it is working on. */
  inFlight = 0;
  /** performance.now() before which it is not asked again, after it failed. */
  restUntil = 0;
  problem: string | undefined;
  binary: boolean;

  constructor(url: string, binary: boolean) {
    this.url = url.replace(/\/+$/, "");
    this.binary = binary;
  }

  /** The extensions it says it has. @throws GraspGroundingError SERVER_UNAVAILABLE */
  async extensions(timeout: number): Promise<readonly string[]> {
    const ready = await this.#get("v2/health/ready", timeout);
    if (!ready.ok) throw this.#error(`is not ready (HTTP ${ready.status})`);
    const metadata = await this.#get("v2", timeout);
    const parsed = z
      .looseObject({ extensions: z.array(z.string()).optional() })
      .safeParse(await json(metadata));
    if (!metadata.ok || !parsed.success) throw this.#error("gives no server metadata of the protocol");
    return parsed.data.extensions ?? [];
  }

  /** Inputs and outputs of a model it serves; undefined when it has none of that name. */
  async model(name: string, timeout: number): Promise<OipModel | undefined> {
    const ready = await this.#get(`v2/models/${name}/ready`, timeout);
    if (!ready.ok) return undefined;
    const metadata = await this.#get(`v2/models/${name}`, timeout);
    const parsed = modelSchema.safeParse(await json(metadata));
    if (!metadata.ok || !parsed.success) throw this.#error(`gives no metadata of ${name}`);
    return parsed.data;
  }

  /** SHA-256 that Triton's configuration of a model tells, where there is one. */
  async hash(name: string, timeout: number): Promise<string | undefined> {
    const config = await this.#get(`v2/models/${name}/config`, timeout);
    const parsed = z
      .looseObject({ parameters: z.looseObject({ sha256: z.looseObject({ string_value: z.string() }) }) })
      .safeParse(config.ok ? await json(config) : undefined);
    return parsed.success ? parsed.data.parameters.sha256.string_value : undefined;
  }

  /** @throws Passing when another try may do better; Error otherwise */
  async infer(
    model: string,
    inputs: Tensors,
    outputs: readonly string[],
    timeout: number,
    { signal }: CallOptions,
  ): Promise<Tensors> {
    const { body, headers } = writeRequest(inputs, outputs, this.binary);
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
        throw passing.has(response.status) ? new Passing(text) : new Error(text);
      }
      const length = response.headers.get("inference-header-content-length");
      return readResponse(answer, length === null ? undefined : Number(length));
    } catch (error) {
      if (signal?.aborted || limit.aborted) throw error;
      // A connection that failed or broke; the request itself was not at fault.
      throw error instanceof TypeError ? new Passing(describe(error.cause ?? error)) : error;
    } finally {
      this.inFlight--;
    }
  }

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

/** A failure that may pass. */
export class Passing extends Error {}

const json = (response: Response): Promise<unknown> => response.json().catch(() => undefined);

/** Asks again while it answers `SERVER_UNAVAILABLE`, for at most `timeout` milliseconds. */
export async function whenUp<T>(timeout: number, ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + timeout;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const waiting = error instanceof GraspGroundingError && error.code === "SERVER_UNAVAILABLE";
      if (!waiting || performance.now() + retryPause > until) throw error;
      await pause(retryPause);
    }
  }
}

const retryPause = 250;
