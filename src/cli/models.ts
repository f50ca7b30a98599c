import { mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import { describe, GraspGroundingError } from "../errors/index.js";
import {
  hashFile,
  manifestFiles,
  modelFiles,
  readManifest,
  runSelfTest,
  verifyFiles,
} from "../grounding/index.js";
import { InProcessBackend } from "../inference/index.js";
import {
  copyChecked,
  download,
  importCheckpoint,
  type KnownWeights,
  knownWeights,
  type ModelPrecision,
} from "../model-store/index.js";
import {
  findModel,
  freeFolder,
  type InstalledModel,
  listGraspNetworks,
  listModels,
  userModelFolder,
} from "./model-store.js";
import { exportCommand } from "./models-export.js";
import { importGraspCommand } from "./models-grasp.js";
import { Progress, table } from "./output.js";
import { packageRoot } from "./version.js";

/** `models`: what is installed, whether it is whole, and how to get more. */
export function modelsCommand(): Command {
  return new Command("models")
    .description("lists, checks, fetches and converts models")
    .addCommand(listCommand())
    .addCommand(verifyCommand())
    .addCommand(pullCommand())
    .addCommand(importCommand())
    .addCommand(importGraspCommand())
    .addCommand(exportCommand());
}

function listCommand(): Command {
  return new Command("list")
    .description("installed models, and weights that can be fetched")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => {
      const models = await Promise.all((await listModels()).map(describeModel));
      const networks = await Promise.all(
        (await listGraspNetworks()).map(async ({ name, folder, manifest }) => ({
          name,
          licence: manifest.licence,
          bytes: await sizeOf(join(folder, manifest.file)),
          folder,
        })),
      );
      const weights = await Promise.all(knownWeights.map(describeWeights));
      if (options.json) {
        process.stdout.write(
          `${JSON.stringify({ store: userModelFolder(), models, grasp_networks: networks, weights }, undefined, 2)}\n`,
        );
        return;
      }
      const rows = models.map((m) => [
        m.name,
        m.family,
        m.precisions.join(" "),
        megabytes(m.bytes),
        m.licence,
        m.folder,
      ]);
      process.stdout.write(
        `${table(["model", "family", "precisions", "size", "licence", "folder"], rows)}\n\n`,
      );
      if (networks.length > 0) {
        const lines = networks.map((n) => [n.name, megabytes(n.bytes ?? 0), n.licence ?? "", n.folder]);
        process.stdout.write(`${table(["grasp network", "size", "licence", "folder"], lines)}\n\n`);
      }
      const fetchable = weights.map((w) => [
        w.name,
        w.description,
        megabytes(w.bytes),
        w.licence,
        w.fetched ?? `not fetched: models pull ${w.name}`,
      ]);
      process.stdout.write(`${table(["weights", "what", "size", "licence", "where"], fetchable)}\n`);
    });
}

async function describeModel({ name, folder, manifest }: InstalledModel) {
  const sizes = await Promise.all(manifestFiles(manifest).map(({ file }) => sizeOf(join(folder, file))));
  const precisions = Array.isArray(manifest.precisions) ? (manifest.precisions as string[]) : [];
  return {
    name,
    family: manifest.family,
    description: manifest.description,
    licence: manifest.licence,
    source: manifest.source,
    precisions,
    bytes: sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0),
    folder,
  };
}

async function describeWeights(known: KnownWeights) {
  const path = weightsPath(known);
  const size = await sizeOf(path);
  const { name, description, publisher, licence, url, sha256 } = known;
  return {
    ...{ name, description, publisher, licence, url, sha256 },
    bytes: size ?? known.bytes,
    ...(size !== undefined && { fetched: path }),
  };
}

function verifyCommand(): Command {
  return new Command("verify")
    .description("hashes every file again and runs the self-test stored with the model")
    .argument("[name]", "model, its folder, or fetched weights; every one when left out")
    .option("--json", "print JSON")
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const reports = name === undefined ? await verifyAll() : await verifyNamed(name);
      if (options.json) process.stdout.write(`${JSON.stringify(reports, undefined, 2)}\n`);
      else for (const report of reports) process.stdout.write(`${reportLine(report)}\n`);
    });
}

interface VerifyReport {
  readonly name: string;
  readonly folder: string;
  readonly files: number;
  readonly self_test?: { readonly largest_logit_difference: number; readonly mask_agreement: number };
}

