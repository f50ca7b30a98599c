import { existsSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./python.js";

/** Folder of the real test data that a user's clone does not have: GRASP_GROUNDING_SHARED, or shared/ beside the checkout. */
export const sharedFolder = process.env.GRASP_GROUNDING_SHARED ?? join(repository, "..", "shared");

/** Whether tests on the real data can run. In CI a missing folder is an error, never a reason to skip. */
export function haveShared(): boolean {
  if (existsSync(join(sharedFolder, "data", "rgbd"))) return true;
  if (process.env.CI) throw new Error(`the real test data is missing: ${sharedFolder}`);
  console.warn(
    `real test data not found at ${sharedFolder}; tests on it are left out (set GRASP_GROUNDING_SHARED)`,
  );
  return false;
}
