import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { describe, GraspGroundingError } from "../errors/index.js";
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

/** An RGB-D image of the recording with its camera, as `ground` takes them, and the recording. */
const samples = ["color.png", "depth.png", "intrinsics.json", "demo.mcap"];

/** `demo`: the main job on the bundled, simulated recording; `npm start` runs it. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("the main job on the bundled demo: queries on a simulated RGB-D recording")
    .option("--out <folder>", "where images and the result bag go", "out/demo")
    .option("--once", "run the queries and leave; without it the console follows")
    .option("--samples <folder>", "write the demo's image, depth, camera and recording there, and leave")
    .action(async ({ out, once, samples: to }: { out: string; once?: boolean; samples?: string }) => {
      if (to !== undefined) return await writeSamples(to);
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

/** @throws GraspGroundingError OUTPUT_UNWRITABLE */
async function writeSamples(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of samples) {
    const path = join(folder, name);
    try {
      await copyFile(join(packageRoot, "demo", name), path);
    } catch (cause) {
      throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path, detail: describe(cause) }, { cause });
    }
    process.stdout.write(`${path}\n`);
  }
}
