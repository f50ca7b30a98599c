import { execFile } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { ExecutionProvider } from "./providers.js";

/** A reason why this machine cannot use a provider. */
export interface ProviderGap {
  /** The missing part, in one line. */
  readonly detail: string;
  /** How to add it. */
  readonly remedy: string;
}

/** Folder of onnxruntime-node's libraries for this platform. */
export function onnxRuntimeFolder(): string {
  const root = join(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"), "..");
  return join(root, "bin", "napi-v6", process.platform, process.arch);
}

/** Version of onnxruntime-node, which the GPU libraries must match. */
export async function runtimeVersion(): Promise<string> {
  const path = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  return (JSON.parse(await readFile(path, "utf8")) as { version: string }).version;
}

/** Folder in the user's cache for what `gpu setup` fetches, one for each version of ONNX Runtime. */
export async function gpuFolder(): Promise<string> {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(base, "grasp-grounding", `gpu-${await runtimeVersion()}`);
}

/**
 * Checks the needs of a provider from the outside in: platform, driver, ONNX Runtime's library for it, and the
 * libraries that it is linked to. Undefined when all are present; loading a model shows whether they work.
 */
export async function providerGap(provider: ExecutionProvider): Promise<ProviderGap | undefined> {
  if (provider === "cpu") return undefined;
  if (provider === "webgpu") return webgpuGap();
  const machine = await nvidiaGap();
  if (machine !== undefined) return machine;
  const library = `libonnxruntime_providers_${provider}.so`;
  const path = join(onnxRuntimeFolder(), library);
  if (!(await exists(path))) {
    const remedy =
      provider === "cuda"
        ? "run `grasp-grounding gpu setup`"
        : `copy it from PyPI's onnxruntime-gpu ${await runtimeVersion()} into ${onnxRuntimeFolder()}`;
    return { detail: `${library} is not installed`, remedy };
  }
  const missing = await unresolved(path);
  if (missing.length === 0) return undefined;
  return {
    detail: `${library} needs ${missing.join(", ")}`,
    remedy:
      provider === "tensorrt"
        ? "install TensorRT (apt or PyPI's tensorrt) and put its folder in LD_LIBRARY_PATH"
        : "run `grasp-grounding gpu setup`, or install CUDA and put its folders in LD_LIBRARY_PATH",
  };
}

/** Why this machine has no use for CUDA's libraries: its platform, or no GPU; undefined when it has one. */
export async function nvidiaGap(): Promise<ProviderGap | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    const detail = `ONNX Runtime has CUDA only for Linux on x64, this is ${process.platform} ${process.arch}`;
    return { detail, remedy: "run the model on a worker or server that has a GPU (docs/inference.md)" };
  }
  if ((await exists("/dev/nvidiactl")) || (await exists("/dev/dxg"))) return undefined;
  return {
    detail: "no NVIDIA GPU or driver (/dev/nvidiactl)",
    remedy: "install NVIDIA's driver, and start containers with --gpus all",
  };
}

async function webgpuGap(): Promise<ProviderGap | undefined> {
  if (process.platform !== "linux") return undefined;
  const { stdout } = await run("ldconfig", ["-p"]);
  if (stdout.includes("libvulkan.so.1")) return undefined;
  return {
    detail: "libvulkan.so.1 is not installed",
    remedy: "install the Vulkan loader (apt install libvulkan1) and the GPU's driver",
  };
}

/** Libraries that the loader does not find for `path`. */
async function unresolved(path: string): Promise<string[]> {
  const known = process.env.LD_LIBRARY_PATH;
  const own = join(await gpuFolder(), "lib");
  const env = { ...process.env, LD_LIBRARY_PATH: known ? `${own}${delimiter}${known}` : own };
  const { stdout } = await run("ldd", [path], env);
  return [...stdout.matchAll(/^\s*(\S+) => not found/gm)].map((match) => match[1] as string);
}

const run = (
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ stdout: string }> =>
  promisify(execFile)(command, [...args], { env }).catch(() => ({ stdout: "" }));

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
