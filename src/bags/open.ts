import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { describe, GraspGroundingError } from "../errors/index.js";
import { openCompressedPart } from "./compression/compressed-part.js";
import { openFile } from "./file.js";
import { HttpSource, isUrl, shownUrl } from "./http.js";
import { McapBag } from "./mcap/bag.js";
import { type BagMetadata, parseMetadata, readMetadata } from "./metadata.js";
import { openFetched } from "./remote.js";
import { SplitBag } from "./split-bag.js";
import { SqliteBag } from "./sqlite/bag.js";
import type { BagReader } from "./types.js";

const bagFile = /\.(mcap|db3)(\.zstd?)?$/;

/** What a recording is called in results: the file's or folder's name, never a link's signature. */
export const bagName = (target: string): string =>
  path.basename(isUrl(target) ? decodeURI(new URL(target).pathname) : target);

/**
 * Opens a recording: an .mcap or .db3 file (also compressed as a whole: .zstd), a rosbag2 folder, or the http(s)
 * address of one of these (a presigned link too; of a folder, its metadata.yaml). MCAP is read by range, the others
 * are fetched.
 * @throws GraspGroundingError BAG_MISSING, BAG_FORMAT, FILE_UNREADABLE, BAG_UNREACHABLE
 */
export async function openBag(target: string): Promise<BagReader> {
  if (isUrl(target)) return await openRemote(target);
  const found = await stat(target).catch(() => undefined);
  if (found === undefined) throw new GraspGroundingError("BAG_MISSING", { path: target });
  if (found.isDirectory()) return await openFolder(target);
  const { part, damage } = await openPart(target);
  return damage.length === 0 && !part.messageCompression
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

async function openRemote(target: string): Promise<BagReader> {
  const { pathname } = new URL(target);
  if (/(\/|\/metadata\.yaml)$/.test(pathname)) return await openRemoteFolder(target);
  const { part, damage } = await openRemotePart(target);
  return damage.length === 0 && !part.messageCompression
    ? part
    : new SplitBag({ path: shownUrl(target), parts: [part], messageCompression: false, damage });
}

async function openRemotePart(target: string): Promise<Part> {
  const name = bagName(target);
  if (!/\.(db3|zstd?)$/.test(name))
    return { part: await McapBag.open(shownUrl(target), await HttpSource.open(target)), damage: [] };
  let damage: readonly string[] = [];
  const part = await openFetched(target, name, async (file) => {
    const opened = await openPart(file);
    damage = opened.damage;
    return opened.part;
  });
  return { part, damage };
}

async function openRemoteFolder(target: string): Promise<BagReader> {
  const url = new URL("metadata.yaml", target);
  url.search = new URL(target).search;
  const source = await HttpSource.open(url.href);
  const text = Buffer.from(await source.read(0, source.size)).toString();
  await source.close();
  const metadata = parseMetadata(text, shownUrl(url.href));
  const files = metadata.files.map((file) => path.basename(file));
  return await openParts(shownUrl(target), metadata, files, (name) => {
    const part = new URL(encodeURIComponent(name), url);
    part.search = url.search;
    return openRemotePart(part.href);
  });
}

async function openFolder(folder: string): Promise<BagReader> {
  const metadata = await readMetadata(folder);
  const present = (await readdir(folder)).filter((name) => bagFile.test(name)).sort(byNumber);
  // Bags of ROS 2 Foxy name their files relative to the folder's parent.
  const named = metadata?.files.map((file) => path.basename(file)) ?? [];
  const files = oncePart(named.length > 0 ? named : present);
  if (files.length === 0)
    throw new GraspGroundingError("BAG_FORMAT", { path: folder, detail: "it holds no .mcap or .db3 file" });
  return await openParts(folder, metadata, files, async (name) => {
    const forms = present.filter((each) => plainName(each) === plainName(name));
    if (forms.length === 0) throw new GraspGroundingError("BAG_MISSING", { path: path.join(folder, name) });
    return await openBestForm(forms.map((form) => path.join(folder, form)));
  });
}

const plainName = (file: string): string => file.replace(/\.zstd?$/, "");

/** A part that is there both plain and compressed counts once. */
const oncePart = (files: readonly string[]): readonly string[] =>
  files.filter((file, i) => files.findIndex((other) => plainName(other) === plainName(file)) === i);

/**
 * A part that is there plain and compressed: a recorder or player that was killed leaves one of them cut off. The plain
 * one is taken when it is whole, else the compressed one when that is.
 */
async function openBestForm(files: readonly string[]): Promise<Part> {
  const plainFirst = [...files].sort((a, b) => a.length - b.length);
  let best: Part | undefined;
  let failure: unknown;
  for (const file of plainFirst) {
    try {
      const opened = await openPart(file);
      const whole = opened.damage.length === 0 && opened.part.damage.length === 0;
      if (best === undefined || whole) {
        await best?.part.close();
        best = opened;
      } else await opened.part.close();
      if (whole) break;
    } catch (error) {
      failure ??= error;
    }
  }
  if (best === undefined) throw failure;
  return best;
}

/** The files of a split recording; those that are missing or no bags are lost, and the others are read. */
async function openParts(
  folder: string,
  metadata: BagMetadata | undefined,
  files: readonly string[],
  open: (name: string) => Promise<Part>,
): Promise<BagReader> {
  const parts: BagReader[] = [];
  const damage: string[] = [];
  let failure: unknown;
  for (const name of files) {
    try {
      const opened = await open(name);
      parts.push(opened.part);
      damage.push(...opened.damage);
    } catch (error) {
      failure ??= error;
      const missing = error instanceof GraspGroundingError && error.code === "BAG_MISSING";
      damage.push(`${name} is lost: ${missing ? "the file is missing" : describe(error)}`);
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
