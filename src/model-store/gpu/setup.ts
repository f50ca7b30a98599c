import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { hashFile } from "../../grounding/index.js";
import { copyChecked, download } from "../download.js";
import { runLines } from "../python.js";
import { fileUrl, pythonIndex } from "./python-index.js";
import { gpuWheels, type Wheel } from "./wheels.js";

export interface GpuSetupOptions {
  /** Folder for the libraries: FOLDER/lib has them, flat. */
  readonly folder: string;
  /** Folder of onnxruntime-node's own library, in which it looks for its providers. */
  readonly runtimeFolder: string;
  /** Default: gpuWheels. */
  readonly wheels?: readonly Wheel[];
  /** Folder with the wheels, instead of the index. */
  readonly from?: string;
  /** Address of another Python index than pip's own setting. */
  readonly index?: string;
  /** Called with a line for each step. */
  readonly onLine?: (line: string) => void;
  /** Called as a wheel arrives. */
  readonly onProgress?: (wheel: Wheel, done: number) => void;
  readonly signal?: AbortSignal;
}

export interface GpuSetup {
  readonly folder: string;
  /** Names of the libraries. */
  readonly libraries: readonly string[];
  /** Bytes that were fetched now; 0 where all was there. */
  readonly fetched: number;
}

/** Of ONNX Runtime's wheel: the rest is its Python package, or needs TensorRT. */
const providerLibraries = ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"];
const recordSchema = z.object({
  wheels: z.record(z.string(), z.string()),
  libraries: z.record(z.string(), z.string()),
});

/**
 * Fetches what CUDA needs into `folder` and links ONNX Runtime's providers to where onnxruntime-node looks. Every wheel
 * is compared with its hash. A call that was interrupted is resumed; one that finds all libraries as they were
 * unpacked fetches nothing.
 * @throws GraspGroundingError GPU_SETUP, DOWNLOAD_CORRUPT, FILE_MISSING, OUTPUT_UNWRITABLE, PYTHON_MISSING
 */
export async function setUpGpu(options: GpuSetupOptions): Promise<GpuSetup> {
  const { folder, wheels = gpuWheels, onLine } = options;
  let libraries = await unpacked(folder, wheels);
  let fetched = 0;
  if (libraries === undefined) {
    fetched = await fetchWheels(options, wheels);
    onLine?.("unpacking the libraries");
    libraries = await unpack(options, wheels);
  }
  await linkProviders(options);
  return { folder, libraries, fetched };
}

const recordPath = (folder: string): string => join(folder, "libraries.json");

/** Names of the libraries when all of them are there as they were unpacked. */
async function unpacked(folder: string, wheels: readonly Wheel[]): Promise<readonly string[] | undefined> {
  const text = await readFile(recordPath(folder), "utf8").catch(() => undefined);
  const record = text === undefined ? undefined : recordSchema.safeParse(parseJson(text)).data;
  if (record === undefined || wheels.some(({ file, sha256 }) => record.wheels[file] !== sha256))
    return undefined;
  for (const [name, sha256] of Object.entries(record.libraries))
    if ((await hashFile(join(folder, "lib", name)).catch(() => undefined)) !== sha256) return undefined;
  return Object.keys(record.libraries);
}

const wheelPath = (folder: string, { file }: Wheel): string => join(folder, "wheels", file);

async function fetchWheels(options: GpuSetupOptions, wheels: readonly Wheel[]): Promise<number> {
  const { folder, from, onLine, onProgress, signal } = options;
  const missing: Wheel[] = [];
  for (const wheel of wheels) {
    const found = await hashFile(wheelPath(folder, wheel)).catch(() => undefined);
    if (found !== wheel.sha256) missing.push(wheel);
  }
  const urls = from === undefined && missing.length > 0 ? await resolve(options, missing) : undefined;
  for (const wheel of missing) {
    const { file, sha256 } = wheel;
    onLine?.(`${file} (${(wheel.bytes / 1e6).toFixed(0)} MB)`);
    const url = urls?.get(file) ?? "";
    const given = {
      url,
      sha256,
      path: wheelPath(folder, wheel),
      name: file,
      onProgress: (done: number) => onProgress?.(wheel, done),
      ...(signal && { signal }),
    };
    if (from !== undefined) await copyChecked(join(from, file), given);
    else await download(given).catch(asSetupError);
  }
  return missing.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The remedy of a download is another command. */
function asSetupError(cause: unknown): never {
  if (cause instanceof GraspGroundingError && cause.code === "DOWNLOAD_FAILED")
    throw new GraspGroundingError("GPU_SETUP", { detail: String(cause.details.detail) }, { cause });
  throw cause;
}

/** Addresses of the wheels by the index that pip uses. */
async function resolve(options: GpuSetupOptions, wheels: readonly Wheel[]): Promise<Map<string, string>> {
  options.onLine?.("asking the Python index for the wheels");
  const index = options.index ?? (await pythonIndex(interpreter()));
  const urls = new Map<string, string>();
  for (const { package: name, file } of wheels) urls.set(file, await fileUrl(index, name, file));
  return urls;
}

const interpreter = (): string => process.env.GRASP_GROUNDING_PYTHON || "python3";

/** Takes the libraries out of the wheels, which are then removed. */
async function unpack({ folder }: GpuSetupOptions, wheels: readonly Wheel[]): Promise<readonly string[]> {
  const target = join(folder, "lib");
  const work = join(folder, "unpacked");
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  const libraries: Record<string, string> = {};
  for (const wheel of wheels) {
    await rm(work, { recursive: true, force: true });
    const { code, last } = await runLines(
      interpreter(),
      ["-m", "zipfile", "-e", wheelPath(folder, wheel), work],
      {},
    );
    if (code !== 0) throw new GraspGroundingError("GPU_SETUP", { detail: `${wheel.file}: ${last}` });
    const files = await readdir(work, { recursive: true });
    for (const file of files) {
      const name = basename(file);
      if (!/\.so(\.\d+)*$/.test(name)) continue;
      if (wheel.package.startsWith("onnxruntime") && !providerLibraries.includes(name)) continue;
      await rename(join(work, file), join(target, name));
      libraries[name] = await hashFile(join(target, name));
    }
  }
  const missing = providerLibraries.find((name) => libraries[name] === undefined);
  if (missing !== undefined)
    throw new GraspGroundingError("GPU_SETUP", { detail: `no wheel has ${missing}` });
  const record = { wheels: Object.fromEntries(wheels.map(({ file, sha256 }) => [file, sha256])), libraries };
  // Written last and at once: what was interrupted is done again.
  await writeFile(`${recordPath(folder)}.part`, JSON.stringify(record, undefined, 2));
  await rename(`${recordPath(folder)}.part`, recordPath(folder));
  await rm(work, { recursive: true, force: true });
  await rm(join(folder, "wheels"), { recursive: true, force: true });
  return Object.keys(libraries);
}

async function linkProviders({ folder, runtimeFolder }: GpuSetupOptions): Promise<void> {
  for (const name of providerLibraries) {
    const path = join(runtimeFolder, name);
    try {
      await rm(path, { force: true });
      await symlink(join(folder, "lib", name), path);
    } catch (cause) {
      throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path, detail: describe(cause) }, { cause });
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
