// The node with the colour pipeline, run as a process of its own: node colour-node.mjs [--ros-args …]
import { existsSync } from "node:fs";
import { runNode } from "../../../dist/src/ros/index.js";

process.on("SIGUSR2", () => globalThis.gc?.());
const pipeline = process.env.TEST_PIPELINE ?? "colour";
const module = new URL(`./${pipeline}-pipeline.mjs`, import.meta.url).href;
const delay = Number(process.env.TEST_PIPELINE_DELAY_MS ?? 0);
const missing = process.env.TEST_MODEL_FILE;
try {
  process.exitCode = await runNode({
    rosArgs: process.argv.slice(2),
    pipeline: () => ({
      module,
      options: { delay, failAtStart: missing !== undefined && !existsSync(missing) },
    }),
    onReady: () => process.stdout.write("ready\n"),
  });
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
