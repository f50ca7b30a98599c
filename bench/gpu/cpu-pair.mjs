// An older checkout and this one on the CPU, both compiled: node bench/gpu/cpu-pair.mjs OTHER_CHECKOUT [ROUNDS]
// Either has a process of its own, with the bundled model of this checkout and two threads. In each round both are
// asked for the same, one after the other and in turn first: a new raw 1280x720 image with a known query, a new query on
// it, and the known query again. Prints one JSON line: milliseconds, and the median over the rounds of this checkout's
// time by the other's.
import { fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { picture, round, spread } from "./client.mjs";

const here = fileURLToPath(new URL("../..", import.meta.url));
const program = fileURLToPath(import.meta.url);
const [other, count = "100"] = process.argv.slice(2);
const warmup = 5;

async function serve(checkout) {
  const load = (path) => import(pathToFileURL(resolve(checkout, "dist/src", path)).href);
  const { HifiCs } = await load("grounding/index.js");
  const { InProcessBackend } = await load("inference/index.js");
  const create = (files) => InProcessBackend.create(files, { providers: ["cpu"], threads: 2 });
  const engine = await HifiCs.open(resolve(here, "models/lite"), create, { frameCache: 1 });
  const scenes = Array.from({ length: 4 }, (_, i) => picture(i).colour);
  process.on("message", async (i) => {
    const { width, height, data } = scenes[i % scenes.length];
    const colour = { width, height, data: data.slice() };
    new DataView(colour.data.buffer).setUint32(0, i);
    const took = {};
    for (const [part, query] of [
      ["new_image", "the red mug on the left"],
      ["new_query", `the blue box number ${i} on the table`],
      ["known_query", "the red mug on the left"],
    ]) {
      const start = performance.now();
      await engine.ground({ colour }, [query]);
      took[part] = performance.now() - start;
    }
    process.send(took);
  });
}

async function compare(rounds) {
  const sides = { older: fork(program, ["--serve", other]), now: fork(program, ["--serve", here]) };
  const all = [];
  for (let i = 0; i < rounds + warmup; i++) {
    const took = {};
    for (const side of i % 2 === 0 ? ["older", "now"] : ["now", "older"]) {
      sides[side].send(i);
      [took[side]] = await once(sides[side], "message");
    }
    if (i >= warmup) all.push(took);
  }
  for (const child of Object.values(sides)) child.disconnect();
  const of = (part) => {
    const [older, now] = ["older", "now"].map((side) => spread(all.map((took) => took[side][part])));
    const ratio = spread(all.map((took) => took.now[part] / took.older[part])).p50;
    return [part, { older, now, ratio_now_over_older: round(ratio) }];
  };
  const parts = Object.keys(all[0].now).map(of);
  return { rounds, threads: 2, model: "lite", ...Object.fromEntries(parts) };
}

if (other === "--serve") await serve(count);
else console.log(JSON.stringify(await compare(Number(count))));
