import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import sharp from "sharp";
import type { ColourImage } from "../geometry/index.js";
import { modelFiles, readManifest, TextTokenizer } from "../grounding/index.js";
import {
  decodeJpeg,
  type InferenceBackend,
  InProcessBackend,
  type ModelFiles,
  type Tensors,
} from "../inference/index.js";
import { OipBackend } from "../inference/oip/index.js";
import { ZmqBackend } from "../inference/zmq/index.js";
import { benchTorch } from "./inference-torch.js";
import { startMlserver } from "./mlserver.js";
import { checkout } from "./python.js";
import { round, spread } from "./statistics.js";
import { WorkerProcess } from "./worker-process.js";

const sentences = [
  "the red mug on the left",
  "green bottle behind the box",
  "banana",
  "the second largest screwdriver",
  "a bowl next to the plate",
  "the blue box nearest to me",
  "scissors with orange handles",
  "the can that stands on the right",
];

/** One way to run the bundled model, from a JPEG and sentences to logits; sentences are encoded beforehand, as in use. */
class Path {
  readonly name: string;
  readonly backend: InferenceBackend;
  readonly #files: ModelFiles;
  readonly #texts: readonly Tensors[];

  private constructor(name: string, backend: InferenceBackend, files: ModelFiles, texts: readonly Tensors[]) {
    this.name = name;
    this.backend = backend;
    this.#files = files;
    this.#texts = texts;
  }

  static async of(name: string, backend: InferenceBackend, folder: string): Promise<Path> {
    const manifest = await readManifest(folder);
    const tokenizer = await TextTokenizer.load(folder, manifest.text);
    const texts: Tensors[] = [];
    for (const n of [1, 2, 8]) {
      const tokens = tokenizer.batch(sentences.slice(0, n));
      texts.push({ ...tokens, ...(await backend.encodeText(tokens)) });
    }
    return new Path(name, backend, modelFiles(folder, manifest), texts);
  }

  async run(jpeg: Uint8Array, queries: 1 | 2 | 8 = 1): Promise<Tensors> {
    // A worker decodes a JPEG itself, unless the pixels at the model's size are fewer bytes; the others need pixels.
    const { width, height } = this.#files.input;
    const asJpeg = this.backend instanceof ZmqBackend && jpeg.byteLength < 3 * width * height;
    const picture: ColourImage = asJpeg ? { width: 0, height: 0, data: jpeg, jpeg } : await decodeJpeg(jpeg);
    const features = await this.backend.encodePicture(picture);
    const texts = this.#texts[[1, 2, 8].indexOf(queries)] as Tensors;
    const feeds = this.#files.decoderInputs.map((name) => [name, features[name] ?? texts[name]] as const);
    return this.backend.decode(Object.fromEntries(feeds) as Tensors);
  }
}

/** PyTorch beside this process, then the ways to run the bundled model beside each other. */
export async function benchInference(): Promise<object> {
  return { pytorch: await benchTorch(), ...(await benchPaths()) };
}

/**
 * Where the model runs, side by side. Every series alternates its ways round by round, so that all meet the same state
 * of the machine; threads are pinned; medians are reported, and ratios within one run.
 */
