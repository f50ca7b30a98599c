// Times this software on a GPU: node bench/gpu/ours.mjs PROVIDER MODEL_FOLDER
// PROVIDER is an execution provider of this process, or the endpoint of a worker. Prints one JSON line.
// A provider that cannot run is an error: nothing here falls back to the CPU.
import { HifiCs } from "../../dist/src/grounding/index.js";
import { median, open, picture, round, spread } from "./client.mjs";

const [provider, folder] = process.argv.slice(2);
const repeats = Number(process.env.REPEATS ?? 100);
const warmup = Number(process.env.WARMUP ?? 15);

async function series(n, work) {
  const samples = [];
  const marked = [];
  const named = [];
  for (let i = 0; i < n + warmup; i++) {
    const start = performance.now();
    const found = await work(i);
    const ms = performance.now() - start;
    if (i < warmup) continue;
    if (found === undefined) {
      samples.push({ ms });
      continue;
    }
    const { instances } = found.timings;
    const parts = { instances, ...found.steps };
    samples.push({ ms, ...parts });
    named.push((found.queries * Object.values(parts).reduce((sum, part) => sum + part, 0)) / ms);
    marked.push(shareOf(found.heatmap.data));
  }
  const of = (key) => samples.map((sample) => sample[key] ?? 0);
  const result = spread(of("ms"));
  const parts = [...new Set(samples.flatMap(Object.keys))].filter((key) => key !== "ms");
  if (parts.length > 0) result.parts_p50 = Object.fromEntries(parts.map((key) => [key, spread(of(key)).p50]));
  if (marked.length > 0) result.marked_share_p50 = spread(marked).p50;
  if (named.length > 0) result.named_share_p50 = spread(named).p50;
  return result;
}

/** Of a map that is marked; a loop leaves nothing behind that the next call would have to clear up. */
function shareOf(map) {
  let count = 0;
  for (const p of map) if (p >= threshold) count++;
  return count / map.length;
}

const scenes = Array.from({ length: 8 }, (_, i) => picture(i).colour);
const sentence = "the red mug on the left";
const threshold = await levelOf(scenes, sentence);
/** Random weights mark nothing or everything: at this threshold about half of an image is. */
async function levelOf(images, query) {
  const { engine } = await open(HifiCs, provider, folder);
  const levels = [];
  for (const colour of images) {
    const [{ heatmap }] = await engine.ground({ colour }, [query]);
    levels.push(median(heatmap.data));
  }
  await engine.close();
  return median(levels);
}

const { engine, backend } = await open(HifiCs, provider, folder, "auto", { threshold, foundThreshold: 0 });
// Images that no other call had: the first bytes are their number.
const frames = Array.from({ length: warmup + repeats + 1 }, (_, i) => {
  const { width, height, data } = scenes[i % 8];
  const own = data.slice();
  new DataView(own.buffer).setUint32(0, i);
  return { colour: { width, height, data: own } };
});
const ground = async (frame, sentences) => {
  const answers = await engine.ground(frame, sentences);
  return { ...answers[0], queries: answers.length };
};
let count = 0;
const fresh = (n) => Array.from({ length: n }, () => `the blue box number ${count++} on the table`);
const result = { provider, runs_on: engine.runsOn, model: engine.model };
// A camera's next image, the query known: what a robot that watches for one thing waits for.
result.frame_to_boxes = await series(repeats, (i) => ground(frames[i], [sentence]));
const [last] = frames.slice(-1);
await ground(last, [sentence]);
result.new_sentence_same_frame = await series(repeats, () => ground(last, fresh(1)));
result.known_sentence_same_frame = await series(repeats, () => ground(last, [sentence]));
// Sentences whose features are known, but more than an image keeps outputs of: each is decoded.
const known = fresh(12);
await ground(last, known);
result.known_sentence_decoded_same_frame = await series(repeats, (i) =>
  ground(last, [known[i % known.length]]),
);
for (const frame of frames) frame.colour.data[0] ^= 128;
result.eight_new_sentences_new_frame = await series(repeats / 2, (i) => ground(frames[i], fresh(8)));

if (process.env.PARTS === "1") {
  // The parts alone, tensors in and out of this process.
  const image = (n) => ({
    image: {
      type: "float32",
      dims: [n, 3, 352, 352],
      data: Float32Array.from({ length: n * 3 * 352 * 352 }, (_, i) => (i % 255) / 255),
    },
  });
  const one = image(1);
  result.encode_one = await series(repeats, async () => void (await backend.encodeFrame(one)));
  const sixteen = image(16);
  const few = Math.max(5, repeats / 5);
  result.encode_sixteen = await series(few, async () => void (await backend.encodeFrame(sixteen)));
}
result.frames_per_second = round(1000 / result.frame_to_boxes.mean, 1);
console.log(JSON.stringify(result));
await engine.close();
