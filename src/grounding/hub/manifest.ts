import { isAbsolute, join, normalize } from "node:path";
import { z } from "zod";
import { GraspGroundingError } from "../../errors/index.js";
import { hashFile, type Manifest, manifestFiles, manifestSchema } from "../hifics/manifest.js";
import { readManifestFile } from "../hifics/manifest-file.js";

/** Architectures that run as the model hub publishes them. */
export const hubFamilies = ["clipseg", "owlv2", "grounding-dino", "sam"] as const;
export type HubFamily = (typeof hubFamilies)[number];

/** What a file of a hub model is for. `*-data` holds weights that an ONNX file keeps outside of itself. */
export const hubRoles = [
  "model",
  "model-data",
  "vision",
  "vision-data",
  "prompt-decoder",
  "prompt-decoder-data",
  "config",
  "preprocessor",
  "tokenizer",
  "tokenizer-config",
] as const;
export type HubRole = (typeof hubRoles)[number];

/** The files without which a model of a family does not run. */
export const requiredRoles: Readonly<Record<HubFamily, readonly HubRole[]>> = {
  clipseg: ["model", "config", "preprocessor", "tokenizer"],
  owlv2: ["model", "config", "preprocessor", "tokenizer"],
  "grounding-dino": ["model", "config", "preprocessor", "tokenizer"],
  sam: ["vision", "prompt-decoder", "config", "preprocessor"],
};

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const path = z.string().refine((file) => !isAbsolute(file) && !normalize(file).startsWith(".."), {
  message: "must stay inside the model's folder",
});
const precision = z.enum(["fp32", "fp16", "int8"]);

/** Format of the manifest.json of a model in the hub's layout. Unknown keys are preserved. */
export const hubManifestSchema = z
  .looseObject({
    format: z.literal(1),
    name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i),
    family: z.enum(hubFamilies),
    description: z.string().optional(),
    /** Identifier as the publisher states it; `unknown` where none is stated. */
    licence: z.string().min(1),
    /** Where the files come from, for people. */
    source: z.string(),
    /** Repository and commit the files were fetched from; absent for files converted on this machine. */
    repository: z.looseObject({ id: z.string(), revision: z.string().regex(/^[0-9a-f]{40}$/) }).optional(),
    /** `label` is the suffix of the ONNX files' names, such as `quantized`. */
    precision: z.looseObject({ kind: precision, label: z.string() }),
    /** In the model's top folder: precisions that have a folder of their own. */
    precisions: z.array(precision).optional(),
    files: z.partialRecord(
      z.enum(hubRoles),
      z.looseObject({ file: path, sha256, bytes: z.int().nonnegative() }),
    ),
  })
  .superRefine((manifest, context) => {
    for (const role of requiredRoles[manifest.family]) {
      if (manifest.files[role] === undefined)
        context.addIssue({ code: "custom", path: ["files", role], message: "is missing" });
    }
  });

export type HubManifest = z.infer<typeof hubManifestSchema>;
/** Manifest of any model: HiFi-CS and its relatives, or one in the hub's layout. */
export type ModelManifest = Manifest | HubManifest;

/** Whether a manifest is of a model in the hub's layout. */
export const isHubManifest = (manifest: ModelManifest): manifest is HubManifest =>
  (hubFamilies as readonly string[]).includes(manifest.family);

/** Reads the manifest of a model in the hub's layout. @throws GraspGroundingError MODEL_MISSING, MODEL_MANIFEST */
export const readHubManifest = (folder: string): Promise<HubManifest> =>
  readManifestFile(folder, "manifest.json", hubManifestSchema);

/** Reads the manifest of any model. @throws GraspGroundingError MODEL_MISSING, MODEL_MANIFEST */
export async function readModelManifest(folder: string): Promise<ModelManifest> {
  const { family } = await readManifestFile(folder, "manifest.json", z.looseObject({ family: z.string() }));
  return (hubFamilies as readonly string[]).includes(family)
    ? readHubManifest(folder)
    : readManifestFile(folder, "manifest.json", manifestSchema);
}

/** A model folder in the hub's layout, its settings read. */
export interface HubModel {
  readonly folder: string;
  readonly manifest: HubManifest;
  /** config.json as published. */
  readonly config: Readonly<Record<string, unknown>>;
  /** preprocessor_config.json as published. */
  readonly preprocessor: Readonly<Record<string, unknown>>;
  /** Path of a role's file; undefined where the model has none. */
  file(role: HubRole): string | undefined;
}

/** Roles of files without weights, which a model needs here also where its weights are on another machine. */
const settingsRoles: readonly HubRole[] = ["config", "preprocessor", "tokenizer", "tokenizer-config"];

/**
 * Opens a model folder in the hub's layout: its manifest, and the settings that belong to it. The hashes of all files,
 * or of those without weights, are checked.
 * @throws GraspGroundingError MODEL_MISSING, MODEL_MANIFEST, MODEL_CORRUPT, FILE_MISSING
 */
export async function openHubModel(folder: string, which: "all" | "settings" = "all"): Promise<HubModel> {
  const manifest = await readHubManifest(folder);
  const checked = which === "all" ? hubRoles : settingsRoles;
  await verifyEntries(
    folder,
    checked.map((role) => manifest.files[role]).filter((entry) => entry !== undefined),
  );
  const settings = (role: "config" | "preprocessor") =>
    readManifestFile(folder, manifest.files[role]?.file ?? "", z.record(z.string(), z.unknown()));
  const [config, preprocessor] = await Promise.all([settings("config"), settings("preprocessor")]);
  return {
    ...{ folder, manifest, config, preprocessor },
    file: (role) => {
      const entry = manifest.files[role];
      return entry && join(folder, entry.file);
    },
  };
}

/** Every file of a model, with its expected hash. */
export const modelManifestFiles = (
  manifest: ModelManifest,
): readonly { readonly file: string; readonly sha256: string }[] =>
  isHubManifest(manifest)
    ? Object.values(manifest.files).filter((entry) => entry !== undefined)
    : manifestFiles(manifest);

/** Hashes every file of a model and compares. @throws GraspGroundingError MODEL_CORRUPT, FILE_MISSING */
export const verifyModel = (folder: string, manifest: ModelManifest): Promise<void> =>
  verifyEntries(folder, modelManifestFiles(manifest));

async function verifyEntries(
  folder: string,
  entries: readonly { readonly file: string; readonly sha256: string }[],
): Promise<void> {
  await Promise.all(
    entries.map(async ({ file, sha256: wanted }) => {
      const found = await hashFile(join(folder, file));
      if (found !== wanted)
        throw new GraspGroundingError("MODEL_CORRUPT", { path: join(folder, file), found, wanted });
    }),
  );
}
