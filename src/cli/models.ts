import { join } from "node:path";
import { Command } from "commander";
import { modelManifestFiles } from "../grounding/index.js";
import {
  type InstalledModel,
  type KnownWeights,
  knownHubModels,
  knownWeights,
  listGraspNetworks,
  listModels,
  sizeOf,
  userModelFolder,
  weightsPath,
} from "../model-store/index.js";
import { table } from "../report/text-table.js";
import { exportCommand } from "./models/export.js";
import { importCommand } from "./models/import.js";
import { importGraspCommand } from "./models/import-grasp.js";
import { pullCommand } from "./models/pull.js";
import { verifyCommand } from "./models/verify.js";

/** `models`: lists, verifies, pulls, imports and exports models. */
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
      const published = knownHubModels.map(({ bytes, ...known }) => ({
        ...known,
        bytes: bytes.fp32,
        ...{ bytes_by_precision: bytes, pulled: models.find(({ name }) => name === known.name)?.folder },
      }));
      if (options.json) {
        process.stdout.write(
          `${JSON.stringify({ store: userModelFolder(), models, grasp_networks: networks, published, weights }, undefined, 2)}\n`,
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
      const onHub = published.map((p) => [
        p.name,
        p.description,
        `${megabytes(p.bytes)}, int8 ${megabytes(p.bytes_by_precision.int8)}`,
        p.licence,
        p.pulled ?? `not fetched: models pull ${p.name}`,
      ]);
      process.stdout.write(`${table(["published", "what", "size", "licence", "where"], onHub)}\n\n`);
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
  const files = modelManifestFiles(manifest);
  const sizes = await Promise.all(files.map(({ file }) => sizeOf(join(folder, file))));
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

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
