import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { replay } from "../replay/run.js";
import { packageRoot } from "../system/index.js";
import { defaultAudit, runConsole } from "./console.js";

/** Queries of the bundled bag; the last object is not on the table. */
export const demoQueries: readonly string[] = [
  "give me the red mug on the left",
  "the yellow banana",
  "the blue mug",
  "something to cut with",
  "the green bottle",
];

/** `demo`: the main job on the bundled, simulated recording; `npm start` runs it. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("the main job on the bundled demo: queries on a simulated RGB-D recording")
    .option("--out <folder>", "where images and the result bag go", "out/demo")
    .option("--once", "run the queries and leave; without it the console follows")
    .action(async ({ out, once }: { out: string; once?: boolean }) => {
      await mkdir(out, { recursive: true });
      const overlay = join(out, "overlay.png");
      const mcap = join(out, "result.mcap");
      const json = join(out, "result.jsonl");
      const bag = join(packageRoot, "demo", "demo.mcap");
      await replay(bag, { query: demoQueries, every: 5, overlay, out: mcap, json, copy: true });
      process.stdout.write(
        `image: ${overlay}\nresult bag (opens in Foxglove): ${mcap}\nJSON lines: ${json}\n`,
      );
      if (!once) await runConsole(undefined, { audit: defaultAudit() });
    });
}
