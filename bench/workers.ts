import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ColourImage } from "../src/geometry/index.js";
import { modelFiles, readManifest } from "../src/grounding/index.js";
import type { ModelFiles, Tensors } from "../src/inference/index.js";
import { ZmqBackend } from "../src/inference/zmq/index.js";
import { removeFolder, scratchFolder } from "./children.js";
import { checkout, referencePython } from "./python.js";
import { spread } from "./statistics.js";
import { WorkerProcess } from "./worker-process.js";

const total = 10_000;
const perSecond = 100;
const killEvery = 5_000;
const timeout = 2_000;
/** Number of the word "red" in that model. */
const redToken = 4n;

/** 10,000 requests at a steady rate to two workers, one of which is killed (SIGKILL) every 5 s and started again. */
export async function benchWorkers(): Promise<object> {
  const folder = await scratchFolder("workers");
  const model = join(folder, "model");
  const made = spawnSync(referencePython(), [join(checkout, "bench", "reference", "tiny_model.py"), model]);
  if (made.status !== 0) throw new Error(String(made.stderr));
  const files = modelFiles(model, await readManifest(model));
  const endpoints = [0, 1].map((i) => `ipc://${join(folder, `worker-${i}`)}`);
  const start = (i: number) => WorkerProcess.start(endpoints[i] as string, ["--model", model]);
  const workers = [await start(0), await start(1)];
  const backend = await ZmqBackend.create(files, { endpoints, timeout, heartbeat: 500 });
  let running = true;
  let kills = 0;
  const killer = (async () => {
    for (let turn = 0; running; turn++) {
      await pause(killEvery);
      if (!running) return;
      const victim = turn % 2;
      workers[victim]?.signal("SIGKILL");
      kills++;
      workers[victim] = await start(victim);
    }
  })();
  try {
    const texts = await textsOf(backend);
    const outcomes = { right: 0, wrong: 0, refused: {} as Record<string, number> };
    const times: number[] = [];
    const began = performance.now();
    const all: Promise<void>[] = [];
    for (let i = 0; i < total; i++) {
      const due = began + (1000 * i) / perSecond;
      if (due > performance.now()) await pause(due - performance.now());
      all.push(request(backend, files, texts, i, outcomes, times));
    }
    await Promise.all(all);
    running = false;
    const { requests, answered, retried, failed, expired, workers_lost, dropped_late = 0 } = backend.report();
    return {
      what: "a new image each, encoded and decoded (two messages); every answer compared with what its image asks for",
      requests: total,
      per_second: perSecond,
      kills,
      answered_right: outcomes.right,
      answered_wrong: outcomes.wrong,
      not_answered: outcomes.refused,
      answered_twice: Number(answered) - Number(requests) + Number(failed) + Number(expired),
      ms: spread(times),
      deadline_ms: timeout,
      pool: { requests, answered, retried, failed, expired, workers_lost, dropped_late },
      goal: "answered_right = requests; answered_twice = 0; ms.p99 <= deadline",
    };
  } finally {
    running = false;
    await backend.close();
    await killer;
    await Promise.all(workers.map((worker) => worker.stop()));
    removeFolder(folder);
  }
}

/** The query "red", of which the test's model knows what it means. */
async function textsOf(backend: ZmqBackend): Promise<Tensors> {
  const tokens: Tensors = {
    input_ids: { type: "int64", dims: [1, 3], data: BigInt64Array.from([2n, redToken, 3n]) },
    attention_mask: { type: "int64", dims: [1, 3], data: BigInt64Array.from([1n, 1n, 1n]) },
  };
  return { ...tokens, ...(await backend.encodeText(tokens)) };
}

async function request(
  backend: ZmqBackend,
  files: ModelFiles,
  texts: Tensors,
  i: number,
  outcomes: { right: number; wrong: number; refused: Record<string, number> },
  times: number[],
): Promise<void> {
  const red = i % 2 === 0;
  const start = performance.now();
  try {
    const features = await backend.encodeImage(imageOf(i, red));
    const feeds = files.decoderInputs.map((name) => [name, features[name] ?? texts[name]] as const);
    const { logits } = await backend.decode(Object.fromEntries(feeds) as Tensors);
    times.push(performance.now() - start);
    const found = (logits?.data as Float32Array | undefined)?.some((value) => value > 0) ?? false;
    if (found === red) outcomes.right++;
    else outcomes.wrong++;
  } catch (error) {
    const { code = "error" } = error as { code?: string };
    outcomes.refused[code] = (outcomes.refused[code] ?? 0) + 1;
  }
}

/** Grey with a square, red or grey-blue; no two are the same. */
function imageOf(i: number, red: boolean): ColourImage {
  const [width, height] = [64, 64];
  const data = new Uint8Array(width * height * 3).fill(120);
  for (let y = 20; y < 44; y++)
    for (let x = 20; x < 44; x++) data.set(red ? [220, 20, 20] : [110, 110, 120], (y * width + x) * 3);
  data.set([i & 255, (i >> 8) & 255, 120], 0);
  return { width, height, data };
}
