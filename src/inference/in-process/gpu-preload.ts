import { readdirSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { gpuFolder } from "./gpu-libraries.js";

/** What the provider library and cuDNN look for by name; cuDNN finds its own parts next to itself. */
const wanted = /^lib(cudart|cublasLt|cublas|nvrtc|nvJitLink|cufft|curand|cudnn)\.so\.\d+$/;

/** glibc: a library stays loaded though its handle is closed. */
const keepLoaded = 0x1000;

/**
 * Loads the libraries of `gpu setup` into this process, so that ONNX Runtime's provider finds them: its file names no
 * folder, and LD_LIBRARY_PATH is read when a process starts. Without that folder nothing happens.
 * @returns the files that were tried
 */
export async function preloadGpuLibraries(): Promise<readonly string[]> {
  const folder = join(await gpuFolder(), "lib");
  return preload(folder, wanted);
}

/** Loads the libraries of a folder whose names match; one that needs another is tried again after it. */
export function preload(folder: string, names: RegExp): readonly string[] {
  let files: string[];
  try {
    files = readdirSync(folder).filter((name) => names.test(name));
  } catch {
    return [];
  }
  const flags = constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | keepLoaded;
  // Whatever their order, after so many rounds each has met those that it needs.
  for (let round = 0; round < 3; round++)
    for (const file of files) {
      try {
        process.dlopen({ exports: {} }, join(folder, file), flags);
      } catch {
        // Node wanted an addon and closes the handle; the library stays. One that is missing shows in the provider.
      }
    }
  return files.map((file) => join(folder, file));
}
