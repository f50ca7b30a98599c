// How many pixels of masks two back ends share: node bench/gpu/masks.mjs WHERE MODEL OTHER OTHER_MODEL
// WHERE is an execution provider of this process, or a worker's endpoint. Prints one JSON line.
import { HifiCs } from "../../dist/src/grounding/index.js";
import { median, open, picture, round } from "./client.mjs";

const [here, model, there, other] = process.argv.slice(2);
const queries = ["the red mug on the left", "a blue box", "the bowl behind the can"];
const images = Number(process.env.IMAGES ?? 8);

async function masks(where, folder, place) {
  const { engine } = await open(HifiCs, where, folder, place);
  const all = [];
  for (let i = 0; i < images; i++)
    for (const { heatmap } of await engine.ground(picture(1000 + i, 1000 + i), queries))
      all.push(heatmap.data);
  const runsOn = engine.runsOn;
  await engine.close();
  return { all, runsOn };
}

const a = await masks(here, model, "threads");
const b = await masks(there, other);
// Half of each map is marked, whatever level its weights put it at: the most pixels lie near such a threshold.
const levels = a.all.map(median);
const shares = a.all.map((map, i) => {
  const same = map.reduce((sum, value, k) => sum + Number(value > levels[i] === b.all[i][k] > levels[i]), 0);
  return same / map.length;
});
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const area = mean(a.all.map((map, i) => map.filter((value) => value > levels[i]).length / map.length));
console.log(
  JSON.stringify({
    runs_on: [a.runsOn, b.runsOn],
    masks: shares.length,
    marked_share: round(area, 4),
    same_pixels: round(mean(shares), 6),
    worst_mask: round(Math.min(...shares), 6),
  }),
);
