import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { GraspGroundingError } from "../../src/errors/index.js";
import { type HubFamily, hashFile } from "../../src/grounding/index.js";
import { runLines } from "../../src/model-store/index.js";
import { interrupted } from "../children.js";
import { checkout, referencePython } from "../python.js";

export type FamilyPrecision = "fp32" | "int8";

const files: Readonly<Record<HubFamily, Readonly<Record<string, string>>>> = {
  clipseg: { model: "model" },
  owlv2: { model: "model" },
  "grounding-dino": { model: "model" },
  sam: { vision: "vision_encoder", "prompt-decoder": "prompt_encoder_mask_decoder" },
};

/** Where a repository's int8 is in 8 bits: the weights alone, or the products too, as the hub's own files are. */
export type EightBits = "weights" | "products";

/**
 * A repository in the hub's layout with seeded random weights, fp32 and int8, and the same weights for PyTorch.
 * @param size of the layers: `true` as published, `small` for tests
 * @param int8 `weights` by default: random layers leave no room for activations in 8 bits
 * @throws GraspGroundingError USAGE
 */
export async function randomRepository(
  family: HubFamily,
  folder: string,
  size: "small" | "true",
  int8: EightBits = "weights",
): Promise<void> {
  const args = [
    ...["-W", "ignore", "-m", "export.random_families", "--family", family, "--size", size],
    ...["--precisions", "fp32", "int8", ...(int8 === "weights" ? ["--packed"] : []), "--out", folder],
  ];
  const run = await runLines(referencePython(), args, { cwd: join(checkout, "models"), signal: interrupted });
  if (run.code !== 0)
    throw new GraspGroundingError("USAGE", {
      detail: `random weights could not be made (${run.last}); run \`npm test\` once in a checkout`,
    });
}

/**
 * A repository of the true size in `folder`: the one that an earlier run left there, or a new one.
 * @throws GraspGroundingError USAGE
 */
export async function trueRepository(family: HubFamily, folder: string, int8: EightBits): Promise<string> {
  const repository = join(folder, `${family}-${int8}`);
  if (existsSync(repository)) return repository;
  const partial = `${repository}.part`;
  rmSync(partial, { recursive: true, force: true });
  await randomRepository(family, partial, "true", int8);
  renameSync(partial, repository);
  return repository;
}

/** The ONNX files of a family in a precision, relative to its folder. */
export const onnxFiles = (family: HubFamily, kind: FamilyPrecision): readonly string[] =>
  Object.values(files[family]).map((stem) => onnxFile(stem, kind));

const onnxFile = (stem: string, kind: FamilyPrecision): string =>
  `onnx/${stem}${kind === "int8" ? "_quantized" : ""}.onnx`;

/** The model folder of a repository's precision, its manifest written as `models pull` writes it. */
export async function modelOfRepository(
  family: HubFamily,
  repository: string,
  folder: string,
  kind: FamilyPrecision = "fp32",
): Promise<string> {
  const label = kind === "int8" ? "quantized" : "";
  const roles: Record<string, string> = {
    config: "config.json",
    preprocessor: "preprocessor_config.json",
    tokenizer: "tokenizer.json",
    "tokenizer-config": "tokenizer_config.json",
  };
  for (const [role, stem] of Object.entries(files[family])) roles[role] = onnxFile(stem, kind);
  const entries: Record<string, object> = {};
  for (const [role, file] of Object.entries(roles)) {
    const from = join(repository, file);
    if (!existsSync(from)) continue;
    const to = join(folder, file);
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
    entries[role] = { file, sha256: await hashFile(to), bytes: statSync(to).size };
  }
  const manifest = {
    ...{ format: 1, name: `${family}-${kind}`, family, licence: "cc0-1.0", source: "seeded random weights" },
    ...{ precision: { kind, label }, files: entries },
  };
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest, undefined, 2));
  return folder;
}
