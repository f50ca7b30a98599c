import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe } from "../../errors/index.js";
import type { BagReader } from "../types.js";
import { decompressFile } from "./zstd.js";

/**
 * Opens a file that was compressed as a whole (rosbag2's compression mode "file"): decompressed into a temporary
 * folder that is removed when the bag is closed. Of a file that was cut off, what could be decompressed is read.
 */
export async function openCompressedPart(
  file: string,
  open: (path: string) => Promise<BagReader>,
): Promise<{ part: BagReader; damage: readonly string[] }> {
  const folder = await mkdtemp(path.join(tmpdir(), "grasp-grounding-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  const damage: string[] = [];
  try {
    const target = path.join(folder, path.basename(file).replace(/\.zstd?$/, ""));
    try {
      await decompressFile(file, target);
    } catch (error) {
      damage.push(`${path.basename(file)} cannot be decompressed to its end: ${describe(error)}`);
    }
    const part = await open(target);
    const close = part.close.bind(part);
    part.close = async () => {
      await close();
      await remove();
    };
    return { part, damage };
  } catch (error) {
    await remove();
    throw error;
  }
}
