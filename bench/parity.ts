import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  compareLogits,
  type Manifest,
  modelFiles,
  readManifest,
  readNpy,
  runModel,
  TextTokenizer,
} from "../src/grounding/index.js";
import { InProcessBackend, type Tensor } from "../src/inference/index.js";
import { removeFolder, scratchFolder } from "./children.js";
import { makeRandomModel, sampleQueries as queries } from "./random-model.js";
import { ReferenceProcess } from "./reference-process.js";
import { round, spread } from "./statistics.js";

const precisions = ["fp32", "fp16", "int8"] as const;
const rounds = 7;

interface Opened {
  readonly kind: (typeof precisions)[number];
  readonly manifest: Manifest;
  readonly backend: InProcessBackend;
  readonly tokenizer: TextTokenizer;
  readonly single: number[];
  readonly eight: number[];
}

/**
 * HiFi-CS over CLIP ViT-B/16 at full size with random weights: PyTorch eager in fp32, run as the published code runs
 * it, against the imported model on onnxruntime-node. Nothing is cached on either side, threads are the same, and the
 * measurements alternate, so that both meet the same state of the machine.
 */
export async function benchParity(): Promise<object> {
  const folder = await scratchFolder("parity");
  const threads = Math.min(2, availableParallelism());
  const reference = new ReferenceProcess("bench/reference/torch_peer.py");
  let models: readonly Opened[] = [];
  try {
    const made = await makeRandomModel(folder, precisions);
    await reference.ask({ load: { checkpoint: made.checkpoint, threads } });
    models = await Promise.all(precisions.map((kind) => open(made.models[kind], kind, threads)));
    const parity = await measureParity(reference, models, folder);
    const torch = { single: [] as number[], eight: [] as number[] };
    const pixels = (await readNpy(join(folder, "pixels.npy"))).data as Uint8Array;
    for (let i = -1; i < rounds; i++) await measureRound(i >= 0, reference, torch, models, pixels);
    const baseline = { single: spread(torch.single), eight: spread(torch.eight) };
    return {
      what: "HiFi-CS over CLIP ViT-B/16, FiLM at every level, random weights: image and query to logits, nothing cached",
      threads,
      parity,
      pytorch_eager_fp32_one_query_ms: baseline.single,
      pytorch_eager_fp32_eight_single_queries_ms: baseline.eight,
      ours: Object.fromEntries(
        models.map(({ kind, single, eight }) => {
          const one = spread(single);
          const many = spread(eight);
          return [
            kind,
            {
              one_query_ms: one,
              eight_queries_on_one_frame_ms: many,
              times_faster_one_query: round(baseline.single.p50 / one.p50, 2),
              times_faster_eight_queries: round(baseline.eight.p50 / many.p50, 2),
            },
          ];
        }),
      ),
      goal: "one query: fp32 >= 1.5, int8 >= 2.5 times faster; eight queries >= 5 times; logits within 1e-3 (fp32), masks >= 0.999 (fp32), >= 0.99 (fp16, int8)",
    };
  } finally {
    reference.close();
    await Promise.all(models.map(({ backend }) => backend.close()));
    removeFolder(folder);
  }
}

async function open(folder: string, kind: Opened["kind"], threads: number): Promise<Opened> {
  const manifest = await readManifest(folder);
  const { text } = manifest;
  const backend = await InProcessBackend.create(modelFiles(folder, manifest), { threads });
  return {
    kind,
    manifest,
    backend,
    tokenizer: await TextTokenizer.load(folder, text),
    single: [],
    eight: [],
  };
}

const run = ({ manifest, backend, tokenizer }: Opened, pixels: Uint8Array, texts: readonly string[]) =>
  runModel(manifest, backend, pixels, tokenizer.batch(texts).input_ids as Tensor);

async function measureParity(
  reference: ReferenceProcess,
  models: readonly Opened[],
  folder: string,
): Promise<object> {
  await reference.ask({ logits: { out: folder, queries } });
  const wanted = await readNpy(join(folder, "logits.npy"));
  const pixels = (await readNpy(join(folder, "pixels.npy"))).data as Uint8Array;
  const rows: [string, object][] = [];
  for (const model of models) {
    const { largestDifference, maskAgreement } = compareLogits(await run(model, pixels, queries), wanted);
    rows.push([
      model.kind,
      {
        largest_logit_difference: round(largestDifference, 7),
        mask_agreement: round(maskAgreement, 6),
      },
    ]);
  }
  return Object.fromEntries(rows);
}

async function measureRound(
  counts: boolean,
  reference: ReferenceProcess,
  torch: { single: number[]; eight: number[] },
  models: readonly Opened[],
  pixels: Uint8Array,
): Promise<void> {
  const one = queries.slice(0, 1);
  for (const [texts, key] of [
    [one, "single"],
    [queries, "eight"],
  ] as const) {
    const { ms } = await reference.ask<{ ms: number }>({
      time: { how: "published", queries: texts },
    });
    if (counts) torch[key].push(ms);
    for (const model of models) {
      // Both sides' idle threads spin for a while after a call; they must not eat into the next one's time.
      await pause(150);
      const start = performance.now();
      await run(model, pixels, texts);
      if (counts) model[key].push(performance.now() - start);
    }
    await pause(150);
  }
}
