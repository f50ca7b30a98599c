// Where the set-up keeps what it makes.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Everything the set-up makes, rclnodejs's own build aside; GRASP_GROUNDING_ROS_CACHE moves it. */
export const cacheFolder = process.env.GRASP_GROUNDING_ROS_CACHE ?? join(repository, ".cache", "ros");

export function hashOf(parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
}

/** Digest of every file under a folder, names included. */
export function hashFolder(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath ?? each.path, each.name))
    .filter((path) => statSync(path).isFile())
    .sort();
  return hashOf(files.flatMap((path) => [path.slice(folder.length), readFileSync(path)]));
}
