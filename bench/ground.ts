import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { type Effort, HifiCs, type Timings } from "../src/grounding/index.js";
import { type BackendChoice, createBackend } from "../src/inference/index.js";
import { removeFolder, scratchFolder } from "./children.js";
import { jpegOf } from "./images.js";
import { checkout, runReference } from "./python.js";
import { round, spread, time } from "./statistics.js";

const query = "the red mug on the left";

interface ReferenceFigures {
  readonly first_query_ms: readonly number[];
  readonly further_query_ms: readonly number[];
}

/**
 * Frame to boxes with the bundled model: a 1280×720 JPEG decoded, encoded, one query decoded, boxes found. The
 * reference does the same in Python: Pillow, NumPy, SciPy and onnxruntime with the same files and threads. Rounds
 * alternate, so that both meet the same state of the machine.
 */
export async function benchGround(choice: BackendChoice, quick = false): Promise<object> {
  const [rounds, repetitions] = quick ? [1, 3] : [3, 20];
  const folder = await scratchFolder("ground");
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
      Array.from({ length: 8 }, async (_, i) => {
        const path = join(folder, `${i}.jpg`);
        await writeFile(path, await jpegOf(1280, 720, i, 90));
        return path;
      }),
    );
    const table = sharp(join(checkout, "demo", "color.png")).resize(1280, 720, { fit: "cover" });
    // Eight: the engine caches one image and eight crops, up to three of each.
    const photos = await Promise.all(
      [0, 1, 2, 3, 4, 5, 6, 7].map(async (i) => {
        const path = join(folder, `table${i}.jpg`);
        const light = table.clone().modulate({ brightness: 1 - 0.02 * i });
        await (i % 2 === 0 ? light : light.flop()).jpeg({ quality: 90 }).toFile(path);
        return path;
      }),
    );
    // The engine caches one image: each round begins with another one.
    const other = jpegs.at(-1) as string;
    await groundFile(engine, other, query);
    const model_mb = round(resident() - before, 0);
    const ours: number[] = [];
    const encodeDecode: number[] = [];
    const further: number[] = [];
    const careful: number[] = [];
    const theirs: number[] = [];
    const theirFurther: number[] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(
        ...(await time(repetitions, 4, (i) => note(encodeDecode, engine, jpegs[i % jpegs.length] as string))),
      );
      further.push(...(await measureFurther(engine, other, repetitions)));
      careful.push(...(await measureCareful(engine, photos, repetitions)));
      const reference = await runReference<ReferenceFigures>("bench/reference/ground_peer.py", [
        model,
        folder,
        query,
        String(threads),
        String(repetitions),
      ]);
      theirs.push(...reference.first_query_ms);
      theirFurther.push(...reference.further_query_ms);
    }
    const [a, b, c, d] = [spread(ours), spread(theirs), spread(further), spread(theirFurther)];
    return {
      what: "1280×720 JPEG to boxes, model lite, one query",
      threads,
      backend: engine.runsOn,
      ours_ms: a,
      peer_ms: b,
      peer: "Pillow + NumPy + SciPy + onnxruntime (Python), same ONNX files and threads",
      ratio_peer_over_ours: round(b.p50 / a.p50),
      further_query_ours_ms: c,
      further_query_peer_ms: d,
      encode_decode_ms: spread(encodeDecode),
      careful_ms: spread(careful),
      model_mb,
      goal: "ours_ms.p50 <= 80, encode_decode_ms.p50 <= 60 on two cores; model_mb < 400",
      resident_mb: round(resident(), 0),
    };
  } finally {
    await engine.close();
    removeFolder(folder);
  }
}

/** Resident memory of the process, in MiB. */
const resident = (): number => process.memoryUsage.rss() / 2 ** 20;

async function groundFile(
  engine: HifiCs,
  path: string,
  text: string,
  effort: Effort = "fast",
): Promise<Timings> {
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  const colour = { width: info.width, height: info.height, data };
  const [answer] = await engine.ground({ colour }, [text], { effort });
  return answer?.timings ?? {};
}

/** Grounds the file and adds the milliseconds of its encoding and decoding to `samples`. */
async function note(samples: number[], engine: HifiCs, path: string): Promise<void> {
  const { encode = Number.NaN, decode = Number.NaN } = await groundFile(engine, path, query);
  samples.push(encode + decode);
}

/**
 * JPEG to answer with a second look at the three best candidates. Where the first look is sure there is no second one:
 * the images are of a table with two mugs.
 * @throws Error when nothing was looked at again: the figure would then say nothing
 */
async function measureCareful(
  engine: HifiCs,
  paths: readonly string[],
  repetitions: number,
): Promise<number[]> {
  return time(repetitions, 2, async (i) => {
    const { closer = 0, encode = 0 } = await groundFile(
      engine,
      paths[i % paths.length] as string,
      "the mug",
      "careful",
    );
    if (closer < encode) throw new Error(`the second look took ${closer} ms: it looked at no crop`);
  });
}

/** A new query on a frame that is already encoded. */
async function measureFurther(engine: HifiCs, path: string, repetitions: number): Promise<number[]> {
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  const colour = { width: info.width, height: info.height, data };
  await engine.ground({ colour }, [query]);
  return time(repetitions, 2, (i) =>
    engine.ground({ colour }, [`the number ${i} box of round ${performance.now()}`]),
  );
}
