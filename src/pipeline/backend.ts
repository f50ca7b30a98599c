import { homedir } from "node:os";
import { join } from "node:path";
import { usage } from "../errors/index.js";
import {
  type BackendChoice,
  type BackendKind,
  type ExecutionProvider,
  executionProviders,
  type InProcessOptions,
  isProvider,
  parseProviders,
  type ResizePlace,
} from "../inference/index.js";

/** Back end of the model, by the options of commands and the node's parameters. */
export interface BackendOptions {
  /** Execution providers in the order of the attempts, separated by commas: `tensorrt,cuda`. Default `cpu`. */
  readonly provider?: string;
  /** Fail unless this provider runs all of the model. Default: none is required. */
  readonly requireProvider?: ExecutionProvider;
  /** Threads inside an operator, 1 or more. Default: the machine's cores, at most 8. */
  readonly threads?: number;
  /** Number of the GPU, from 0. Default 0. */
  readonly device?: number;
  /** Limit of GPU memory for each session's arena, in MiB. Default: none. */
  readonly gpuMemory?: number;
  /** Folder of TensorRT's engines. Default: defaultEngineCache(). */
  readonly engineCache?: string;
  /** Half precision in TensorRT. Default false. */
  readonly fp16?: boolean;
  /** Where images get the model's size. Default `auto`: in the graph on CUDA, in threads elsewhere. */
  readonly resize?: ResizePlace;
  /** Encoder and decoder as one graph for the first queries of an image. Default false. */
  readonly locate?: boolean;
  /** Called with one line for each provider that was skipped. Default: prints the line on stderr. */
  readonly onNotice?: (line: string) => void;
}

/** Back end: this process, workers or servers. */
export interface RemoteOptions extends BackendOptions {
  /** `in-process`, `zmq` (workers) or `oip` (servers of the Open Inference Protocol). Default `in-process`. */
  readonly backend?: BackendKind;
  /** Addresses of workers or servers; at least one for `zmq` and `oip`, none for `in-process`. */
  readonly endpoint?: readonly string[];
  /** File with this side's CURVE keys; for TCP endpoints on other machines. */
  readonly key?: string;
  /** The workers' public key, or the file that holds it. */
  readonly serverKey?: string;
  /** Allows plain TCP to other machines, where images travel readable. Default false. */
  readonly insecurePlainTcp?: boolean;
  /** Limit of an inference request in milliseconds. Default 10,000. */
  readonly requestTimeout?: number;
  /** Milliseconds between heartbeats of workers. Default 1000. */
  readonly heartbeat?: number;
  /** Seconds to wait for a first worker, or the server. Default 30. */
  readonly startTimeout?: number;
  /** Name of the model on the server, where it differs. */
  readonly serverModel?: string;
  /** Form of tensors to a server over HTTP. Default `auto`: binary where the server supports it. */
  readonly tensorFormat?: "auto" | "binary" | "json";
}

/** @throws GraspGroundingError USAGE, KEY_FILE */
export async function backendChoice(options: RemoteOptions): Promise<BackendChoice> {
  const { backend: kind = "in-process", endpoint: endpoints = [], key, serverKey } = options;
  const { insecurePlainTcp, requestTimeout, startTimeout, heartbeat, serverModel, tensorFormat, resize } =
    options;
  if (kind === "in-process") {
    if (endpoints.length > 0) throw usage("--endpoint works only with --backend zmq or oip");
    return { kind, ...inProcessOptions(options) };
  }
  if (endpoints.length === 0) throw usage(`--backend ${kind} needs an --endpoint`);
  const times = {
    ...(requestTimeout !== undefined && { timeout: requestTimeout }),
    ...(startTimeout !== undefined && { startTimeout: startTimeout * 1000 }),
  };
  if (kind === "oip")
    return {
      kind,
      endpoints,
      ...(serverModel !== undefined && { serverModel }),
      ...(tensorFormat !== undefined && { format: tensorFormat }),
      ...times,
    };
  if ((key === undefined) !== (serverKey === undefined))
    throw usage("--key and --server-key belong together");
  // Imported on use: a model in this process, or on a server, needs no ZeroMQ.
  const { publicKeyOf, readKeyFile } = await import("../inference/zmq/index.js");
  return {
    kind,
    endpoints,
    ...times,
    ...(heartbeat !== undefined && { heartbeat }),
    ...(resize !== undefined && { resize }),
    ...(insecurePlainTcp !== undefined && { insecurePlainTcp }),
    ...(key !== undefined &&
      serverKey !== undefined && {
        security: { keys: await readKeyFile(key), serverKey: await publicKeyOf(serverKey) },
      }),
  };
}

/** @throws GraspGroundingError USAGE for a provider that is not known */
export function inProcessOptions(options: BackendOptions): InProcessOptions {
  const { provider, requireProvider, threads, device, gpuMemory, engineCache, fp16, resize, locate } =
    options;
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
    ...(resize !== undefined && { resize }),
    ...(locate !== undefined && { locate }),
    onNotice: options.onNotice ?? ((line) => process.stderr.write(`grasp-grounding: ${line}\n`)),
  };
}

/** @throws GraspGroundingError USAGE for a provider that is not known, or is named twice */
export function checkProviders(text = "cpu"): readonly ExecutionProvider[] {
  const providers = parseProviders(text);
  if (providers !== undefined) return providers;
  const wrong = text.split(",").find((name) => !isProvider(name.trim()));
  const why =
    wrong === undefined ? "names one twice" : `there is no ${wrong.trim() || "provider without a name"}`;
  throw usage(`--provider ${text}: ${why}; choose of ${executionProviders.join(", ")}`);
}

/** With the user's other caches (XDG). */
export function defaultEngineCache(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "grasp-grounding", "tensorrt");
}
