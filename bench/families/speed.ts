import { statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GraspGroundingError } from "../../src/errors/index.js";
import type { HubFamily } from "../../src/grounding/index.js";
import { runLines } from "../../src/model-store/index.js";
import { compiledModule } from "../../src/workers/index.js";
import { interrupted, removeFolder, scratchFolder } from "../children.js";
import { type FamilyPrecision, modelOfRepository, onnxFiles, trueRepository } from "./random-repository.js";

const precisions: readonly FamilyPrecision[] = ["fp32", "int8"];

/**
 * Time and memory of each family of the hub's layout with random weights of the true size, on two threads. int8
 * multiplies in 8 bits, as the hub's files do. Each model has a process of its own.
 * @param repositories folder where the models stay for another run; default: they are removed
 */
export async function benchFamilySpeed(
  families: readonly HubFamily[],
  repositories?: string,
): Promise<object> {
  const results: Record<string, object> = {};
  for (const family of families) {
    const folder = await scratchFolder("families");
    try {
      const repository = await trueRepository(family, repositories ?? folder, "products");
      const measured: Partial<Record<FamilyPrecision, object>> = {};
      for (const kind of precisions)
        measured[kind] = await measuredAlone(family, repository, join(folder, kind), kind);
      results[family] = measured;
    } finally {
      removeFolder(folder);
    }
  }
  return {
    what: `a new 640×480 image and one query (sam: one box), random weights of true size`,
    threads: 2,
    ...results,
  };
}

interface Figures {
  readonly load_ms: number;
  readonly image_ms: { readonly n: number; readonly p50: number; readonly min: number };
  /** Time of all processors for an image, which other work on the machine changes less. */
  readonly image_processor_ms: number;
  readonly peak_mb: number;
  /** Size of the ONNX files. */
  readonly onnx_mb: number;
}

/** @throws GraspGroundingError USAGE when its process fails */
async function measuredAlone(
  family: HubFamily,
  repository: string,
  folder: string,
  kind: FamilyPrecision,
): Promise<Figures> {
  const model = await modelOfRepository(family, repository, folder, kind);
  const script = fileURLToPath(compiledModule(import.meta.url, "./measure.js"));
  const run = await runLines(process.execPath, [script, family, model], { signal: interrupted });
  if (run.code !== 0)
    throw new GraspGroundingError("USAGE", { detail: `${family} cannot be measured: ${run.last}` });
  const bytes = onnxFiles(family, kind).reduce((sum, file) => sum + statSync(join(model, file)).size, 0);
  return { onnx_mb: Math.round(bytes / 1e6), ...(JSON.parse(run.last) as Omit<Figures, "onnx_mb">) };
}
