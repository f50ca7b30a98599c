// Cameras in one process: node bench/gpu/streams.mjs ENDPOINT MODEL_FOLDER STREAMS SECONDS
// Prints "ready", waits for a line on its standard input, and then asks for one known query on each stream's next image
// until the seconds are over, after two that do not count. Each stream waits for its answer. Prints one JSON line.
import { once } from "node:events";
import { HifiCs } from "../../dist/src/grounding/index.js";
import { open, picture, spread } from "./client.mjs";

const [endpoint, folder, streams, seconds] = process.argv.slice(2);
const query = "the red mug on the left";
const { engine } = await open(HifiCs, endpoint, folder);
const own = Array.from({ length: Number(streams) }, (_, i) => picture(i % 8));
for (const image of own) await engine.ground(image, [query]);
console.log("ready");
await once(process.stdin, "data");
const latency = [];
const waits = [];
const began = performance.now() + 2000;
const until = began + 1000 * Number(seconds);
let shade = process.pid << 16;
const run = async ({ colour }) => {
  while (performance.now() < until) {
    // Another image in the same memory: its hash is another one.
    new DataView(colour.data.buffer).setInt32(0, ++shade);
    const start = performance.now();
    const [answer] = await engine.ground({ colour }, [query]);
    if (start < began) continue;
    latency.push(performance.now() - start);
    waits.push(answer.steps?.wait ?? 0);
  }
};
await Promise.all(own.map(run));
const took = (performance.now() - began) / 1000;
console.log(JSON.stringify({ images: latency.length, seconds: took, latency, wait_p50: spread(waits).p50 }));
process.stdin.destroy();
await engine.close();
