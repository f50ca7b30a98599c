import { modelFiles, readManifest } from "../../src/grounding/index.js";
import type { ModelFiles } from "../../src/inference/index.js";

export { WorkerProcess } from "../../bench/worker-process.js";

/** What a back end needs to know of the model in a folder. */
export const filesOf = async (folder: string): Promise<ModelFiles> =>
  modelFiles(folder, await readManifest(folder));

/** Waits until `holds`, looking every few milliseconds. @throws Error after `ms` milliseconds */
export async function until(holds: () => boolean, ms: number, what: string): Promise<number> {
  const began = performance.now();
  while (!holds()) {
    if (performance.now() - began > ms) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - began;
}
