import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { copyModel, fitsGraph, pixelsModel } from "../graphs/index.js";
import type { BackendReport, ModelFiles } from "../port.js";
import { checkEndpoint, type ServerSecurity } from "../zmq/security.js";

/** `python-gpu` is ONNX Runtime, by the name that it had before there was `torch`. */
export type PythonEngine = "python-gpu" | "torch";

/** The list of packages of an engine, in models/worker. */
export const requirementsOf = (engine: PythonEngine, provider: "cpu" | "cuda"): string =>
  engine === "torch" ? "requirements-torch.txt" : `requirements-${provider}.txt`;

export interface PythonWorkerOptions {
  /** Interpreter with the packages of models/worker/requirements-*.txt. */
  readonly interpreter: string;
  /** Folder of the Python package `worker`. */
  readonly packages: string;
  readonly bind: string;
  /** ONNX Runtime or PyTorch. Default `python-gpu`. */
  readonly engine?: PythonEngine;
  readonly provider: "cpu" | "cuda";
  /** Threads inside an operator on the CPU. */
  readonly threads: number;
  /** Number of the GPU. Default 0. */
  readonly device?: number;
  /** Limit of GPU memory in bytes: of a session's arena, or with `torch` of all that PyTorch takes. */
  readonly memoryLimit?: number;
  /** Limit of requests that wait or run. Default 64. */
  readonly maxQueue?: number;
  /** Limit of images, or of queries of different images, that run together. `torch` only. Default 16. */
  readonly maxBatch?: number;
  /** Images whose features stay on the device. Default 32. */
  readonly keep?: number;
  /** Threads that decode JPEGs. Default 1. */
  readonly imageThreads?: number;
  readonly security?: ServerSecurity;
  /** Allows plain TCP beyond this machine. Default false. */
  readonly insecurePlainTcp?: boolean;
  /** Called with one line when the process was started again, or runs slower than it could. */
  readonly onNotice?: (line: string) => void;
  /** Called for each answer with the milliseconds of waiting and of running the model. */
  readonly onAnswered?: (waitedMs: number, ranMs: number) => void;
}

const report = z.record(z.string(), z.union([z.string(), z.number()]));
const lineSchema = z.discriminatedUnion("event", [
  z.object({ event: z.literal("bound"), endpoint: z.string() }),
  z.object({ event: z.literal("ready"), description: z.string() }),
  z.object({ event: z.literal("note"), text: z.string() }),
  z.object({ event: z.literal("report"), report, took: z.array(z.tuple([z.number(), z.number()])) }),
  z.object({
    event: z.literal("failed"),
    part: z.enum(["packages", "endpoint", "model"]),
    detail: z.string(),
  }),
  z.object({ event: z.literal("stopped"), report }),
]);
type Line = z.infer<typeof lineSchema>;

/**
 * glibc gives large blocks back to the system when they are freed. Each message of an image would then ask for its
 * pages again, one at a time, which takes longer than to copy it.
 */
const heldMemory = {
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(512 * 2 ** 20),
};

/** Starts within `restartWindowMs` after which the worker fails. */
const maxStarts = 5;
const restartWindowMs = 60_000;
const stopTimeoutMs = 10_000;

/**
 * A worker in Python: the same protocol on ONNX Runtime's Python package or on PyTorch, which can keep tensors on the
 * device and replay CUDA graphs. The process is started again when it ends by itself; clients repeat their requests.
 */
export class PythonWorker {
  readonly #model: ModelFiles;
  readonly #options: PythonWorkerOptions;
  readonly #folder: string;
  readonly #starts: number[] = [];
  #endpoint: string;
  #child: ChildProcess | undefined;
  #report: BackendReport = { state: "loading" };
  #stopping = false;
  #settleReady: ((description: string) => void) | undefined;
  #settleBound: (() => void) | undefined;
  #fail: (error: Error) => void = () => undefined;
  /** Provider, once the model is loaded for the first time. */
  readonly ready = new Promise<string>((resolve) => {
    this.#settleReady = resolve;
  });
  /** Rejects when the process cannot serve; never resolves. */
  readonly failed = new Promise<never>((_, reject) => {
    this.#fail = reject;
  });

  private constructor(model: ModelFiles, options: PythonWorkerOptions, folder: string) {
    this.#model = model;
    this.#options = options;
    this.#folder = folder;
    this.#endpoint = options.bind;
    // A caller may wait for something else first.
    this.failed.catch(() => undefined);
  }

  /**
   * Starts the process; resolves when it is bound.
   * @throws GraspGroundingError MODEL_MISMATCH, ENDPOINT_INVALID, ENDPOINT_INSECURE, WORKER_FAILED, PYTHON_MISSING,
   * PYTHON_PACKAGES, PROVIDER_UNAVAILABLE
   */
  static async start(model: ModelFiles, options: PythonWorkerOptions): Promise<PythonWorker> {
    checkEndpoint(options.bind, options.security !== undefined, options.insecurePlainTcp ?? false);
    const { name, files, input } = model;
    if (files.encoder === undefined || files.decoder === undefined || !fitsGraph(input)) {
      const detail =
        "the Python engine runs models of an encoder with stretched, bilinear images and a decoder";
      throw new GraspGroundingError("MODEL_MISMATCH", { name, detail });
    }
    const folder = await mkdtemp(join(tmpdir(), "grasp-grounding-python-"));
    await writeFile(join(folder, "pixels.onnx"), pixelsModel(input));
    await writeFile(join(folder, "copy.onnx"), copyModel());
    const worker = new PythonWorker(model, options, folder);
    const bound = new Promise<void>((resolve) => {
      worker.#settleBound = resolve;
    });
    worker.#spawn();
    try {
      await Promise.race([bound, worker.failed]);
      return worker;
    } catch (error) {
      await worker.close();
      throw error;
    }
  }

