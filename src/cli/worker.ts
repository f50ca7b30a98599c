import { chmod, writeFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { describe, GraspGroundingError, usage } from "../errors/index.js";
import { servedModel } from "../grounding/index.js";
import { InProcessBackend } from "../inference/index.js";
import { keyFileText, newKeyPair, WorkerServer } from "../inference/zmq/index.js";
import { Metrics, parseEndpoint, type RunningMetrics, startMetrics } from "../metrics/index.js";
import { defaultModel, findModel } from "../model-store/index.js";
import { inProcessOptions } from "../pipeline/index.js";
import { interrupted, packageVersion, wholeNumber } from "../system/index.js";
import { providerFlags } from "./backend-flags.js";
import { reporter, servedOptions, type WorkerOptions, watchWorker } from "./worker-common.js";
import { runPythonWorker } from "./worker-python.js";

/** `worker`: one model behind a ZeroMQ socket. */
export function workerCommand(): Command {
  const command = new Command("worker")
    .description("an inference worker: serves one model to robots over ZeroMQ")
    .option(
      "--bind <endpoint>",
      "where to listen: ipc:///path, tcp://127.0.0.1:5601, or with keys tcp://0.0.0.0:5601",
    )
    .option("--model <name>", "model name or folder", defaultModel)
    .addOption(
      new Option(
        "--engine <kind>",
        "what runs the model: onnxruntime-node, or a process in Python, which keeps tensors on the GPU: ONNX Runtime (python-gpu) or PyTorch (torch), on --provider cuda unless cpu is named",
      )
        .choices(["node", "python-gpu", "torch"])
        .default("node"),
    )
    .option("--key <file>", "this worker's CURVE keys; needed to listen beyond this machine")
    .option("--allow <file>", "public keys that may connect, one a line")
    .option("--insecure-plain-tcp", "listen beyond this machine without keys: anybody can read and ask")
    .option(
      "--max-batch <n>",
      "images (or queries) run together at most (default: 1 on the CPU, 8 elsewhere; --engine torch: 16)",
      wholeNumber(1),
    )
    .option(
      "--batch-wait <ms>",
      "longest time that the first request of a batch waits for others, within its deadline",
      wholeNumber(0),
      2,
    )
    .option("--queue <n>", "requests that wait or run at most; more are refused as busy", wholeNumber(1), 64)
    .option("--keep <n>", "images whose features stay in memory", wholeNumber(1), 32)
    .option(
      "--image-threads <n>",
      "threads that decode and resize images (default: 1 on the CPU, 4 elsewhere)",
      wholeNumber(1),
    )
    .addOption(
      new Option("--picture-threads <n>", "--image-threads by its former name")
        .argParser(wholeNumber(1))
        .hideHelp(),
    )
    .option("--metrics <[host:]port>", "serve figures for Prometheus; on loopback unless a host is given")
    .option(
      "--new-key <file>",
      "write a new key pair to this file (and the public key to FILE.pub), and leave",
    )
    .option("--json", "report as JSON lines: bound, ready, stopped");
  for (const flag of providerFlags()) command.addOption(flag);
  return command.action(({ pictureThreads, ...options }: Flags) => {
    const imageThreads = options.imageThreads ?? pictureThreads;
    return run({ ...options, ...(imageThreads !== undefined && { imageThreads }) }, command);
  });
}

interface Flags extends WorkerOptions {
  /** imageThreads by its former name. */
  readonly pictureThreads?: number;
}

async function run(options: WorkerOptions, command: Command): Promise<void> {
  if (options.newKey !== undefined) return writeKey(options.newKey);
  const { bind } = options;
  if (bind === undefined) throw usage("worker needs --bind ENDPOINT (or --new-key FILE)");
  if ((options.key === undefined) !== (options.allow === undefined))
    throw usage("--key and --allow belong together: without a list anybody who has the public key may ask");
  const { engine } = options;
  if (engine !== "node") {
    const named = (name: string) => command.getOptionValueSource(name) !== "default";
    return runPythonWorker({ ...options, engine, bind }, named);
  }
  const folder = await findModel(options.model);
  const { files: model, verify } = await servedModel(folder);
  const onCpu = (options.requireProvider ?? options.provider ?? "cpu") === "cpu";
  const metrics = options.metrics === undefined ? undefined : new Metrics("worker", packageVersion());
  const endpoint = options.metrics === undefined ? undefined : parseEndpoint(options.metrics);
  const imageThreads = options.imageThreads ?? (onCpu ? 1 : 4);
  const { batchWait } = options;
  const server = await WorkerServer.bind(model, {
    bind,
    maxBatch: options.maxBatch ?? (onCpu ? 1 : 8),
    imageThreads,
    ...(batchWait !== undefined && { batchWait }),
    ...(await servedOptions(options, metrics)),
  });
  const say = reporter(options);
  // Before anything is said: who reads that the worker is there may end it at once.
  const stop = interrupted();
  say(
    "bound",
    { endpoint: server.endpoint, image_threads: imageThreads },
    `${model.name} on ${server.endpoint}, loading`,
  );
  let served: RunningMetrics | undefined;
  try {
    if (metrics !== undefined && endpoint !== undefined) {
      watchWorker(metrics, server);
      served = await startMetrics(metrics, endpoint);
      say("metrics", { url: served.url }, `metrics: ${served.url}`);
    }
    await verify();
    const backend = await InProcessBackend.create(model, { ...inProcessOptions(options), warmUp: true });
    server.serve(backend);
    say("ready", { description: backend.description }, `ready on ${backend.description}; Ctrl-C ends it`);
    await Promise.race([stop, backend.failed]);
    await server.drain();
  } finally {
    say("stopped", { report: server.report() }, "stopped");
    await served?.close();
    await server.close();
  }
}

async function writeKey(path: string): Promise<void> {
  const keys = newKeyPair();
  try {
    // Never over another key: access by that key would be lost.
    await writeFile(path, keyFileText(keys), { mode: 0o600, flag: "wx" });
    await chmod(path, 0o600);
    await writeFile(`${path}.pub`, `${keys.publicKey}\n`);
  } catch (cause) {
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path, detail: describe(cause) }, { cause });
  }
  process.stdout.write(`keys: ${path} (keep it secret)\npublic key: ${keys.publicKey} (${path}.pub)\n`);
}