async function verifyAll(): Promise<readonly VerifyReport[]> {
  const reports: VerifyReport[] = [];
  for (const { folder } of await listModels()) reports.push(...(await verifyFolders(folder)));
  for (const known of knownWeights) {
    if ((await sizeOf(weightsPath(known))) !== undefined) reports.push(await verifyWeights(known));
  }
  return reports;
}

async function verifyNamed(name: string): Promise<readonly VerifyReport[]> {
  const known = knownWeights.find((weights) => weights.name === name);
  if (known !== undefined && (await sizeOf(weightsPath(known))) !== undefined)
    return [await verifyWeights(known)];
  return verifyFolders(await findModel(name));
}

/** The model, and each precision it holds as a folder of its own. */
async function verifyFolders(folder: string): Promise<readonly VerifyReport[]> {
  const { precisions } = await readManifest(folder);
  const kinds = Array.isArray(precisions) ? (precisions as string[]) : [];
  const reports = [await verifyFolder(folder)];
  for (const kind of kinds) reports.push(await verifyFolder(join(folder, kind)));
  return reports;
}

async function verifyFolder(folder: string): Promise<VerifyReport> {
  const manifest = await readManifest(folder);
  await verifyFiles(folder, manifest);
  const { name } = manifest;
  const backend = await InProcessBackend.create(modelFiles(folder, manifest));
  try {
    const result = await runSelfTest(folder, manifest, backend);
    return {
      ...{ name, folder, files: manifestFiles(manifest).length },
      ...(result && {
        self_test: {
          largest_logit_difference: result.largestDifference,
          mask_agreement: result.maskAgreement,
        },
      }),
    };
  } finally {
    await backend.close();
  }
}

async function verifyWeights(known: KnownWeights): Promise<VerifyReport> {
  const path = weightsPath(known);
  const found = await hashFile(path);
  if (found !== known.sha256) {
    throw new GraspGroundingError("MODEL_CORRUPT", { path, found, wanted: known.sha256 });
  }
  return { name: known.name, folder: path, files: 1 };
}

function reportLine({ name, files, self_test }: VerifyReport): string {
  const hashes = `${name}: ${files} ${files === 1 ? "file" : "files"} as published`;
  if (self_test === undefined) return `${hashes}, no self-test stored`;
  const { largest_logit_difference: difference, mask_agreement: agreement } = self_test;
  return `${hashes}, self-test passed: ${(100 * agreement).toFixed(3)} % of mask pixels, logits within ${difference.toExponential(1)}`;
}

function pullCommand(): Command {
  return new Command("pull")
    .description("fetches published weights; a broken download is taken up where it stopped")
    .argument("<name>", knownWeights.map(({ name }) => name).join(" or "))
    .option("--from <where>", "a mirror's address, or a folder or file on this machine")
    .action(async (name: string, options: { from?: string }) => {
      const known = knownWeights.find((weights) => weights.name === name);
      if (known === undefined) {
        const names = knownWeights.map((weights) => weights.name).join(", ");
        throw new GraspGroundingError("USAGE", {
          detail: `nothing is published as ${name}; there are ${names} (a checkpoint of your own: models import)`,
        });
      }
      await pull(known, options.from);
    });
}

