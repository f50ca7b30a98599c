// `npm run soak [-- --minutes N]`: real workers, console, node and files under random load and faults, for half an hour.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root, setUp } from "./lib/setup.mjs";

await setUp();
const at = process.argv.indexOf("--minutes");
const minutes = at < 0 ? "30" : (process.argv[at + 1] ?? "");
if (!(Number(minutes) > 0)) {
  process.stderr.write("npm run soak: --minutes takes a number above 0\n");
  process.exit(2);
}
const vitest = ["node_modules/vitest/vitest.mjs", "run", "--project", "soak"];
const { status } = spawnSync(
  process.execPath,
  [join("scripts", "ros", "with-env.mjs"), process.execPath, ...vitest],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, SOAK_MINUTES: minutes, GRASP_GROUNDING_SETUP: "skip" },
  },
);
process.exitCode = status ?? 1;
