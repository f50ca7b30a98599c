import { join } from "node:path";
import { GraspGroundingError, usage } from "../errors/index.js";
import { servedModel } from "../grounding/index.js";
import { inferenceThreads, nvidiaGap } from "../inference/index.js";
import { type PythonEngine, PythonWorker, requirementsOf } from "../inference/python/index.js";
import { Metrics, parseEndpoint, type RunningMetrics, startMetrics } from "../metrics/index.js";
import { findModel, pythonFor } from "../model-store/index.js";
import { inProcessOptions } from "../pipeline/index.js";
import { interrupted, packageRoot, packageVersion } from "../system/index.js";
import { reporter, servedOptions, type WorkerOptions, watchWorker } from "./worker-common.js";

/** Options that only the other engine has. */
const notHere = ["batchWait", "engineCache", "fp16", "resize", "locate"];

/**
 * `worker --engine python-gpu` or `--engine torch`.
 * @param named whether the option was given by the user
 */
export async function runPythonWorker(
  options: WorkerOptions & { readonly bind: string; readonly engine: PythonEngine },
  named: (option: string) => boolean,
): Promise<void> {
  const { engine } = options;
  const missing = engine === "torch" ? notHere : [...notHere, "maxBatch"];
  const other = missing.find((name) => options[name as keyof WorkerOptions] !== undefined && named(name));
  if (other !== undefined)
    throw usage(
      `--engine ${engine} has no --${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    );
  const provider = options.requireProvider ?? (named("provider") ? options.provider : "cuda");
  if (provider !== "cpu" && provider !== "cuda")
    throw usage(`--engine ${engine} runs on cuda or cpu, not on ${provider}`);
  // Before an environment of gigabytes is made.
  const gap = provider === "cuda" ? await nvidiaGap() : undefined;
  if (gap !== undefined)
    throw new GraspGroundingError("PROVIDER_UNAVAILABLE", { provider, detail: gap.detail });
  const { device, maxBatch } = options;
  const { files: model, verify } = await servedModel(await findModel(options.model));
  const say = reporter(options);
  const metricsAt = options.metrics === undefined ? undefined : parseEndpoint(options.metrics);
  const metrics = metricsAt === undefined ? undefined : new Metrics("worker", packageVersion());
  const packages = join(packageRoot, "models");
  const { threads, memoryLimit, onNotice = () => undefined } = inProcessOptions({ ...options, provider });
  const imageThreads = options.imageThreads ?? (provider === "cpu" ? 1 : 4);
  await verify();
  const interpreter = await pythonFor({
    packages,
    list: join(packages, "worker", requirementsOf(engine, provider)),
    onLine: (text) => say("environment", { text }, text),
  });
  const worker = await PythonWorker.start(model, {
    interpreter,
    packages,
    bind: options.bind,
    engine,
    provider,
    threads: inferenceThreads({ ...(threads !== undefined && { threads }) }),
    imageThreads,
    onNotice,
    ...(device !== undefined && { device }),
    ...(maxBatch !== undefined && { maxBatch }),
    ...(memoryLimit !== undefined && { memoryLimit }),
    ...(await servedOptions(options, metrics)),
  });
  let served: RunningMetrics | undefined;
  const stop = interrupted();
  try {
    const { endpoint } = worker;
    say("bound", { endpoint, image_threads: imageThreads }, `${model.name} on ${endpoint}, loading`);
    if (metrics !== undefined && metricsAt !== undefined) {
      watchWorker(metrics, worker);
      served = await startMetrics(metrics, metricsAt);
      say("metrics", { url: served.url }, `metrics: ${served.url}`);
    }
    const description = await Promise.race([worker.ready, worker.failed, stop]);
    if (description !== undefined)
      say("ready", { description, pid: worker.pid }, `ready on ${description}; Ctrl-C ends it`);
    await Promise.race([stop, worker.failed]);
  } finally {
    await worker.close();
    say("stopped", { report: worker.report() }, "stopped");
    await served?.close();
  }
}
