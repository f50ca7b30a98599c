import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Manifest, modelFiles, readManifest } from "../../src/grounding/index.js";
import { InProcessBackend } from "../../src/inference/index.js";
import { pythonPath, repository } from "./python.js";

export const packages = join(repository, "models");

/** Runs a module of models/export. @throws Error with the end of its stderr when it fails */
export function runExport(module: string, args: readonly string[]): string {
  const result = spawnSync(pythonPath(), ["-W", "ignore", "-m", module, ...args], {
    cwd: packages,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
  });
  if (result.status === 0) return `${result.stdout}${result.stderr}`;
  const why = result.error?.message ?? result.stderr.split("\n").slice(-25).join("\n");
  throw new Error(`python -m ${module} failed (test/requirements.txt lists what it needs): ${why}`);
}

/** A checkpoint with seeded random weights and the published names: small, but as deep as the taps need. */
export function randomCheckpoint(path: string, args: readonly string[]): void {
  const small = ["--layers", "10", "--width", "128", "--text-layers", "2", "--text-width", "64"];
  runExport("export.random_weights", ["--out", path, ...small, ...args]);
}

export interface OpenModel {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly backend: InProcessBackend;
}

export async function openModel(folder: string): Promise<OpenModel> {
  const manifest = await readManifest(folder);
  return {
    folder,
    manifest,
    backend: await InProcessBackend.create(modelFiles(folder, manifest), { threads: 2 }),
  };
}
