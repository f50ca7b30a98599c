import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/** The node and its thread run compiled; the tests use what is in src now. */
export default function setup(): void {
  if (process.env.AMENT_PREFIX_PATH === undefined)
    throw new Error("no ROS 2 in the environment; run `npm run test:ros`");
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
