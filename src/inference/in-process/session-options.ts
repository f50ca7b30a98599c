import type { InferenceSession } from "onnxruntime-node";
import type { ExecutionProvider } from "./providers.js";

/** The manifest's field `session`: options for running the parts. */
export interface ManifestSession {
  readonly graph_optimization?: "disabled" | "basic" | "extended" | "layout" | "all" | undefined;
  readonly memory_pattern?: boolean | undefined;
  readonly cpu_arena?: boolean | undefined;
  /** Session configuration entries by ONNX Runtime's names. */
  readonly config?: Readonly<Record<string, string>> | undefined;
}

export interface SessionSettings {
  /** Tried together, in this order; ONNX Runtime puts all other operators on the CPU. */
  readonly providers: readonly ExecutionProvider[];
  readonly threads: number;
  /** Number of the GPU. */
  readonly device: number;
  /** Limit of a session's arena in GPU memory, in bytes. */
  readonly memoryLimit?: number | undefined;
  /** Folder in which TensorRT stores its engines. */
  readonly engineCache?: string | undefined;
  /** Let TensorRT compute in half precision (for CUDA use the model's fp16 form). */
  readonly fp16?: boolean | undefined;
  readonly session?: ManifestSession | undefined;
}

/**
 * Options of a session. onnxruntime-node passes only the device's number to CUDA and TensorRT. The rest (memory limit,
 * engine cache, half precision) goes in as configuration entries, `ep.<provider>.<option>`: ONNX Runtime's name for
 * options of providers that are chosen by device, an API that onnxruntime-node does not use. It is not known whether
 * 1.30 applies them on a GPU.
 */
export function sessionOptions(settings: SessionSettings): InferenceSession.SessionOptions {
  const { providers, threads, device, session } = settings;
  return {
    executionProviders: providers.map((name) =>
      name === "cuda" || name === "tensorrt" ? { name, deviceId: device } : name,
    ),
    graphOptimizationLevel: session?.graph_optimization ?? "all",
    ...(session?.memory_pattern !== undefined && { enableMemPattern: session.memory_pattern }),
    ...(session?.cpu_arena !== undefined && { enableCpuMemArena: session.cpu_arena }),
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    extra: {
      // Threads of a session that spin after a run would take the cores from the next part.
      "session.intra_op.allow_spinning": "0",
      ...providerEntries(settings),
      ...session?.config,
    },
  };
}

function providerEntries({ providers, device, memoryLimit, engineCache, fp16 }: SessionSettings) {
  const entries: Record<string, string> = {};
  const set = (provider: string, option: string, value: string | number) => {
    entries[`ep.${provider}.${option}`] = String(value);
  };
  if (providers.includes("cuda")) {
    set("cuda", "device_id", device);
    if (memoryLimit !== undefined) {
      set("cuda", "gpu_mem_limit", memoryLimit);
      // Doubling the arena each time would take up to twice the memory that is needed.
      set("cuda", "arena_extend_strategy", "kSameAsRequested");
    }
  }
  if (providers.includes("tensorrt")) {
    const tensorrt = "tensorrtexecutionprovider";
    set(tensorrt, "device_id", device);
    if (memoryLimit !== undefined) set(tensorrt, "trt_max_workspace_size", memoryLimit);
    if (fp16) set(tensorrt, "trt_fp16_enable", 1);
    if (engineCache !== undefined) {
      set(tensorrt, "trt_engine_cache_enable", 1);
      set(tensorrt, "trt_engine_cache_path", engineCache);
      set(tensorrt, "trt_timing_cache_enable", 1);
      set(tensorrt, "trt_timing_cache_path", engineCache);
    }
  }
  return entries;
}
