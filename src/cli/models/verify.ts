import { join } from "node:path";
import { Command } from "commander";
import { GraspGroundingError } from "../../errors/index.js";
import {
  hashFile,
  isHubManifest,
  manifestFiles,
  modelFiles,
  modelManifestFiles,
  readModelManifest,
  runSelfTest,
  verifyModel,
} from "../../grounding/index.js";
import { InProcessBackend } from "../../inference/index.js";
import {
  findModel,
  type KnownWeights,
  knownWeights,
  listModels,
  sizeOf,
  weightsPath,
} from "../../model-store/index.js";
import { checkHubGraphs } from "./hub-graphs.js";

/** `models verify`. */
export function verifyCommand(): Command {
  return new Command("verify")
    .description("hashes every file again and runs the self-test stored with the model")
    .argument("[name]", "model, its folder, or fetched weights; every one when omitted")
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
  /** A model of the hub: its graphs were loaded, and have the inputs and outputs of its family. */
  readonly loads?: true;
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
  const { precisions } = await readModelManifest(folder);
  const kinds = Array.isArray(precisions) ? (precisions as string[]) : [];
  const reports = [await verifyFolder(folder)];
  for (const kind of kinds) reports.push(await verifyFolder(join(folder, kind)));
  return reports;
}

async function verifyFolder(folder: string): Promise<VerifyReport> {
  const manifest = await readModelManifest(folder);
  await verifyModel(folder, manifest);
  const { name } = manifest;
  if (isHubManifest(manifest)) {
    await checkHubGraphs(folder, manifest);
    return { name, folder, files: modelManifestFiles(manifest).length, loads: true };
  }
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

function reportLine({ name, files, loads, self_test }: VerifyReport): string {
  const hashes = `${name}: ${files} ${files === 1 ? "file" : "files"} as published`;
  if (loads) return `${hashes}, graphs load`;
  if (self_test === undefined) return `${hashes}, no self-test stored`;
  const { largest_logit_difference: difference, mask_agreement: agreement } = self_test;
  return `${hashes}, self-test passed: ${(100 * agreement).toFixed(3)} % of mask pixels, logits within ${difference.toExponential(1)}`;
}
