import { hubFamilies, Sam } from "../../src/grounding/index.js";
import { InProcessBackend } from "../../src/inference/index.js";
import { openGrounder } from "../../src/pipeline/index.js";
import { round, spread, time } from "../statistics.js";
import { parityPrompts, paritySubject } from "./parity.js";

const threads = 2;
const runs = 3;

/**
 * Measures one model in this process, which does nothing else, and prints JSON: time to load in milliseconds, time of a
 * new 640×480 image with one query (of SAM: with one box) in milliseconds, and the largest resident memory in MiB.
 */
async function measure(family: string, folder: string): Promise<void> {
  const images = Array.from({ length: runs + 1 }, (_, i) => {
    const image = paritySubject(640, 480);
    // Another image each time: features are cached by content.
    image.data[0] = i;
    return image;
  });
  const began = performance.now();
  const opened = family === "sam" ? await openSam(folder) : await openAny(folder);
  const load = performance.now() - began;
  let processor = process.cpuUsage();
  const samples = await time(runs, 1, async (i) => {
    if (i === 1) processor = process.cpuUsage();
    await opened.run(images[i]!);
  });
  const { user, system } = process.cpuUsage(processor);
  await opened.close();
  const { p50, min } = spread(samples);
  const figures = {
    load_ms: round(load, 0),
    image_ms: { n: runs, p50: round(p50, 0), min: round(min, 0) },
    image_processor_ms: round((user + system) / 1e3 / runs, 0),
  };
  // In kilobytes on Linux.
  const peak = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(`${JSON.stringify({ ...figures, peak_mb: round(peak, 0) })}\n`);
}

type Image = ReturnType<typeof paritySubject>;

async function openAny(folder: string) {
  const grounder = await openGrounder({ model: folder, threads });
  return {
    run: (colour: Image) => grounder.ground({ colour }, ["red mug on the left"]),
    close: () => grounder.close(),
  };
}

async function openSam(folder: string) {
  const sam = await Sam.open(folder, (files) => InProcessBackend.create(files, { threads }));
  return { run: (image: Image) => sam.masks(image, parityPrompts.slice(0, 1)), close: () => sam.close() };
}

const [family = "", folder = ""] = process.argv.slice(2);
if (!(hubFamilies as readonly string[]).includes(family)) throw new Error(`no family ${family}`);
await measure(family, folder);
