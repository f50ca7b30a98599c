// An older checkout and this one in turn on the CPU, both compiled: node bench/gpu/cpu-pair.mjs OTHER_CHECKOUT [ROUNDS]
// In each round either gets a process of its own, in turn first, with the bundled model of this checkout and two threads:
// a new raw 1280x720 image with a known query, a new query on a known image, and the known query again. Prints one JSON
// line with milliseconds and, for each, the median over the rounds of this checkout's median by the other's.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { median, picture, round, spread } from "./client.mjs";

const here = fileURLToPath(new URL("../..", import.meta.url));
const [other, ...rest] = process.argv.slice(2);
const parts = ["new_image", "new_query", "known_query"];
const repeats = 20;

async function measure(checkout) {
  const load = (path) => import(pathToFileURL(resolve(checkout, "dist/src", path)).href);
  const { HifiCs } = await load("grounding/index.js");
  const { InProcessBackend } = await load("inference/index.js");
  const create = (files) => InProcessBackend.create(files, { providers: ["cpu"], threads: 2 });
  const engine = await HifiCs.open(resolve(here, "models/lite"), create, { frameCache: 1 });
  const scenes = Array.from({ length: 4 }, (_, i) => picture(i).colour);
  const took = Object.fromEntries(parts.map((part) => [part, []]));
  for (let i = 0; i < repeats + 4; i++) {
    const { width, height, data } = scenes[i % scenes.length];
    const colour = { width, height, data: data.slice() };
    new DataView(colour.data.buffer).setUint32(0, i);
    for (const [part, query] of [
      ["new_image", "the red mug on the left"],
      ["new_query", `the blue box number ${i} on the table`],
      ["known_query", "the red mug on the left"],
    ]) {
      const start = performance.now();
      await engine.ground({ colour }, [query]);
      if (i >= 4) took[part].push(performance.now() - start);
    }
  }
  await engine.close();
  return took;
}

if (other === "--one") {
  console.log(JSON.stringify(await measure(rest[0])));
} else {
  const rounds = Number(rest[0] ?? 8);
  const run = (checkout) => {
    const program = fileURLToPath(import.meta.url);
    const { stdout, stderr, status } = spawnSync(process.execPath, [program, "--one", checkout], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`${checkout}: ${stderr.trim()}`);
    return JSON.parse(stdout.trim().split("\n").at(-1));
  };
  const all = [];
  for (let i = 0; i < rounds; i++) {
    const order = i % 2 === 0 ? [other, here] : [here, other];
    const made = new Map(order.map((checkout) => [checkout, run(checkout)]));
    all.push({ then: made.get(other), now: made.get(here) });
  }
  const result = Object.fromEntries(
    parts.map((part) => {
      const [then, now] = ["then", "now"].map((side) => spread(all.flatMap((pair) => pair[side][part])));
      const ratios = all.map((pair) => median(pair.now[part]) / median(pair.then[part]));
      return [part, { then, now, ratio_now_over_then: round(median(ratios)) }];
    }),
  );
  console.log(JSON.stringify({ rounds, threads: 2, model: "lite", ...result }));
}
