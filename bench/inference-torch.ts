import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe } from "../src/errors/index.js";
import { modelFiles, readManifest, runModel, TextTokenizer } from "../src/grounding/index.js";
import { InProcessBackend, type Tensor } from "../src/inference/index.js";
import { removeFolder, scratchFolder } from "./children.js";
import { makeRandomModel, sampleQueries } from "./random-model.js";
import { ReferenceProcess } from "./reference-process.js";
import { round, type Spread, spread } from "./statistics.js";

const counts = [1, 2, 8] as const;
const rounds = 5;
/** Time that torch.compile may take in all; a graph that is not compiled by then is not measured. */
const compileLimitMs = 180_000;

type Variant = "eager" | "compiled" | "ours";

/**
 * PyTorch eager and compiled against the imported model in process: same weights, threads and pixels, nothing cached.
 */
export async function benchTorch(): Promise<object> {
  const folder = await scratchFolder("torch");
  const threads = Math.min(2, availableParallelism());
  const script = "bench/reference/torch_peer.py";
  // Two processes: a compilation that takes too long is ended without the other.
  const reference = new ReferenceProcess(script);
  const compiler = new ReferenceProcess(script, { TORCHINDUCTOR_CACHE_DIR: join(folder, "inductor") });
  let backend: InProcessBackend | undefined;
  try {
    const { checkpoint, models } = await makeRandomModel(folder, ["fp32"]);
    const load = { load: { checkpoint, threads } };
    await Promise.all([reference.ask(load), compiler.ask(load)]);
    const compiled = await compile(compiler);
    const manifest = await readManifest(models.fp32);
    const engine = await InProcessBackend.create(modelFiles(models.fp32, manifest), { threads });
    backend = engine;
    const tokenizer = await TextTokenizer.load(models.fp32, manifest.text);
    const { width, height } = manifest.input;
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) % 256);
    const rows: Record<string, object> = {};
    for (const n of counts) {
      const queries = sampleQueries.slice(0, n);
      const timeReference = async (of: ReferenceProcess, how: string) =>
        (await of.ask<{ ms: number }>({ time: { how, queries } }, 120_000)).ms;
      const runs: [Variant, () => Promise<number>][] = [["eager", () => timeReference(reference, "eager")]];
      if (compiled.seconds[n] !== undefined)
        runs.push(["compiled", () => timeReference(compiler, "compiled")]);
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
    reference.close();
    compiler.close();
    await backend?.close();
    removeFolder(folder);
  }
}

/** Seconds for each number of queries, the first with the image's graph in it, and the reason for a missing one. */
async function compile(
  reference: ReferenceProcess,
): Promise<{ readonly seconds: Readonly<Record<number, number>>; readonly problem?: string }> {
  const seconds: Record<number, number> = {};
  const until = performance.now() + compileLimitMs;
  for (const queries of counts) {
    try {
      const left = Math.max(1, until - performance.now());
      seconds[queries] = round(
        (await reference.ask<{ seconds: number }>({ compile: { queries } }, left)).seconds,
        1,
      );
    } catch (error) {
      const [why] = describe(error).split(";");
      return { seconds, problem: `${queries} queries: ${why}` };
    }
  }
  return { seconds };
}

async function inTurn(runs: readonly [Variant, () => Promise<number>][]): Promise<Map<Variant, number[]>> {
  const series = new Map<Variant, number[]>(runs.map(([variant]) => [variant, []]));
  for (let i = -1; i < rounds; i++)
    for (const [variant, run] of runs) {
      const ms = await run();
      if (i >= 0) series.get(variant)?.push(ms);
      // Idle threads of each side spin for a while after a call; they must not eat into the next one's time.
      await pause(150);
    }
  return series;
}

function figures(series: ReadonlyMap<Variant, readonly number[]>): object {
  const of = (variant: Variant): Spread | undefined => {
    const values = series.get(variant);
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