  get endpoint(): string {
    return this.#endpoint;
  }

  /** Process id of the Python process that serves now. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get state(): string {
    return String(this.#report.state);
  }

  /** Counters of the process that serves now, at most a second old. */
  report(): BackendReport {
    return { ...this.#report, restarts: Math.max(0, this.#starts.length - 1) };
  }

  /** Lets the process answer its requests, then ends it. */
  async close(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const exit = once(child, "close");
      child.stdin?.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
      await exit;
      clearTimeout(timer);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  #spawn(): void {
    const { interpreter, packages } = this.#options;
    this.#starts.push(performance.now());
    this.#report = { state: "loading" };
    const path = process.env.PYTHONPATH ? `${packages}${delimiter}${process.env.PYTHONPATH}` : packages;
    const child = spawn(interpreter, ["-m", "worker"], {
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        ...heldMemory,
        ...process.env,
        PYTHONPATH: path,
        PYTHONDONTWRITEBYTECODE: "1",
        // A thread that waits for others leaves its core to them.
        OMP_WAIT_POLICY: "PASSIVE",
      },
    });
    this.#child = child;
    let lastError = "";
    createInterface({ input: child.stdout }).on("line", (text) => this.#hear(text));
    createInterface({ input: child.stderr }).on("line", (text) => {
      lastError = text.trim() || lastError;
    });
    // A process that has ended takes no configuration; its end is reported below.
    child.stdin.on("error", () => undefined);
    child.stdin.write(`${JSON.stringify(this.#configuration())}\n`);
    child.once("error", (cause) => {
      const detail = `${interpreter}: ${describe(cause)}`;
      this.#fail(new GraspGroundingError("PYTHON_MISSING", { detail }, { cause }));
    });
    child.once("close", (code, signal) =>
      this.#ended(lastError || `ended with ${signal ?? `exit code ${code}`}`),
    );
  }

  /** One line of JSON on the process's standard input; keys are in no argument that others can read. */
  #configuration(): object {
    const { provider, threads, device = 0, memoryLimit, maxQueue = 64, imageThreads = 1 } = this.#options;
    const { keep = 32, security, engine = "python-gpu", maxBatch } = this.#options;
    const { name, hashes, files, input, outputs, decoderInputs, session, tokens = 8 } = this.#model;
    return {
      bind: this.#endpoint,
      model: name,
      hashes,
      files: { ...files, pixels: join(this.#folder, "pixels.onnx"), copy: join(this.#folder, "copy.onnx") },
      input: { name: input.name, width: input.width, height: input.height },
      outputs,
      decoder_inputs: decoderInputs,
      tokens,
      engine,
      // One thread moves about a gigabyte a second between sockets, 400 images of 1280×720.
      io_threads: provider === "cuda" ? 4 : 1,
      provider,
      threads,
      device,
      queue: maxQueue,
      keep,
      image_threads: imageThreads,
      ...(maxBatch !== undefined && { max_batch: maxBatch }),
      ...(memoryLimit !== undefined && { memory_limit: memoryLimit }),
      ...(session !== undefined && { session }),
      ...(security !== undefined && {
        security: {
          public: security.keys.publicKey,
          secret: security.keys.secretKey,
          allowed: security.allowed,
        },
      }),
    };
  }

  #hear(text: string): void {
    const line = parseLine(text);
    if (line?.event === "bound") {
      this.#endpoint = line.endpoint;
      this.#settleBound?.();
    } else if (line?.event === "ready") {
      this.#report = { ...this.#report, state: "ready" };
      this.#settleReady?.(line.description);
    } else if (line?.event === "note") this.#options.onNotice?.(line.text);
    else if (line?.event === "stopped") this.#report = line.report;
    else if (line?.event === "failed") this.#failed(line);
    else if (line?.event === "report") {
      this.#report = line.report;
      for (const [waited, ran] of line.took) this.#options.onAnswered?.(waited, ran);
    }
  }

  #failed({ part, detail }: Extract<Line, { event: "failed" }>): void {
    const { provider, engine = "python-gpu" } = this.#options;
    const { name } = this.#model;
    this.#stopping = true;
    if (part === "endpoint")
      this.#fail(new GraspGroundingError("WORKER_FAILED", { endpoint: this.#endpoint, detail }));
    else if (part === "packages")
      this.#fail(
        new GraspGroundingError("PYTHON_PACKAGES", { detail, list: requirementsOf(engine, provider) }),
      );
    else if (provider === "cpu") this.#fail(new GraspGroundingError("MODEL_MISMATCH", { name, detail }));
    else this.#fail(new GraspGroundingError("PROVIDER_UNAVAILABLE", { provider, detail }));
  }

  #ended(detail: string): void {
    if (this.#stopping) return;
    const since = performance.now() - restartWindowMs;
    if (this.#starts.filter((at) => at > since).length >= maxStarts) {
      const often = `its process ended ${maxStarts} times in a minute (${detail})`;
      this.#fail(new GraspGroundingError("INFERENCE_FAILED", { detail: often, name: this.#model.name }));
      return;
    }
    this.#options.onNotice?.(`the worker's process ended (${detail}); it is started again`);
    this.#spawn();
  }
}

function parseLine(text: string): Line | undefined {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch {
    // Libraries may print, too.
    return undefined;
  }
}
