import { readdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { GraspGroundingError } from "../errors/index.js";
import { type GraspModelManifest, readGraspManifest } from "../grasping/learned/index.js";
import { type ModelManifest, readModelManifest } from "../grounding/index.js";
import { packageRoot } from "../system/index.js";
import { knownHubModels } from "./hub/known.js";
import { type KnownWeights, knownWeights } from "./known.js";

export const defaultModel = "lite";

/** Folders that hold models, the user's own first. */
export function modelFolders(): readonly string[] {
  return [userModelFolder(), join(packageRoot, "models")];
}

/** Folder in which `models import` and `models pull` put models: GRASP_GROUNDING_MODELS, else the XDG data folder. */
export function userModelFolder(): string {
  const data = process.env.XDG_DATA_HOME || join(homedir(), ".local", "share");
  return process.env.GRASP_GROUNDING_MODELS || join(data, "grasp-grounding", "models");
}

/** Folder of fetched weights. */
export const weightsPath = (known: KnownWeights): string => join(userModelFolder(), known.name, known.file);

/** Bytes of a file or folder; undefined when it does not exist. */
export const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    (s) => s.size,
    () => undefined,
  );

export interface InstalledModel {
  readonly name: string;
  readonly folder: string;
  readonly manifest: ModelManifest;
}

/** Every usable model; the user's own wins over another of the same name. */
export async function listModels(): Promise<readonly InstalledModel[]> {
  const models = new Map<string, InstalledModel>();
  for (const parent of modelFolders()) {
    const names = await readdir(parent).catch(() => []);
    for (const name of names.sort()) {
      const folder = join(parent, name);
      const manifest = await readModelManifest(folder).catch(() => undefined);
      if (manifest !== undefined && !models.has(name)) models.set(name, { name, folder, manifest });
    }
  }
  return [...models.values()];
}

/**
 * Folder of a model: a path that holds a manifest, or the name of an installed one. `NAME@int8` means one of the
 * precisions of an imported model, each in its own folder.
 * @throws GraspGroundingError MODEL_MISSING, MODEL_MANIFEST
 */
export async function findModel(nameOrPath: string): Promise<string> {
  const [, base = nameOrPath, precision = ""] = /^(.*[^\\/])@(fp32|fp16|int8)$/.exec(nameOrPath) ?? [];
  const candidates = /[\\/]/.test(base)
    ? [join(base, precision)]
    : modelFolders().map((parent) => join(parent, base, precision));
  return firstModel(candidates, readModelManifest, nameOrPath);
}

/**
 * Folder of a grasp network: a path, or the name of one that `models import-grasp` made.
 * @throws GraspGroundingError MODEL_MISSING, MODEL_MANIFEST
 */
export async function findGraspNetwork(nameOrPath: string): Promise<string> {
  const candidates = [nameOrPath, ...(/[\\/]/.test(nameOrPath) ? [] : [join(userModelFolder(), nameOrPath)])];
  return firstModel(candidates, readGraspManifest, nameOrPath);
}

/** The first folder with a manifest; an invalid manifest ends the search. */
async function firstModel(
  folders: readonly string[],
  read: (folder: string) => Promise<unknown>,
  name: string,
): Promise<string> {
  for (const folder of folders) {
    try {
      await read(folder);
      return folder;
    } catch (error) {
      if (!(error instanceof GraspGroundingError) || error.code !== "MODEL_MISSING") throw error;
    }
  }
  throw new GraspGroundingError("MODEL_MISSING", { name });
}

/** Imported grasp networks, by name. */
export async function listGraspNetworks(): Promise<
  readonly { readonly name: string; readonly folder: string; readonly manifest: GraspModelManifest }[]
> {
  const found = [];
  for (const name of (await readdir(userModelFolder()).catch(() => [])).sort()) {
    const folder = join(userModelFolder(), name);
    const manifest = await readGraspManifest(folder).catch(() => undefined);
    if (manifest !== undefined) found.push({ name, folder, manifest });
  }
  return found;
}

/**
 * Folder for a new model of this name.
 * @throws GraspGroundingError USAGE for a name that cannot be one, MODEL_EXISTS
 */
export async function freeFolder(name: string): Promise<string> {
  if (!/^[a-z0-9][a-z0-9._-]*$/i.test(name))
    throw new GraspGroundingError("USAGE", { detail: `--name ${name}: letters, digits, dots, dashes only` });
  if ([...knownWeights, ...knownHubModels].some((known) => known.name === name))
    throw new GraspGroundingError("USAGE", {
      detail: `--name ${name} is reserved for the publisher's weights`,
    });
  const path = join(userModelFolder(), name);
  const taken = await stat(path).then(
    () => true,
    () => false,
  );
  if (taken) throw new GraspGroundingError("MODEL_EXISTS", { name, path });
  return path;
}
