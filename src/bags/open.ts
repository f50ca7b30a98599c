import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { describe, GraspGroundingError } from "../errors/index.js";
import { openCompressedPart } from "./compressed-part.js";
import { openFile } from "./file.js";
import { McapBag } from "./mcap/bag.js";
import { readMetadata } from "./metadata.js";
import { SplitBag } from "./split-bag.js";
import { SqliteBag } from "./sqlite/bag.js";
import type { BagReader } from "./types.js";

const bagFile = /\.(mcap|db3)(\.zstd?)?$/;

/**
 * Opens a recording: an .mcap or .db3 file (also compressed as a whole: .zstd), or a rosbag2 folder.
 * @throws GraspGroundingError BAG_MISSING, BAG_FORMAT, FILE_UNREADABLE
 */
export async function openBag(target: string): Promise<BagReader> {
  const found = await stat(target).catch(() => undefined);
  if (found === undefined) throw new GraspGroundingError("BAG_MISSING", { path: target });
  if (found.isDirectory()) return await openFolder(target);
  const { part, damage } = await openPart(target);
  return damage.length === 0
    ? part
    : new SplitBag({ path: target, parts: [part], messageCompression: false, damage });
}

interface Part {
  readonly part: BagReader;
  readonly damage: readonly string[];
}

async function openPart(file: string): Promise<Part> {
  if (/\.zstd?$/.test(file))
    return await openCompressedPart(file, async (inner) => (await openPart(inner)).part);
  if (file.endsWith(".db3")) return { part: await SqliteBag.open(file), damage: [] };
  return { part: await McapBag.open(file, await openFile(file)), damage: [] };
}

async function openFolder(folder: string): Promise<BagReader> {
  const metadata = await readMetadata(folder);
  const present = (await readdir(folder)).filter((name) => bagFile.test(name)).sort(byNumber);
  // Bags of ROS 2 Foxy name their files relative to the folder's parent.
  const named = metadata?.files.map((file) => path.basename(file)) ?? [];
  const files = named.length > 0 ? named : present;
  if (files.length === 0)
    throw new GraspGroundingError("BAG_FORMAT", { path: folder, detail: "it holds no .mcap or .db3 file" });
  const parts: BagReader[] = [];
  const damage: string[] = [];
  let failure: unknown;
  for (const name of files) {
    try {
      if (!present.includes(name))
        throw new GraspGroundingError("BAG_MISSING", { path: path.join(folder, name) });
      const opened = await openPart(path.join(folder, name));
      parts.push(opened.part);
      damage.push(...opened.damage);
    } catch (error) {
      failure ??= error;
      damage.push(`${name} is lost: ${present.includes(name) ? describe(error) : "the file is missing"}`);
    }
  }
  if (parts.length === 0) throw failure;
  return new SplitBag({
    path: folder,
    parts,
    messageCompression: metadata?.messageCompression ?? false,
    damage,
  });
}

/** bag_2 comes before bag_10. */
const byNumber = (a: string, b: string): number => a.localeCompare(b, "en", { numeric: true });
