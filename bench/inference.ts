import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { modelFiles, readManifest } from "../src/grounding/index.js";
import { toTensor } from "../src/inference/index.js";
import { OipBackend, writeRequest } from "../src/inference/oip/index.js";
import { removeFolder, scratchFolder } from "./children.js";
import { jpegOf } from "./images.js";
import { Bench, Path } from "./inference-backends.js";
import { benchTorch } from "./inference-torch.js";
import { startMlserver } from "./mlserver.js";
import { checkout, referencePython } from "./python.js";
import { round, spread, time } from "./statistics.js";

/** PyTorch against this process, then the back ends that run the bundled model. */
export async function benchInference(): Promise<object> {
  return { pytorch: await benchTorch(), ...(await benchPaths()) };
}

/**
 * The back ends side by side. Every series alternates them round by round, so that all meet the same state
 * of the machine; threads are pinned; medians are reported, and ratios within one run.
 */
export async function benchPaths(): Promise<object> {
  const bench = new Bench(await scratchFolder("inference"));
  const lite = join(checkout, "models", "lite");
  try {
    const jpegs = await Promise.all(Array.from({ length: 8 }, (_, i) => jpegOf(1280, 720, i)));
    const bare = await measureBareOverhead(bench.folder, jpegs);
    const here = await bench.inProcess(lite, 1);
    const endpoints = [await bench.worker(lite)];
    const zmq = await bench.zmq(lite, endpoints);
    const overhead = await measureOverhead(here, zmq, jpegs, 24);
    const served = await measureServed(bench, lite, [here, zmq], jpegs);
    const sizes = await measureSizes([here, zmq]);
    const loop = await measureEventLoop([here, zmq], jpegs);
    await here.backend.close();
    const throughput = await measureThroughput(bench, lite, endpoints, jpegs);
    return {
      what: "model lite from a 1280×720 JPEG and encoded queries to logits, one thread each unless said",
      method: "warm-up, then rounds in turn; medians; workers over ipc on this machine",
      zmq_overhead: {
        ...overhead,
        with_a_model_that_costs_next_to_nothing: bare,
        goal: "added_ms.p50 <= 3",
      },
      ...served,
      picture_size_ms: sizes,
      event_loop_delay_ms: { ...loop, goal: "p99 <= 10" },
      throughput_per_s: throughput,
      throughput_ratio_two_workers_over_in_process: round(
        (throughput.zmq_2_workers_of_one_thread ?? 0) / (throughput.in_process_two_threads ?? 1),
      ),
    };
  } finally {
    await bench.close();
    removeFolder(bench.folder);
  }
}

/** The same path with a model that takes next to no time: ZeroMQ's share stands out of the noise. */
async function measureBareOverhead(folder: string, jpegs: readonly Uint8Array[]): Promise<object> {
  const model = join(folder, "tiny");
  const script = join(checkout, "bench", "reference", "tiny_model.py");
  const made = spawnSync(referencePython(), [script, model, "--size", "512x384", "--pool", "4"]);
  if (made.status !== 0) throw new Error(String(made.stderr));
  const bench = new Bench(folder);
  try {
    const here = await bench.inProcess(model, 1);
    const zmq = await bench.zmq(model, [await bench.worker(model)]);
    return await measureOverhead(here, zmq, jpegs, 150);
  } finally {
    await bench.close();
  }
}

/** Queries a frame, with MLServer as a third back end, and the time that its JSON takes on the calling thread. */
async function measureServed(
  bench: Bench,
  model: string,
  paths: readonly Path[],
  jpegs: readonly Uint8Array[],
): Promise<object> {
  const files = modelFiles(model, await readManifest(model));
  const mlserver = await startMlserver(model, join(bench.folder, "mlserver"));
  try {
    const options = { endpoints: [mlserver.url], startTimeout: 120_000, timeout: 120_000 };
    const backend = await OipBackend.create(files, options);
    const oip = await Path.of("mlserver", backend, model);
    const queries = await measureQueries([...paths, oip], jpegs);
    await backend.close();
    const { width, height, name } = files.input;
    const rgb = new Uint8Array(width * height * 3).map((_, i) => i * 7);
    const feeds = { [name]: toTensor(rgb, files.input) };
    const write = async () => writeRequest(feeds, files.outputs.encoder ?? [], false);
    const ms = spread(await time(10, 2, write));
    return { queries_a_frame_ms: queries, mlserver_json_of_a_picture_ms: ms };
  } finally {
    await mlserver.stop();
  }
}

