#!/usr/bin/env node
// `npm run test:chaos -- [--minutes N] [--seed N]`: random peers against the ROS node with a simulated arm, for 30 minutes
// unless told otherwise.
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 1e6) },
  },
});
if (!(Number(values.minutes) > 0) || !Number.isInteger(Number(values.seed))) {
  process.stderr.write("test:chaos: write --minutes N (above 0) and --seed N (an integer)\n");
  process.exit(2);
}
const child = spawn("vitest", ["run", "--project", "chaos"], {
  stdio: "inherit",
  env: {
    ...process.env,
    GRASP_GROUNDING_CHAOS_MINUTES: values.minutes,
    GRASP_GROUNDING_CHAOS_SEED: values.seed,
  },
});
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
