import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe } from "../src/errors/index.js";
import { modelFiles, readManifest, runModel, TextTokenizer } from "../src/grounding/index.js";
import { InProcessBackend, type Tensor } from "../src/inference/index.js";
import { removeFolder, scratchFolder } from "./children.js";
import { PythonPeer } from "./python-peer.js";
import { makeRandomModel, sentences } from "./random-model.js";
import { round, type Spread, spread } from "./statistics.js";

const counts = [1, 2, 8] as const;
const rounds = 5;
/** Milliseconds that torch.compile may take in all; what it has not compiled by then is not measured. */
const compileLimit = 180_000;

type Way = "eager" | "compiled" | "ours";

/** PyTorch eager and compiled against the imported model in process: same weights, threads and pixels, nothing cached. */
export async function benchTorch(): Promise<object> {
  const folder = await scratchFolder("torch");
  const threads = Math.min(2, availableParallelism());
  const script = "bench/reference/torch_peer.py";
  // Two processes: a compilation that takes too long is ended without the other.
  const peer = new PythonPeer(script);
  const compiler = new PythonPeer(script, { TORCHINDUCTOR_CACHE_DIR: join(folder, "inductor") });
  let backend: InProcessBackend | undefined;
  try {
    const { checkpoint, models } = await makeRandomModel(folder, ["fp32"]);
    const load = { load: { checkpoint, threads } };
    await Promise.all([peer.ask(load), compiler.ask(load)]);
    const compiled = await compile(compiler);
    const manifest = await readManifest(models.fp32);
    const engine = await InProcessBackend.create(modelFiles(models.fp32, manifest), { threads });
    backend = engine;
    const tokenizer = await TextTokenizer.load(models.fp32, manifest.text);
    const { width, height } = manifest.input;
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) % 256);
    const rows: Record<string, object> = {};
    for (const n of counts) {
      const queries = sentences.slice(0, n);
      const askPeer = async (of: PythonPeer, how: string) =>
        (await of.ask<{ ms: number }>({ time: { how, queries } }, 120_000)).ms;
      const runs: [Way, () => Promise<number>][] = [["eager", () => askPeer(peer, "eager")]];
      if (compiled.seconds[n] !== undefined) runs.push(["compiled", () => askPeer(compiler, "compiled")]);
      runs.push([
        "ours",
        async () => {
          const start = performance.now();
          await runModel(manifest, engine, pixels, tokenizer.batch(queries).input_ids as Tensor);
          return performance.now() - start;
        },
      ]);
      rows[`${n}_queries`] = figures(await inTurn(runs));
    }
    return {
      threads,
      what: "HiFi-CS over CLIP ViT-B/16, random weights: pixels and tokens to logits, the image encoded once for all its queries, fp32",
      compile_seconds: compiled.seconds,
      ...(compiled.problem !== undefined && { not_compiled: compiled.problem }),
      ...rows,
    };
  } finally {
    peer.close();
    compiler.close();
    await backend?.close();
    removeFolder(folder);
  }
}

/** Seconds for each number of queries, the first with the image's graph in it, and why one is not there. */
async function compile(
  peer: PythonPeer,
): Promise<{ readonly seconds: Readonly<Record<number, number>>; readonly problem?: string }> {
  const seconds: Record<number, number> = {};
  const until = performance.now() + compileLimit;
  for (const queries of counts) {
    try {
      const left = Math.max(1, until - performance.now());
      seconds[queries] = round(
        (await peer.ask<{ seconds: number }>({ compile: { queries } }, left)).seconds,
        1,
      );
    } catch (error) {
      const [why] = describe(error).split(";");
      return { seconds, problem: `${queries} queries: ${why}` };
    }
  }
  return { seconds };
}

async function inTurn(runs: readonly [Way, () => Promise<number>][]): Promise<Map<Way, number[]>> {
  const series = new Map<Way, number[]>(runs.map(([way]) => [way, []]));
  for (let i = -1; i < rounds; i++)
    for (const [way, run] of runs) {
      const ms = await run();
      if (i >= 0) series.get(way)?.push(ms);
      // Idle threads of each side spin for a while after a call; they must not eat into the next one's time.
      await pause(150);
    }
  return series;
}

function figures(series: ReadonlyMap<Way, readonly number[]>): object {
  const of = (way: Way): Spread | undefined => {
    const values = series.get(way);
    return values && spread(values);
  };
  const [eager, compiled, ours] = [of("eager"), of("compiled"), of("ours")];
  const times = (other: Spread | undefined) =>
    other && ours ? round(other.p50 / ours.p50, 2) : "not measured";
  return {
    eager_ms: eager,
    compiled_ms: compiled ?? "not measured",
    in_process_ms: ours,
    times_faster_than_eager: times(eager),
    times_faster_than_compiled: times(compiled),
  };
}