export async function benchPaths(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), "bench-inference-"));
  const lite = join(checkout, "models", "lite");
  const files = modelFiles(lite, await readManifest(lite));
  const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const worker = async (i: number) => {
    const started = await WorkerProcess.start(`ipc://${join(folder, `worker-${i}`)}`, ["--model", lite]);
    closers.push(() => started.stop());
    await started.ready;
    return started.endpoint;
  };
  const keep = <T extends { close(): Promise<unknown> }>(each: T): T => {
    closers.push(() => each.close());
    return each;
  };
  try {
    const jpegs = await Promise.all(Array.from({ length: 8 }, (_, i) => jpegOf(1280, 720, i)));
    const here = await Path.of(
      "in_process",
      keep(await InProcessBackend.create(files, { threads: 1 })),
      lite,
    );
    const endpoints = [await worker(0)];
    const zmq = await Path.of("zmq", keep(await ZmqBackend.create(files, { endpoints })), lite);
    const overhead = await measureOverhead(here, zmq, jpegs);
    const mlserver = await startMlserver(lite, join(folder, "mlserver"));
    closers.push(() => mlserver.stop());
    const options = { endpoints: [mlserver.url], startTimeout: 120_000, timeout: 120_000 };
    const oip = await Path.of("mlserver", keep(await OipBackend.create(files, options)), lite);
    const queries = await measureQueries([here, zmq, oip], jpegs);
    await mlserver.stop();
    const sizes = await measureSizes([here, zmq]);
    const loop = await measureEventLoop([here, zmq], jpegs);
    const throughput: Record<string, number> = {};
    await here.backend.close();
    const two = await Path.of(
      "in_process",
      keep(await InProcessBackend.create(files, { threads: Math.min(2, availableParallelism()) })),
      lite,
    );
    throughput.in_process_two_threads = await perSecond(two, jpegs);
    for (const n of [1, 2, 3, 4]) {
      if (n > 1) endpoints.push(await worker(n - 1));
      const pool = await Path.of(
        "zmq",
        keep(await ZmqBackend.create(files, { endpoints: [...endpoints] })),
        lite,
      );
      while (pool.backend.report?.().workers !== `${n} of ${n} ready`)
        await new Promise((r) => setTimeout(r, 20));
      throughput[`zmq_${n}_workers_of_one_thread`] = await perSecond(pool, jpegs);
    }
    const inProcess = throughput.in_process_two_threads;
    return {
      what: "model lite from a 1280×720 JPEG and encoded sentences to logits, one thread each unless said",
      method: "warm-up 3, then rounds in turn; medians; workers over ipc on this machine",
      zmq_overhead: { ...overhead, goal: "added_ms.p50 <= 3" },
      queries_a_frame_ms: queries,
      picture_size_ms: sizes,
      event_loop_delay_ms: { ...loop, goal: "p99 <= 10" },
      throughput_per_s: throughput,
      throughput_ratio_two_workers_over_in_process: round(
        (throughput.zmq_2_workers_of_one_thread ?? 0) / inProcess,
      ),
    };
  } finally {
    for (const close of closers.reverse()) await close().catch(() => undefined);
  }
}

async function measureOverhead(here: Path, zmq: Path, jpegs: readonly Uint8Array[]): Promise<object> {
  const own: number[] = [];
  const remote: number[] = [];
  const added: number[] = [];
  for (let i = -3; i < 24; i++) {
    const jpeg = jpegs[(i + 3) % jpegs.length] as Uint8Array;
    const [a, b] = [await once(here, jpeg, i), await once(zmq, jpeg, i)];
    if (i < 0) continue;
    own.push(a);
    remote.push(b);
    added.push(b - a);
  }
  return { in_process_ms: spread(own), zmq_ms: spread(remote), added_ms: spread(added) };
}

/** Each turn another picture: what a worker kept must not be taken for fast. */
async function once(path: Path, jpeg: Uint8Array, turn: number, queries: 1 | 2 | 8 = 1): Promise<number> {
  const picture = new Uint8Array(jpeg.length + 4);
  // Bytes after the picture's end: another hash, the same pixels.
  picture.set(jpeg);
  new DataView(picture.buffer).setInt32(jpeg.length, turn);
  const start = performance.now();
  await path.run(picture, queries);
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

async function perSecond(path: Path, jpegs: readonly Uint8Array[]): Promise<number> {
  const total = 24;
  let next = -4;
  let began = 0;
  const ask = async () => {
    for (;;) {
      const turn = next++;
      if (turn >= total) return;
      if (turn === 0) began = performance.now();
      await once(path, jpegs[Math.abs(turn) % jpegs.length] as Uint8Array, 5000 + turn);
    }
  };
  await Promise.all(Array.from({ length: 8 }, ask));
  return round((1000 * total) / (performance.now() - began), 2);
}

/** Smooth shapes and noise: a decoder's work depends on what is in the picture. */
async function jpegOf(width: number, height: number, seed: number): Promise<Uint8Array> {
  const pixels = new Uint8Array(width * height * 3);
  let state = seed + 1;
  for (let i = 0; i < width * height; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const noise = (state >>> 24) / 16;
    const [x, y] = [(i % width) / width, Math.floor(i / width) / height];
    const inside = (x - 0.2 - 0.03 * (seed % 16)) ** 2 + (y - 0.5) ** 2 < 0.03;
    pixels[i * 3] = (inside ? 200 : 90 + 60 * x) + noise;
    pixels[i * 3 + 1] = (inside ? 40 : 80 + 80 * y) + noise;
    pixels[i * 3 + 2] = (inside ? 40 : 100) + noise;
  }
  const picture = sharp(pixels, { raw: { width, height, channels: 3 } });
  return new Uint8Array(await picture.jpeg({ quality: 85 }).toBuffer());
}
