// A pipeline that grounds with the truth: the mask of the thing a sentence names, as the cell's renderer has it for this
// very picture. Everything after the grounding is the product's own.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Bridge } from "../../dist/bridge/index.js";
import { createGraspPlanner } from "../../dist/grasping/index.js";

class Oracle {
  model = "oracle";
  #folder;

  constructor(folder) {
    this.#folder = folder;
  }

  async ground({ colour, stamp }, queries) {
    const truth = await readFile(join(this.#folder, `${stamp}.ids`));
    const ids = truth.subarray(0, colour.width * colour.height);
    const names = JSON.parse(truth.subarray(ids.length).toString());
    return queries.map((query) => this.#find(colour, query, ids, names));
  }

  async close() {}

  #find({ width, height }, query, ids, names) {
    const thing = names.findIndex((name) => query.endsWith(name));
    const mask = { width, height, data: new Uint8Array(width * height) };
    let [x1, y1, x2, y2] = [width, height, 0, 0];
    ids.forEach((id, i) => {
      if (id !== thing) return;
      mask.data[i] = 1;
      const x = i % width;
      const y = (i - x) / width;
      x1 = Math.min(x1, x);
      x2 = Math.max(x2, x + 1);
      y1 = Math.min(y1, y);
      y2 = Math.max(y2, y + 1);
    });
    const found = x2 > x1;
    return {
      query,
      model: this.model,
      found,
      detections: found ? [{ box: [x1, y1, x2, y2], score: 1, mask }] : [],
      presence: found ? 1 : 0,
      heatmap: { width: 1, height: 1, data: new Float32Array(1) },
      timings: {},
    };
  }
}

export const createPipeline = async ({ truth }) =>
  new Bridge({ grounder: new Oracle(truth), planner: createGraspPlanner() });
