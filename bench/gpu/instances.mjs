// Times how boxes are found: node bench/gpu/instances.mjs [OTHER_DIST]
// With the `dist` folder of another commit both are timed in turn, and their boxes, scores and masks are compared.
// Prints one JSON line; milliseconds for images of 1280 x 720.
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { HifiCs } from "../../dist/src/grounding/index.js";
import { InProcessBackend } from "../../dist/src/inference/index.js";
import { height, median, round, width } from "./client.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folders = [join(root, "dist"), ...process.argv.slice(2, 3).map((folder) => resolve(folder))];
const builds = await Promise.all(folders.map((folder) => import(join(folder, "src/grounding/index.js"))));
const repeats = Number(process.env.REPEATS ?? 300);

/** Noise of several scales as probabilities: a step of the noise in pixels, and how strong it is. */
function noise(side, scales) {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24 - 0.5;
  };
  const sum = new Float32Array(side * side);
  for (const [step, strength] of scales) {
    const wide = Math.ceil(side / step) + 2;
    const grid = Float32Array.from({ length: wide * wide }, () => 2 * strength * (random() + random()));
    for (let i = 0; i < sum.length; i++) {
      const [x, y] = [(i % side) / step, Math.floor(i / side) / step];
      const at = Math.floor(y) * wide + Math.floor(x);
      const [fx, fy] = [x % 1, y % 1];
      const upper = grid[at] + (grid[at + 1] - grid[at]) * fx;
      const lower = grid[at + wide] + (grid[at + wide + 1] - grid[at + wide]) * fx;
      sum[i] += upper + (lower - upper) * fy;
    }
  }
  return { width: side, height: side, data: sum.map((x) => 1 / (1 + Math.exp(-x))) };
}

/** The bundled model's candidates for the demo's image. */
async function candidates(query) {
  let outputs;
  const engine = await HifiCs.open(join(root, "models/lite"), async (files) => {
    const backend = await InProcessBackend.create(files, { providers: ["cpu"], threads: 2 });
    return {
      description: backend.description,
      encodeImage: (...given) => backend.encodeImage(...given),
      encodeText: (...given) => backend.encodeText(...given),
      decode: async (...given) => (outputs = await backend.decode(...given)),
      close: () => backend.close(),
    };
  });
  const { data, info } = await sharp(join(root, "demo/color.png"))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  await engine.ground({ colour: { width: info.width, height: info.height, data } }, [query]);
  await engine.close();
  const { candidate_logits: masks, candidate_mass: mass, candidate_quality: quality } = outputs;
  const [, , high, wide] = masks.dims;
  return { width: wide, height: high, logits: masks.data, mass: mass.data, quality: quality.data };
}

const image = { width, height };
const smooth = noise(352, [[48, 2]]);
const rough = noise(352, [
  [32, 2],
  [8, 1.5],
  [2, 0.6],
]);
const lite = await candidates("the mug");
const heat = (map, threshold) => (build) => build.instancesFromHeatmap(map, image, { threshold });
const drawn = (options) => (build) => build.instancesFromCandidates(lite, image, options);
const cases = {
  smooth_half_marked: heat(smooth, median(smooth.data)),
  rough_half_marked: heat(rough, median(rough.data)),
  all_marked: heat(rough, 0.0005),
  none_marked: heat(rough, 1),
  lite_candidates: drawn({}),
  lite_candidates_careful: drawn({ relativeMass: 0, limit: 5 }),
};

const plain = (detections) => detections.map(({ box, score, mask }) => [box, score, [...mask.data]]);
const result = {};
for (const [name, work] of Object.entries(cases)) {
  const samples = builds.map(() => []);
  for (let i = 0; i < repeats + 30; i++)
    for (const k of builds.keys()) {
      const start = performance.now();
      work(builds[(k + i) % builds.length]);
      if (i >= 30) samples[(k + i) % builds.length].push(performance.now() - start);
    }
  const [ms, other] = samples.map((each) => round(each.sort((a, b) => a - b)[each.length >> 1]));
  result[name] = { objects: work(builds[0]).length, p50_ms: ms };
  if (other === undefined) continue;
  const same = JSON.stringify(plain(work(builds[0]))) === JSON.stringify(plain(work(builds[1])));
  Object.assign(result[name], { other_p50_ms: other, ratio: round(other / ms, 2), same });
}
console.log(JSON.stringify(result));