async function measureThroughput(
  bench: Bench,
  model: string,
  endpoints: string[],
  jpegs: readonly Uint8Array[],
): Promise<Record<string, number>> {
  const two = await bench.inProcess(model, Math.min(2, availableParallelism()));
  const throughput: Record<string, number> = { in_process_two_threads: await perSecond(two, jpegs) };
  await two.backend.close();
  for (const n of [1, 2, 3, 4]) {
    if (n > 1) endpoints.push(await bench.worker(model));
    const pool = await bench.zmq(model, endpoints);
    throughput[`zmq_${n}_workers_of_one_thread`] = await perSecond(pool, jpegs);
    await pool.backend.close();
  }
  return throughput;
}

async function measureOverhead(
  here: Path,
  zmq: Path,
  jpegs: readonly Uint8Array[],
  rounds: number,
): Promise<object> {
  const own: number[] = [];
  const remote: number[] = [];
  const added: number[] = [];
  const warmUp = Math.max(3, rounds / 10);
  for (let i = -warmUp; i < rounds; i++) {
    const jpeg = jpegs[(i + warmUp) % jpegs.length] as Uint8Array;
    // By turns one or the other first: whoever comes second finds the caches full of the other's.
    const order = i % 2 === 0 ? [here, zmq] : [zmq, here];
    const ms = new Map<Path, number>();
    for (const path of order) ms.set(path, await once(path, jpeg, i));
    const [a, b] = [ms.get(here) as number, ms.get(zmq) as number];
    if (i < 0) continue;
    own.push(a);
    remote.push(b);
    added.push(b - a);
  }
  return { in_process_ms: spread(own), zmq_ms: spread(remote), added_ms: spread(added) };
}

/** Each turn uses another image, so that a worker's cache does not count as speed. */
async function once(path: Path, jpeg: Uint8Array, turn: number, queries: 1 | 2 | 8 = 1): Promise<number> {
  const image = new Uint8Array(jpeg.length + 4);
  // Bytes after the image's end: another hash, the same pixels.
  image.set(jpeg);
  new DataView(image.buffer).setInt32(jpeg.length, turn);
  const start = performance.now();
  await path.run(image, queries);
  return performance.now() - start;
}

async function measureQueries(paths: readonly Path[], jpegs: readonly Uint8Array[]): Promise<object> {
  const rows: Record<string, Record<string, unknown>> = {};
  for (const n of [1, 2, 8] as const) {
    const series = new Map(paths.map((path) => [path.name, [] as number[]]));
    for (let i = -1; i < 3; i++)
      for (const path of paths) {
        const ms = await once(path, jpegs[(i + 1) % jpegs.length] as Uint8Array, 100 * n + i, n);
        if (i >= 0) series.get(path.name)?.push(ms);
      }
    rows[`${n}`] = Object.fromEntries([...series].map(([name, values]) => [name, spread(values).p50]));
  }
  return rows;
}

async function measureSizes(paths: readonly Path[]): Promise<object> {
  const rows: Record<string, object> = {};
  for (const [width, height] of [
    [640, 480],
    [1280, 720],
    [1920, 1080],
    [3840, 2160],
  ] as const) {
    const row: Record<string, number> = {};
    const series = new Map(paths.map((path) => [path.name, [] as number[]]));
    for (let i = -1; i < 5; i++)
      for (const path of paths) {
        const jpeg = await jpegOf(width, height, 200 + i);
        const ms = await once(path, jpeg, i);
        if (i >= 0) series.get(path.name)?.push(ms);
      }
    for (const [name, values] of series) row[name] = spread(values).p50;
    rows[`${width}x${height}`] = row;
  }
  return rows;
}

/** The thread that asks, while it does nothing but ask: what a node's or a console's thread would feel. */
async function measureEventLoop(paths: readonly Path[], jpegs: readonly Uint8Array[]): Promise<object> {
  const rows: Record<string, object> = {};
  for (const path of paths) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    for (let i = 0; i < 15; i++) await once(path, jpegs[i % jpegs.length] as Uint8Array, 1000 + i);
    delay.disable();
    const ms = (ns: number) => round(ns / 1e6, 2);
    rows[path.name] = { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) };
  }
  return rows;
}

let series = 0;

async function perSecond(path: Path, jpegs: readonly Uint8Array[]): Promise<number> {
  // Images of its own for each series: workers still keep the features of the last one's.
  const first = 10_000 * ++series;
  const total = 24;
  let next = -4;
  let began = 0;
  const ask = async () => {
    for (;;) {
      const turn = next++;
      if (turn >= total) return;
      if (turn === 0) began = performance.now();
      await once(path, jpegs[Math.abs(turn) % jpegs.length] as Uint8Array, first + turn);
    }
  };
  await Promise.all(Array.from({ length: 8 }, ask));
  return round((1000 * total) / (performance.now() - began), 2);
}
