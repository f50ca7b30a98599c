import { join } from "node:path";
import type { ColourImage } from "../src/geometry/index.js";
import { HifiCs } from "../src/grounding/index.js";
import { createBackend, decodeJpeg } from "../src/inference/index.js";
import { defaultModel, findModel } from "../src/model-store/index.js";
import { backendChoice, type PipelineOptions } from "../src/pipeline/index.js";
import { removeFolder, scratchFolder } from "./children.js";
import { jpegOf } from "./images.js";
import { round, spread, time } from "./statistics.js";
import { WorkerProcess } from "./worker-process.js";

const [width, height] = [1280, 720];
const query = "the red mug on the left";
const streamCounts = [1, 4, 16];

/** A raw image of shapes and noise that no other call made: nothing is served from a cache. */
let count = 0;
const freshImage = async (): Promise<ColourImage> => decodeJpeg(await jpegOf(width, height, count++));
const freshImages = (n: number): Promise<ColourImage[]> => Promise.all(Array.from({ length: n }, freshImage));

/**
 * Where the time of a raw 1280×720 image and a known query goes, by step, with images resized in threads and in the
 * graph, in turn; then 1, 4 and 16 streams on one worker that runs images together. Each stream waits for its answer.
 */
export async function benchGpu(options: PipelineOptions, quick: boolean): Promise<object> {
  const folder = await findModel(options.model ?? defaultModel);
  const n = quick ? 3 : 60;
  const steps: Record<string, object> = {};
  let runsOn = "";
  for (const [name, more] of [
    ["threads", { resize: "threads" }],
    ["graph", { resize: "graph" }],
    ["graph_and_locate", { resize: "graph", locate: true }],
  ] as const) {
    const choice = await backendChoice({ ...options, ...more });
    const engine = await HifiCs.open(folder, (model) => createBackend(model, choice));
    runsOn = engine.runsOn;
    steps[name] = await breakdown(engine, n, quick ? 1 : 8);
    await engine.close();
  }
  return {
    what: "raw 1280×720 image and a known query to boxes",
    model: folder === options.model ? "a folder" : (options.model ?? defaultModel),
    runs_on: runsOn,
    ms_by_place_of_the_resize: steps,
    streams: await streams(folder, options, quick ? 4 : 24),
  };
}

async function breakdown(engine: HifiCs, n: number, warmUp: number): Promise<object> {
  const parts: Record<string, number[]> = {};
  let at = -warmUp;
  const images = await freshImages(n + warmUp);
  const total = await time(n, warmUp, async (i) => {
    const [answer] = await engine.ground({ colour: images[i] as ColourImage }, [query]);
    if (at++ < 0) return;
    const { instances = 0 } = answer?.timings ?? {};
    for (const [step, ms] of Object.entries({ ...answer?.steps, instances })) {
      parts[step] ??= [];
      parts[step].push(ms);
    }
  });
  const medians = Object.entries(parts).map(([step, ms]) => [step, spread(ms).p50] as const);
  return { total: spread(total), steps_p50: Object.fromEntries(medians) };
}

async function streams(folder: string, options: PipelineOptions, total: number): Promise<object> {
  const scratch = await scratchFolder("gpu");
  const bind = `ipc://${join(scratch, "worker")}`;
  const { provider = "cpu" } = options;
  const args = ["--model", folder, "--provider", provider, "--max-batch", "8", "--resize", "graph"];
  const worker = await WorkerProcess.start(bind, args);
  const rows: Record<string, object> = {};
  try {
    await worker.ready;
    const engine = await HifiCs.open(
      folder,
      (model) => createBackend(model, { kind: "zmq", endpoints: [bind], timeout: 60_000 }),
      { runsElsewhere: true },
    );
    await engine.ground({ colour: await freshImage() }, [query]);
    for (const n of streamCounts) rows[`${n}`] = await oneLoad(engine, n, total);
    await engine.close();
    const { batched, batches } = await worker.stop();
    return { ...rows, requests_a_run: round(Number(batched) / Number(batches), 2) };
  } finally {
    await worker.stop();
    removeFolder(scratch);
  }
}

async function oneLoad(engine: HifiCs, n: number, total: number): Promise<object> {
  const latency: number[] = [];
  const waits: number[] = [];
  // Made beforehand: what is timed is the engine, not the drawing.
  const images = await Promise.all(Array.from({ length: n }, () => freshImages(Math.ceil(total / n))));
  const began = performance.now();
  const run = async (own: readonly ColourImage[]) => {
    for (const colour of own) {
      const start = performance.now();
      const [answer] = await engine.ground({ colour }, [query]);
      latency.push(performance.now() - start);
      waits.push(answer?.steps?.wait ?? 0);
    }
  };
  await Promise.all(images.map(run));
  const seconds = (performance.now() - began) / 1000;
  return {
    images_per_second: round(latency.length / seconds, 2),
    latency_ms: spread(latency),
    wait_p50_ms: spread(waits).p50,
  };
}
