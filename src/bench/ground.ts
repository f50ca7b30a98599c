import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { HifiCs, type Timings } from "../grounding/index.js";
import { type BackendChoice, createBackend } from "../inference/index.js";
import { checkout, runPeer } from "./python.js";
import { round, spread, time } from "./statistics.js";

const size = { width: 1280, height: 720 };
const query = "the red mug on the left";

interface PeerFigures {
  readonly first_query_ms: readonly number[];
  readonly further_query_ms: readonly number[];
}

/**
 * Frame to boxes with the bundled model: a 1280×720 JPEG decoded, encoded, one sentence decoded, boxes found. The
 * peer is the same in Python: Pillow, NumPy, SciPy and onnxruntime with the same files and threads. Rounds alternate,
 * so that both meet the same state of the machine.
 */
export async function benchGround(choice: BackendChoice): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), "bench-ground-"));
  const model = join(checkout, "models", "lite");
  const threads = Math.min(2, availableParallelism());
  const before = resident();
  const engine = await HifiCs.open(
    model,
    (files) => createBackend(files, choice.kind === "in-process" ? { ...choice, threads } : choice),
    {
      frameCache: 1,
    },
  );
  try {
    const jpegs = await Promise.all(
      Array.from({ length: 8 }, (_, i) => writeFrame(join(folder, `${i}.jpg`), i)),
    );
    await groundFile(engine, jpegs[0] as string, query);
    const model_mb = round(resident() - before, 0);
    const ours: number[] = [];
    const encodeDecode: number[] = [];
    const further: number[] = [];
    const theirs: number[] = [];
    const theirFurther: number[] = [];
    for (let round = 0; round < 3; round++) {
      ours.push(...(await time(20, 4, (i) => note(encodeDecode, engine, jpegs[i % jpegs.length] as string))));
      further.push(...(await measureFurther(engine, jpegs[0] as string)));
      const peer = await runPeer<PeerFigures>("test/bench/ground_peer.py", [
        model,
        folder,
        query,
        String(threads),
        "20",
      ]);
      theirs.push(...peer.first_query_ms);
      theirFurther.push(...peer.further_query_ms);
    }
    const [a, b, c, d] = [spread(ours), spread(theirs), spread(further), spread(theirFurther)];
    return {
      what: "1280×720 JPEG to boxes, model lite, one sentence",
      threads,
      backend: engine.runsOn,
      ours_ms: a,
      peer_ms: b,
      peer: "Pillow + NumPy + SciPy + onnxruntime (Python), same ONNX files and threads",
      ratio_peer_over_ours: round(b.p50 / a.p50),
      further_query_ours_ms: c,
      further_query_peer_ms: d,
      encode_decode_ms: spread(encodeDecode),
      model_mb,
      goal: "ours_ms.p50 <= 80, encode_decode_ms.p50 <= 60 on two cores; model_mb < 400",
      resident_mb: round(resident(), 0),
    };
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the process holds, in MiB. */
const resident = (): number => process.memoryUsage.rss() / 2 ** 20;

async function groundFile(engine: HifiCs, path: string, sentence: string): Promise<Timings> {
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  const colour = { width: info.width, height: info.height, data };
  const [answer] = await engine.ground({ colour }, [sentence]);
  return answer?.timings ?? {};
}

/** Grounds the file and adds what its picture's encoding and the decoding took. */
async function note(samples: number[], engine: HifiCs, path: string): Promise<void> {
  const { encode = 0, decode = 0 } = await groundFile(engine, path, query);
  // Nothing to encode: the picture was the last one of the round before.
  if (encode > 0) samples.push(encode + decode);
}

/** A new sentence on a frame that is already encoded. */
async function measureFurther(engine: HifiCs, path: string): Promise<number[]> {
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  const colour = { width: info.width, height: info.height, data };
  await engine.ground({ colour }, [query]);
  return time(20, 2, (i) => engine.ground({ colour }, [`the number ${i} box of round ${performance.now()}`]));
}

/** A frame of smooth shapes and noise: a JPEG decoder's work depends on its content. */
async function writeFrame(path: string, seed: number): Promise<string> {
  const { width, height } = size;
  const pixels = new Uint8Array(width * height * 3);
  let state = seed + 1;
  for (let i = 0; i < width * height; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const noise = (state >>> 24) / 16;
    const x = i % width;
    const y = Math.floor(i / width);
    const inside = (x - 300 - 40 * seed) ** 2 + (y - 360) ** 2 < 120 ** 2;
    pixels[i * 3] = (inside ? 200 : 90 + (60 * x) / width) + noise;
    pixels[i * 3 + 1] = (inside ? 40 : 80 + (80 * y) / height) + noise;
    pixels[i * 3 + 2] = (inside ? 40 : 100) + noise;
  }
  await writeFile(
    path,
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 90 })
      .toBuffer(),
  );
  return path;
}
