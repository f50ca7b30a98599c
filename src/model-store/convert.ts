import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { z } from "zod";
import { GraspGroundingError } from "../errors/index.js";
import { checkCheckpoint } from "./checkpoint-file.js";
import { pythonFor, runLines } from "./python.js";

export type ModelPrecision = "fp32" | "fp16" | "int8";

export interface ImportOptions {
  readonly checkpoint: string;
  readonly name: string;
  /** Folder that will hold the model's folder; it is also searched for weights of `models pull`. */
  readonly store: string;
  /** Folder of the Python package `export`. */
  readonly packages: string;
  readonly clip?: string;
  readonly variant?: string;
  readonly vocabulary?: string;
  readonly taps?: readonly number[];
  readonly shallowestFirst?: boolean;
  /** The model's default precision. */
  readonly precision?: ModelPrecision;
  /** Precisions to make. Default: all. */
  readonly precisions?: readonly ModelPrecision[];
  readonly images?: string;
  readonly interpreter?: string;
  /** Steps as they begin (`step` of `of`) and remarks (neither). */
  readonly onProgress?: (text: string, step?: number, of?: number) => void;
  readonly signal?: AbortSignal;
}

const lineSchema = z.union([
  z.object({ progress: z.string(), step: z.number(), of: z.number() }),
  z.object({ note: z.string() }),
  z.object({ error: z.string() }),
  z.object({ done: z.record(z.string(), z.unknown()) }),
]);

/** Report of the conversion: the default precision, and the agreement of each with PyTorch. */
export type ImportOutcome = Readonly<Record<string, unknown>>;

/**
 * Converts a PyTorch checkpoint to a model folder `store/name`; on failure nothing is left there.
 * @throws GraspGroundingError FILE_MISSING, IMPORT_FAILED, PYTHON_MISSING, PYTHON_PACKAGES
 */
export async function importCheckpoint(options: ImportOptions): Promise<ImportOutcome> {
  const { onProgress, signal } = options;
  // Before an environment of a gigabyte is made.
  await checkCheckpoint(options.checkpoint);
  if (options.clip !== undefined) await checkCheckpoint(options.clip);
  const python = await pythonFor({
    packages: options.packages,
    ...(options.interpreter && { interpreter: options.interpreter }),
    ...(onProgress && { onLine: (line: string) => onProgress(line) }),
    ...(signal && { signal }),
  });
  await mkdir(options.store, { recursive: true });
  let error: string | undefined;
  let outcome: ImportOutcome | undefined;
  const run = await runLines(python, ["-m", "export.import_checkpoint", ...pythonArguments(options)], {
    env: { ...process.env, PYTHONPATH: pythonPath(options.packages), PYTHONDONTWRITEBYTECODE: "1" },
    onLine: (line) => {
      const parsed = lineSchema.safeParse(parseJson(line));
      if (!parsed.success) return;
      const said = parsed.data;
      if ("progress" in said) onProgress?.(said.progress, said.step, said.of);
      else if ("note" in said) onProgress?.(said.note);
      else if ("error" in said) error = said.error;
      else outcome = said.done;
    },
    ...(signal && { signal }),
  });
  if (outcome !== undefined && run.code === 0) return outcome;
  throw new GraspGroundingError("IMPORT_FAILED", {
    detail: error ?? (run.last || `the conversion ended with exit code ${run.code}`),
  });
}

function pythonArguments(options: ImportOptions): string[] {
  const { checkpoint, name, store, clip, variant, vocabulary, taps, precision, images } = options;
  return [
    ...["--checkpoint", checkpoint, "--name", name, "--out", join(store, name), "--store", store],
    ...(clip ? ["--clip", clip] : []),
    ...(variant ? ["--variant", variant] : []),
    ...(vocabulary ? ["--vocab", vocabulary] : []),
    ...(taps ? ["--taps", ...taps.map(String)] : []),
    ...(options.shallowestFirst ? ["--shallowest-first"] : []),
    ...(precision ? ["--precision", precision] : []),
    ...(options.precisions ? ["--precisions", ...options.precisions] : []),
    ...(images ? ["--pictures", images] : []),
  ];
}

const pythonPath = (packages: string): string =>
  process.env.PYTHONPATH ? `${packages}${delimiter}${process.env.PYTHONPATH}` : packages;

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
