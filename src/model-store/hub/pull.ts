import { copyFile, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { type HubRole, hashFile } from "../../grounding/index.js";
import { Refused } from "../../net/index.js";
import type { ModelPrecision } from "../convert.js";
import { download } from "../download.js";
import { installHubModel, stageFolder } from "./install.js";
import { authorisation, type HubAccess, type HubFile, hubError, readRepository } from "./repository.js";
import { familyOf, type Selection, selectFiles } from "./select.js";

/** Shown before anything large is fetched. */
export interface PullSummary {
  readonly repository: string;
  readonly revision?: string;
  readonly licence: string;
  readonly bytes: number;
  readonly files: readonly string[];
}

interface PullInto {
  readonly store: string;
  readonly name: string;
  readonly precision: ModelPrecision;
  readonly description?: string | undefined;
  /** Licence where the source names none. */
  readonly licence?: string | undefined;
  readonly onSummary?: (summary: PullSummary) => void;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface HubPullOptions extends PullInto {
  /** `owner/name`. */
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  readonly access: HubAccess;
}

export interface FolderPullOptions extends PullInto {
  /** A folder in the layout of the hub. */
  readonly folder: string;
  readonly repository?: string | undefined;
}

/**
 * Fetches one precision of a hub repository into `store/NAME`. Every file is checked against the hash that the hub
 * states for the pinned commit. A broken download is resumed by the next call; the model appears whole or not at all.
 * Returns the model's folder.
 * @throws GraspGroundingError HUB_REFUSED, HUB_MISSING, HUB_UNFIT, MODEL_EXISTS, DOWNLOAD_FAILED, DOWNLOAD_CORRUPT,
 * OUTPUT_UNWRITABLE
 */
export async function pullFromHub(options: HubPullOptions): Promise<string> {
  const { store, name, precision, repository: id, access } = options;
  const repository = await readRepository(id, options.revision, access);
  const { revision } = repository;
  const stage = stageFolder(store, name, `${precision}-${revision.slice(0, 12)}`);
  const base = join(stage, precision);
  const fetchFile = async (path: string, file: HubFile, onProgress?: (done: number) => void) => {
    const encoded = path.split("/").map(encodeURIComponent).join("/");
    try {
      await download({
        url: `${access.endpoint}/${id}/resolve/${revision}/${encoded}`,
        path: join(base, path),
        name,
        ...(file.sha256 ? { sha256: file.sha256 } : { gitBlob: file.gitBlob ?? "" }),
        headers: authorisation(access),
        ...(onProgress && { onProgress }),
        ...(access.signal && { signal: access.signal }),
        ...(access.idleMs && { idleMs: access.idleMs }),
        ...(access.pauseMs && { pauseMs: access.pauseMs }),
      });
    } catch (error) {
      const status =
        error instanceof Error && error.cause instanceof Refused ? error.cause.status : undefined;
      throw hubError(status ?? 0, `${id}/${path}`, access.endpoint) ?? error;
    }
  };
  const config = repository.files.get("config.json");
  if (config === undefined)
    throw new GraspGroundingError("HUB_UNFIT", { repository: id, detail: "config.json is missing" });
  let selection: Selection;
  try {
    await fetchFile("config.json", config);
    const family = familyOf(await readJson(join(base, "config.json")), id);
    selection = selectFiles(new Set(repository.files.keys()), family, precision, id);
  } catch (error) {
    await rm(stage, { recursive: true, force: true });
    throw error;
  }
  const wanted = [...selection.files].map(([role, path]) => ({
    ...{ role, path },
    file: repository.files.get(path) ?? { bytes: 0 },
  }));
  const bytes = wanted.reduce((sum, { file }) => sum + file.bytes, 0);
  const licence = repository.licence ?? options.licence ?? "unknown";
  options.onSummary?.({
    ...{ repository: id, revision, licence, bytes },
    files: wanted.map(({ path }) => path),
  });
  let done = 0;
  for (const { path, file } of wanted) {
    if (!(await isFetched(join(base, path), file)))
      await fetchFile(path, file, (part) => options.onProgress?.(done + part, bytes));
    done += file.bytes;
    options.onProgress?.(done, bytes);
  }
  const folder = await installHubModel({
    ...{ store, name, stage, precision, label: selection.label, licence },
    family: familyOf(await readJson(join(base, "config.json")), id),
    source: `${access.endpoint}/${id}`,
    description: options.description,
    repository: { id, revision },
    files: new Map(wanted.map(({ role, path, file }) => [role, { file: path, sha256: file.sha256 }])),
  });
  await removeStages(store, name, precision);
  return folder;
}

/**
 * Takes one precision from a folder in the hub's layout, without a network: a clone of the repository, or what the
 * hub's own tool downloaded. Where that tool noted hashes, they are checked. Returns the model's folder.
 * @throws GraspGroundingError FILE_MISSING, HUB_UNFIT, MODEL_EXISTS, DOWNLOAD_CORRUPT, OUTPUT_UNWRITABLE
 */
export async function pullFromFolder(options: FolderPullOptions): Promise<string> {
  const { store, name, precision, folder: source } = options;
  const paths = await pathsIn(source);
  const config = join(source, "config.json");
  if (!paths.has("config.json")) throw new GraspGroundingError("FILE_MISSING", { path: config });
  const family = familyOf(await readJson(config), source);
  const selection = selectFiles(paths, family, precision, source);
  const sizes = await Promise.all(
    [...selection.files.values()].map(async (path) => (await stat(join(source, path))).size),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const licence = (await cardLicence(join(source, "README.md"))) ?? options.licence ?? "unknown";
  const snapshot = /[\\/]snapshots[\\/]([0-9a-f]{40})[\\/]?$/.exec(source)?.[1];
  options.onSummary?.({
    ...{ repository: source, licence, bytes, files: [...selection.files.values()] },
    ...(snapshot && { revision: snapshot }),
  });
  const stage = stageFolder(store, name, `${precision}-folder`);
  await rm(stage, { recursive: true, force: true });
  const files = new Map<HubRole, { file: string; sha256: string }>();
  const revisions = new Set<string>(snapshot ? [snapshot] : []);
  try {
    for (const [role, path] of selection.files) {
      const target = join(stage, precision, path);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(join(source, path), target);
      const sha256 = await hashFile(target);
      const noted = await notedBy(source, path);
      if (noted?.sha256 !== undefined && noted.sha256 !== sha256) {
        const wanted = noted.sha256;
        throw new GraspGroundingError("DOWNLOAD_CORRUPT", { url: join(source, path), found: sha256, wanted });
      }
      if (noted !== undefined) revisions.add(noted.revision);
      files.set(role, { file: path, sha256 });
    }
    const [revision] = revisions;
    return await installHubModel({
      ...{ store, name, stage, family, precision, label: selection.label, licence, files },
      source: `folder ${source}`,
      description: options.description,
      ...(options.repository && revision && revisions.size === 1
        ? { repository: { id: options.repository, revision } }
        : {}),
    });
  } catch (cause) {
    if (cause instanceof GraspGroundingError) throw cause;
    const detail = describe(cause);
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path: join(store, name), detail }, { cause });
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** Whether an earlier call has fetched the whole file already. */
async function isFetched(path: string, file: HubFile): Promise<boolean> {
  const size = await stat(path).then(
    (found) => found.size,
    () => -1,
  );
  // Files without a SHA-256 are small and fetched again.
  return size === file.bytes && file.sha256 !== undefined && (await hashFile(path)) === file.sha256;
}

/** What an interrupted pull of another commit has left behind. */
async function removeStages(store: string, name: string, precision: string): Promise<void> {
  for (const entry of await readdir(store)) {
    if (entry.startsWith(`.${name}-${precision}-`) && entry.endsWith(".part"))
      await rm(join(store, entry), { recursive: true, force: true });
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new GraspGroundingError("MODEL_MANIFEST", { path, detail: describe(cause) }, { cause });
  }
}

async function pathsIn(folder: string): Promise<ReadonlySet<string>> {
  const names = async (sub: string) =>
    (await readdir(join(folder, sub)).catch(() => [] as string[])).map((name) =>
      sub ? `${sub}/${name}` : name,
    );
  return new Set([...(await names("")), ...(await names("onnx"))]);
}

/** `license:` in the head of a repository's card. */
async function cardLicence(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  const head = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1] ?? "";
  return /^license:\s*["']?([\w.-]+)/m.exec(head)?.[1];
}

/** Commit and hash that the hub's own tool notes next to a file it downloads into a folder. */
async function notedBy(
  folder: string,
  path: string,
): Promise<{ readonly revision: string; readonly sha256?: string } | undefined> {
  const note = join(folder, ".cache", "huggingface", "download", `${path}.metadata`);
  const [revision = "", etag = ""] = (await readFile(note, "utf8").catch(() => "")).split(/\r?\n/);
  if (!/^[0-9a-f]{40}$/.test(revision)) return undefined;
  return { revision, ...(/^[0-9a-f]{64}$/.test(etag) && { sha256: etag }) };
}
