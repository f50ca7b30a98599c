// Times this software's engine on a GPU: node bench/gpu/ours.mjs PROVIDER MODEL_FOLDER
// Prints one JSON line. A provider that cannot run is an error: nothing here falls back to the CPU.
import { HifiCs } from "../../dist/src/grounding/index.js";
import { InProcessBackend } from "../../dist/src/inference/index.js";

const [provider, folder] = process.argv.slice(2);
const repeats = Number(process.env.REPEATS ?? 100);
const warmup = Number(process.env.WARMUP ?? 15);
const options = { providers: [provider], threads: 4 };
const width = 1280;
const height = 720;

function picture(seed) {
  const data = new Uint8Array(width * height * 3);
  let state = seed + 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    data[i] = 80 + 60 * Math.sin(i / 5000 + seed) + (state >>> 27);
  }
  return { colour: { width, height, data } };
}

async function series(n, work) {
  const samples = [];
  for (let i = 0; i < n + warmup; i++) {
    const start = performance.now();
    const parts = await work(i);
    if (i >= warmup) samples.push({ ms: performance.now() - start, ...parts });
  }
  const at = (key, q) => {
    const sorted = samples.map((s) => s[key]).sort((a, b) => a - b);
    return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] * 1000) / 1000;
  };
  const result = { n, p50: at("ms", 0.5), p99: at("ms", 0.99), min: at("ms", 0) };
  const parts = Object.keys(samples[0]).filter((key) => key !== "ms");
  if (parts.length > 0) result.parts_p50 = Object.fromEntries(parts.map((key) => [key, at(key, 0.5)]));
  return result;
}

let backend;
const engine = await HifiCs.open(
  folder,
  async (files) => {
    backend = await InProcessBackend.create(files, options);
    return backend;
  },
  { frameCache: 1 },
);
const frames = Array.from({ length: 8 }, (_, i) => picture(i));
const sentence = "the red mug on the left";
const ground = async (frame, sentences) => {
  const found = await engine.ground(frame, sentences);
  return found[0].timings;
};
let count = 0;
const fresh = (n) => Array.from({ length: n }, () => `the blue box number ${count++} on the table`);
const result = { provider, runs_on: engine.runsOn, model: engine.model };
// A camera's next picture, the sentence known: what a robot that watches for one thing waits for.
result.frame_to_boxes = await series(repeats, (i) => ground(frames[i % 8], [sentence]));
await ground(frames[0], [sentence]);
result.new_sentence_same_frame = await series(repeats, () => ground(frames[0], fresh(1)));
result.known_sentence_same_frame = await series(repeats, () => ground(frames[0], [sentence]));
result.eight_new_sentences_new_frame = await series(repeats / 2, (i) => ground(frames[i % 8], fresh(8)));

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
result.encode_sixteen = await series(
  Math.max(5, repeats / 5),
  async () => void (await backend.encodeFrame(sixteen)),
);
console.log(JSON.stringify(result));
await engine.close();
