import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/** The node and its thread run compiled; the tests use what is in src now, which `npm test` has compiled already. */
export default function setup(): void {
  if (process.env.AMENT_PREFIX_PATH === undefined)
    throw new Error("no ROS 2 in the environment; run `npm run test:ros`");
  if (process.env.GRASP_GROUNDING_TESTS !== undefined) return;
  try {
    execFileSync("npx", ["tsc", "-p", "tsconfig.build.json", "--noCheck"], {
      encoding: "utf8",
      stdio: "pipe",
    });
  } catch (error) {
    if (!existsSync("dist/src/ros/index.js")) throw error;
    // Only `npm run typecheck` reports types that do not fit; what was emitted is what is tested.
    process.stderr.write(`${(error as { stdout?: string }).stdout ?? ""}`);
  }
}
