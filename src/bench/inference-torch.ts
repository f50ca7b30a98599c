import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { modelFiles, readManifest, runModel, TextTokenizer } from "../grounding/index.js";
import { InProcessBackend, type Tensor } from "../inference/index.js";
import { importCheckpoint } from "../model-store/index.js";
import { makeCheckpoint } from "./parity.js";
import { checkout, peerPython } from "./python.js";
import { PythonPeer } from "./python-peer.js";
import { round, spread } from "./statistics.js";

const queries = [
  "the red mug",
  "a green bottle",
  "banana",
  "the box",
  "a bowl",
  "blue cup",
  "scissors",
  "the can",
];
const rounds = 5;

/** PyTorch eager and compiled against the imported model in process: same weights, threads and pixels, nothing cached. */
export async function benchTorch(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), "bench-torch-"));
  const threads = Math.min(2, availableParallelism());
  const peer = new PythonPeer("test/bench/inference_peer.py");
  try {
    const checkpoint = join(folder, "random.pth");
    await makeCheckpoint(checkpoint);
    await importCheckpoint({
      ...{ checkpoint, name: "random", store: folder, packages: join(checkout, "models") },
      interpreter: peerPython(),
    });
    await peer.ask({ load: { checkpoint, threads, compile: true } });
    const model = join(folder, "random", "fp32");
    const manifest = await readManifest(model);
    const backend = await InProcessBackend.create(modelFiles(model, manifest), { threads });
    const tokenizer = await TextTokenizer.load(model, manifest.text);
    const { width, height } = manifest.input;
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) % 256);
    const rows: Record<string, object> = {};
    for (const n of [1, 2, 8]) {
      const texts = queries.slice(0, n);
      const series = { eager: [] as number[], compiled: [] as number[], ours: [] as number[] };
      for (let i = -2; i < rounds; i++) {
        for (const how of ["eager", "compiled"] as const) {
          const { ms } = await peer.ask<{ ms: number }>({ queries: texts, how });
          if (i >= 0) series[how].push(ms);
          // Both sides' idle threads spin for a while after a call; they must not eat into the next one's time.
          await pause(150);
        }
        const start = performance.now();
        await runModel(manifest, backend, pixels, tokenizer.batch(texts).input_ids as Tensor);
        if (i >= 0) series.ours.push(performance.now() - start);
        await pause(150);
      }
      const [eager, compiled, ours] = [spread(series.eager), spread(series.compiled), spread(series.ours)];
      rows[`${n}_queries`] = {
        eager_ms: eager,
        compiled_ms: compiled,
        in_process_ms: ours,
        times_faster_than_eager: round(eager.p50 / ours.p50, 2),
        times_faster_than_compiled: round(compiled.p50 / ours.p50, 2),
      };
    }
    await backend.close();
    return {
      threads,
      what: "HiFi-CS over CLIP ViT-B/16, random weights: pixels and tokens to logits, the picture encoded once for all its sentences, fp32",
      ...rows,
    };
  } finally {
    peer.close();
    await rm(folder, { recursive: true, force: true });
  }
}
