import { stat } from "node:fs/promises";
import path from "node:path";
import { GraspGroundingError } from "../errors/index.js";
import { openFile } from "./file.js";
import { McapBag } from "./mcap/bag.js";
import type { BagReader } from "./types.js";

/**
 * Opens a recording: an .mcap or .db3 file, or a rosbag2 folder.
 * @throws GraspGroundingError BAG_MISSING, BAG_FORMAT, FILE_UNREADABLE
 */
export async function openBag(target: string): Promise<BagReader> {
  const found = await stat(target).catch(() => undefined);
  if (found === undefined) throw new GraspGroundingError("BAG_MISSING", { path: target });
  if (path.extname(target) === ".mcap") return await McapBag.open(target, await openFile(target));
  throw new GraspGroundingError("BAG_FORMAT", { path: target, detail: "its name does not end in .mcap" });
}
