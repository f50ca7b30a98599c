import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, GraspGroundingError } from "../../errors/index.js";
import {
  type HubFamily,
  type HubManifest,
  type HubRole,
  hashFile,
  isHubManifest,
  readHubManifest,
  readModelManifest,
} from "../../grounding/index.js";
import type { ModelPrecision } from "../convert.js";

/** Files of one precision in `stage/PRECISION`, and what the manifest says about them. */
export interface HubInstall {
  readonly store: string;
  readonly name: string;
  /** Folder in the store's file system, removed when the model has its final place. */
  readonly stage: string;
  readonly family: HubFamily;
  readonly precision: ModelPrecision;
  readonly label: string;
  readonly licence: string;
  readonly source: string;
  readonly description?: string | undefined;
  readonly repository?: HubManifest["repository"];
  /** Path in `stage/PRECISION` by role, with the SHA-256 where it was checked already. */
  readonly files: ReadonlyMap<HubRole, { readonly file: string; readonly sha256?: string | undefined }>;
  /** Further entries of the manifest, such as measured agreement. */
  readonly more?: Readonly<Record<string, unknown>> | undefined;
}

/** The hidden folder in which a model is put together. */
export const stageFolder = (store: string, name: string, what: string): string =>
  join(store, `.${name}-${what}.part`);

/**
 * The manifest of a hub model in the store; undefined when nothing has the name.
 * @throws GraspGroundingError MODEL_EXISTS when something else has it
 */
export async function installedHubModel(store: string, name: string): Promise<HubManifest | undefined> {
  const path = join(store, name);
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
  const manifest = await readModelManifest(path).catch(() => undefined);
  if (manifest === undefined || !isHubManifest(manifest))
    throw new GraspGroundingError("MODEL_EXISTS", { name, path });
  return manifest;
}

/**
 * Gives a staged precision its place: `store/NAME/PRECISION`. The first one of a model is what NAME alone means. The
 * model appears whole or not at all.
 * @throws GraspGroundingError OUTPUT_UNWRITABLE, MODEL_EXISTS
 */
export async function installHubModel(install: HubInstall): Promise<string> {
  const { store, name, stage, precision } = install;
  const folder = join(store, name);
  const existing = await installedHubModel(store, name);
  try {
    const files: Record<string, { file: string; sha256: string; bytes: number }> = {};
    for (const [role, { file, sha256 }] of install.files) {
      const path = join(stage, precision, file);
      files[role] = { file, sha256: sha256 ?? (await hashFile(path)), bytes: (await stat(path)).size };
    }
    const { family, label, licence, source, description, repository, more } = install;
    const manifest = {
      ...{ format: 1, name: `${name}-${precision}`, family },
      ...(description && { description }),
      ...{ licence, source },
      ...(repository && { repository }),
      precision: { kind: precision, label },
      files,
      ...more,
    };
    await writeJson(join(stage, precision, "manifest.json"), manifest);
    await readHubManifest(join(stage, precision));
    if (existing === undefined) {
      await writeJson(join(stage, "manifest.json"), {
        ...{ ...manifest, name, precisions: [precision] },
        files: Object.fromEntries(
          Object.entries(files).map(([role, entry]) => [
            role,
            { ...entry, file: `${precision}/${entry.file}` },
          ]),
        ),
      });
      await rename(stage, folder);
    } else {
      await rename(join(stage, precision), join(folder, precision));
      const path = join(folder, "manifest.json");
      const top = JSON.parse(await readFile(path, "utf8")) as { precisions?: string[] };
      const precisions = [...new Set([...(top.precisions ?? []), precision])].sort();
      await writeJson(path, { ...top, precisions });
      await rm(stage, { recursive: true, force: true });
    }
  } catch (cause) {
    if (cause instanceof GraspGroundingError) throw cause;
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path: folder, detail: describe(cause) }, { cause });
  }
  return folder;
}

/** Written next to it and renamed: a reader sees the old or the new file. */
async function writeJson(path: string, content: unknown): Promise<void> {
  const part = `${path}.part`;
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(part, `${JSON.stringify(content, undefined, 2)}\n`);
  await rename(part, path);
}
