import { mkdtemp, open as openFileHandle, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { HttpSource } from "./http.js";
import type { BagReader } from "./types.js";

const pieceSize = 8 * 1024 * 1024;

/**
 * Opens a remote file that cannot be read by range (sqlite3, or compressed as a whole): fetched into a temporary folder
 * that is removed when the bag is closed.
 */
export async function openFetched(
  target: string,
  name: string,
  open: (file: string) => Promise<BagReader>,
): Promise<BagReader> {
  const folder = await mkdtemp(path.join(tmpdir(), "grasp-grounding-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const file = path.join(folder, name);
    await fetchFile(target, file);
    const bag = await open(file);
    const close = bag.close.bind(bag);
    bag.close = async () => {
      await close();
      await remove();
    };
    return bag;
  } catch (error) {
    await remove();
    throw error;
  }
}

async function fetchFile(target: string, file: string): Promise<void> {
  const source = await HttpSource.open(target);
  const handle = await openFileHandle(file, "w");
  try {
    for (let at = 0; at < source.size; at += pieceSize)
      await handle.write(await source.read(at, Math.min(pieceSize, source.size - at)));
  } finally {
    await handle.close();
    await source.close();
  }
}
