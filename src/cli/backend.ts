import { homedir } from "node:os";
import { join } from "node:path";
import { Option } from "commander";
import { GraspGroundingError } from "../errors/index.js";
import {
  type ExecutionProvider,
  executionProviders,
  type InProcessOptions,
  isProvider,
  parseProviders,
} from "../inference/index.js";

const usage = (detail: string): GraspGroundingError => new GraspGroundingError("USAGE", { detail });

/** Where and on what the model runs, as commands and the node's parameters say it. */
export interface BackendOptions {
  /** Execution providers in the order they are tried, with commas: `tensorrt,cuda`. */
  readonly provider?: string;
  readonly requireProvider?: ExecutionProvider;
  readonly threads?: number;
  /** Number of the GPU. */
  readonly device?: number;
  /** MiB of GPU memory for each session's arena. */
  readonly gpuMemory?: number;
  /** Where TensorRT keeps its engines. */
  readonly engineCache?: string;
  /** Half precision in TensorRT. */
  readonly fp16?: boolean;
}

/** Options of commands that run a model in this process. */
export const providerFlags = (): Option[] => [
  new Option(
    "--provider <names>",
    `execution providers in the order they are tried, with commas (${executionProviders.join(", ")}); what is not named is never taken`,
  )
    .argParser((text) => {
      checkProviders(text);
      return text;
    })
    .default("cpu"),
  new Option(
    "--require-provider <name>",
    "fail unless all of the model's work runs on this one, seen in a profiled run",
  ).choices(executionProviders),
  new Option("--threads <n>", "threads of the model").argParser(whole(1)),
  new Option("--device <n>", "number of the GPU").argParser(whole(0)),
  new Option("--gpu-memory <MiB>", "most GPU memory for each of the model's three sessions").argParser(
    whole(1),
  ),
  new Option(
    "--engine-cache <folder>",
    `where TensorRT keeps its engines (default: ${defaultEngineCache()})`,
  ),
  new Option("--fp16", "let TensorRT compute in half precision (for CUDA: --model NAME@fp16)"),
];

/** @throws GraspGroundingError USAGE for a provider that is not known */
export function inProcessOptions(options: BackendOptions): InProcessOptions {
  const { provider, requireProvider, threads, device, gpuMemory, engineCache, fp16 } = options;
  return {
    providers: checkProviders(
      requireProvider !== undefined && provider === "cpu" ? requireProvider : provider,
    ),
    ...(requireProvider !== undefined && { requireProvider }),
    ...(threads !== undefined && { threads }),
    ...(device !== undefined && { device }),
    ...(gpuMemory !== undefined && { memoryLimit: gpuMemory * 2 ** 20 }),
    engineCache: engineCache ?? defaultEngineCache(),
    ...(fp16 !== undefined && { fp16 }),
    onNotice: (line) => process.stderr.write(`grasp-grounding: ${line}\n`),
  };
}

function checkProviders(text = "cpu"): readonly ExecutionProvider[] {
  const providers = parseProviders(text);
  if (providers !== undefined) return providers;
  const wrong = text.split(",").find((name) => !isProvider(name.trim()));
  const why =
    wrong === undefined ? "names one twice" : `there is no ${wrong.trim() || "provider without a name"}`;
  throw usage(`--provider ${text}: ${why}; choose of ${executionProviders.join(", ")}`);
}

/** With the user's other caches (XDG). */
function defaultEngineCache(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "grasp-grounding", "tensorrt");
}

function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < least)
      throw usage(`${text} is not a whole number of ${least} or more`);
    return value;
  };
}
