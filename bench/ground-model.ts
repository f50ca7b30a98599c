import { availableParallelism } from "node:os";
import sharp from "sharp";
import { openGrounder, type PipelineOptions } from "../src/pipeline/index.js";
import { jpegOf } from "./images.js";
import { round, spread, time } from "./statistics.js";

/**
 * Frame to boxes with any installed model, also with its proposals and its refiner: a 1280×720 JPEG decoded and
 * grounded, one query; and a further query on the same frame.
 */
export async function benchGroundModel(options: PipelineOptions, quick = false): Promise<object> {
  const repetitions = quick ? 2 : 8;
  const threads = options.threads ?? Math.min(2, availableParallelism());
  const before = resident();
  const began = performance.now();
  const grounder = await openGrounder({ ...options, threads });
  const load_ms = performance.now() - began;
  try {
    const jpegs = await Promise.all(Array.from({ length: 8 }, (_, i) => jpegOf(1280, 720, i, 90)));
    const decoded = async (i: number) => {
      const { data, info } = await sharp(jpegs[i % jpegs.length])
        .raw()
        .toBuffer({ resolveWithObject: true });
      return { width: info.width, height: info.height, data };
    };
    const first = await time(repetitions, 1, async (i) =>
      grounder.ground({ colour: await decoded(i) }, ["the red mug on the left"]),
    );
    const colour = await decoded(0);
    await grounder.ground({ colour }, ["the red mug on the left"]);
    const further = await time(repetitions, 1, (i) =>
      grounder.ground({ colour }, [`the box of round ${i} at ${performance.now()}`]),
    );
    return {
      what: "1280×720 JPEG to boxes, one query",
      model: grounder.model,
      backend: grounder.runsOn,
      threads,
      load_ms: round(load_ms, 0),
      first_query_ms: spread(first),
      further_query_ms: spread(further),
      resident_mb: round(resident() - before, 0),
    };
  } finally {
    await grounder.close();
  }
}

/** Resident memory of the process, in MiB. */
const resident = (): number => process.memoryUsage.rss() / 2 ** 20;
