import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { GraspGroundingError } from "../../errors/index.js";
import { hashFile } from "../../grounding/index.js";
import { copyChecked, download, type KnownWeights, sizeOf, weightsPath } from "../../model-store/index.js";
import { Progress } from "../../system/index.js";

/** Fetches weights of one file, whose hash this program knows. */
export async function pullWeights(known: KnownWeights, from: string | undefined): Promise<void> {
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