async function pull(known: KnownWeights, from: string | undefined): Promise<void> {
  const { name, sha256, file } = known;
  const path = weightsPath(known);
  if ((await sizeOf(path)) !== undefined && (await hashFile(path)) === sha256) {
    process.stdout.write(`${name} is there already: ${path}\n`);
    return;
  }
  const progress = new Progress(`${name}, MB:`);
  const onProgress = (done: number, total: number | undefined) =>
    progress.update(Math.round(done / 1e6), Math.round((total ?? known.bytes) / 1e6));
  const common = { sha256, path, name, onProgress };
  try {
    if (from === undefined) await download({ ...common, url: known.url });
    else if (/^https?:\/\//i.test(from)) await download({ ...common, url: mirrorAddress(from, file) });
    else await copyChecked(await localSource(from, file), { ...common, url: from });
  } finally {
    progress.done();
  }
  process.stdout.write(
    `${name}: ${path}, SHA-256 as published\n` +
      "These weights are CLIP alone. A HiFi-CS decoder is needed too: bring one with `models import --checkpoint F --name NAME`, or train one (models/training).\n",
  );
}

/** A mirror is named by its folder or by the file itself. */
const mirrorAddress = (from: string, file: string): string =>
  new URL(from).pathname.endsWith(`/${file}`) ? from : `${from.replace(/\/+$/, "")}/${file}`;

async function localSource(from: string, file: string): Promise<string> {
  const path = resolve(from);
  const status = await stat(path).catch(() => undefined);
  if (status === undefined) throw new GraspGroundingError("FILE_MISSING", { path });
  return status.isDirectory() ? join(path, file) : path;
}

interface ImportFlags {
  checkpoint: string;
  name: string;
  clip?: string;
  variant?: string;
  vocab?: string;
  taps?: string;
  shallowestFirst?: boolean;
  precision?: ModelPrecision;
  pictures?: string;
  python?: string;
  json?: boolean;
}

function importCommand(): Command {
  return new Command("import")
    .description("converts a HiFi-CS checkpoint of PyTorch to a model")
    .requiredOption(
      "--checkpoint <file>",
      "state dict of the decoder, or of decoder and CLIP (.pth, .pt, .safetensors)",
    )
    .requiredOption("--name <name>", "what the model will be called")
    .option(
      "--clip <file>",
      "CLIP's weights, where the checkpoint holds the decoder alone (default: what was pulled)",
    )
    .addOption(
      new Option("--variant <which>", "FiLM at one level or at each (default: found out)").choices([
        "single",
        "per-level",
      ]),
    )
    .addOption(
      new Option(
        "--precision <kind>",
        "the one used when only NAME is said; NAME@int8 and alike name another",
      )
        .choices(["fp32", "fp16", "int8"])
        .default("fp32"),
    )
    .option("--vocab <file>", "CLIP's bpe_simple_vocab_16e6.txt.gz or merges.txt (default: bundled)")
    .option("--taps <list>", "encoder blocks that are tapped", "1,3,5,7,9")
    .option("--shallowest-first", "the decoder's first level reads the first tap (default: the deepest)")
    .option("--pictures <folder>", "choose the int8 form on these pictures instead of drawn ones")
    .option("--python <path>", "interpreter that has models/export/requirements.txt (default: one is set up)")
    .option("--json", "print JSON")
    .action(async (flags: ImportFlags) => runImport(flags));
}

async function runImport(flags: ImportFlags): Promise<void> {
  const { name } = flags;
  const folder = await freeFolder(name);
  const store = userModelFolder();
  await mkdir(store, { recursive: true }).catch((cause) => {
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path: store, detail: describe(cause) }, { cause });
  });
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once("SIGINT", stop);
  try {
    const outcome = await importCheckpoint({
      checkpoint: resolve(flags.checkpoint),
      name,
      store,
      packages: join(packageRoot, "models"),
      ...(flags.clip && { clip: resolve(flags.clip) }),
      ...(flags.variant && { variant: flags.variant }),
      ...(flags.vocab && { vocabulary: resolve(flags.vocab) }),
      ...(flags.taps && { taps: parseTaps(flags.taps) }),
      ...(flags.shallowestFirst && { shallowestFirst: true }),
      ...(flags.precision && { precision: flags.precision }),
      ...(flags.pictures && { pictures: resolve(flags.pictures) }),
      ...(flags.python && { interpreter: flags.python }),
      onProgress: (text, step, of) => {
        process.stderr.write(step === undefined ? `  ${text}\n` : `${step}/${of} ${text}\n`);
      },
      signal: abort.signal,
    });
    if (flags.json) process.stdout.write(`${JSON.stringify({ ...outcome, folder }, undefined, 2)}\n`);
    else
      process.stdout.write(`${name}: ${folder}\nCheck it with \`grasp-grounding models verify ${name}\`.\n`);
  } finally {
    process.off("SIGINT", stop);
  }
}

function parseTaps(list: string): number[] {
  const taps = list.split(",").map(Number);
  if (taps.length === 0 || taps.some((tap) => !Number.isInteger(tap) || tap < 0)) {
    throw new GraspGroundingError("USAGE", {
      detail: `--taps ${list}: whole numbers with commas, e.g. 1,3,5,7,9`,
    });
  }
  return taps;
}

const weightsPath = (known: KnownWeights): string => join(userModelFolder(), known.name, known.file);
const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    (s) => s.size,
    () => undefined,
  );
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
