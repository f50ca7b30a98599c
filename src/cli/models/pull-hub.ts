import { mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { readHubManifest, verifyModel } from "../../grounding/index.js";
import {
  freeFolder,
  hubEndpoint,
  hubToken,
  installedHubModel,
  type KnownHubModel,
  type ModelPrecision,
  type PullSummary,
  pullFromFolder,
  pullFromHub,
  userModelFolder,
} from "../../model-store/index.js";
import { Progress } from "../../system/index.js";

export interface PullFlags {
  readonly from?: string;
  readonly as?: string;
  readonly precision?: readonly ModelPrecision[];
  readonly revision?: string;
}

/** Fetches a model in the hub's layout, each precision whole or not at all. */
export async function pullHubModel(what: KnownHubModel | string, flags: PullFlags): Promise<void> {
  const known = typeof what === "string" ? undefined : what;
  const repository = typeof what === "string" ? what : what.repository;
  const name = flags.as ?? known?.name ?? (repository.split("/")[1] ?? "").toLowerCase();
  const store = userModelFolder();
  const installed = await installedHubModel(store, name);
  // A new name must be a possible one; a known model has the name that is reserved for it.
  if (installed === undefined && name !== known?.name) await freeFolder(name);
  const stranger = installed?.repository !== undefined && installed.repository.id !== repository;
  if (stranger) throw new GraspGroundingError("MODEL_EXISTS", { name, path: join(store, name) });
  await mkdir(store, { recursive: true }).catch((cause) => {
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path: store, detail: describe(cause) }, { cause });
  });
  // Precisions of one model are of one commit.
  const revision = flags.revision ?? installed?.repository?.revision ?? known?.revision ?? "main";
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once("SIGINT", stop);
  try {
    for (const precision of flags.precision ?? (["fp32"] as const)) {
      if (installed?.precisions?.includes(precision)) {
        await refuseOtherRevision(store, name, flags.revision, installed.repository?.revision);
        const folder = join(store, name, precision);
        await verifyModel(folder, await readHubManifest(folder));
        process.stdout.write(`${name}@${precision} is there already: ${folder}\n`);
        continue;
      }
      await pullOne({ name, repository, revision, precision, known, from: flags.from, signal: abort.signal });
    }
  } finally {
    process.off("SIGINT", stop);
  }
}

async function refuseOtherRevision(
  store: string,
  name: string,
  wanted: string | undefined,
  installed: string | undefined,
): Promise<void> {
  if (wanted !== undefined && installed !== undefined && !installed.startsWith(wanted))
    throw new GraspGroundingError("MODEL_EXISTS", { name, path: join(store, name) });
}

interface One {
  readonly name: string;
  readonly repository: string;
  readonly revision: string;
  readonly precision: ModelPrecision;
  readonly known: KnownHubModel | undefined;
  readonly from: string | undefined;
  readonly signal: AbortSignal;
}

async function pullOne({ name, repository, revision, precision, known, from, signal }: One): Promise<void> {
  const progress = new Progress(`${name}@${precision}, MB:`);
  const common = {
    ...{ store: userModelFolder(), name, precision },
    description: known?.description,
    licence: known?.licence,
    onSummary: (summary: PullSummary) => process.stderr.write(`${summaryLine(name, precision, summary)}\n`),
    onProgress: (done: number, total: number) =>
      progress.update(Math.round(done / 1e6), Math.round(total / 1e6)),
  };
  try {
    const isFolder = from !== undefined && !/^https?:\/\//i.test(from);
    if (isFolder) await stat(resolve(from)).catch(() => missing(resolve(from)));
    const folder = isFolder
      ? await pullFromFolder({ ...common, folder: resolve(from), repository })
      : await pullFromHub({
          ...{ ...common, repository, revision },
          access: {
            endpoint: from?.replace(/\/+$/, "") ?? hubEndpoint(),
            // The token is the hub's own; a mirror named by --from does not get it.
            token: from === undefined ? await hubToken() : undefined,
            signal,
          },
        });
    const { family } = await readHubManifest(join(folder, precision));
    const use = family === "sam" ? `--refine ${name}` : `--model ${name}`;
    process.stdout.write(
      `${name}@${precision}: ${join(folder, precision)}, SHA-256 as ${isFolder ? "in the folder" : "published"}\nUse it: ${use}\n`,
    );
  } finally {
    progress.done();
  }
}

function missing(path: string): never {
  throw new GraspGroundingError("FILE_MISSING", { path });
}

function summaryLine(name: string, precision: string, summary: PullSummary): string {
  const { repository, revision, licence, bytes } = summary;
  const where = `${repository}${revision === undefined ? "" : `@${revision.slice(0, 12)}`}`;
  return `${name}@${precision}: licence ${licence}; ${(bytes / 1e6).toFixed(0)} MB from ${where}`;
}
