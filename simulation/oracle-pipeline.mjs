// A pipeline with true masks: the cell's renderer gives the mask of the object that a query names, for the same image.
// Everything after the grounding is the product's own.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { maskBox } from "../dist/src/geometry/index.js";
import { createGraspPlanner } from "../dist/src/grasping/index.js";
import { CommandGrounder } from "../dist/src/grounding/index.js";
import { GraspPipeline } from "../dist/src/pipeline/index.js";

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
    const index = names.findIndex((name) => query.endsWith(name));
    const mask = { width, height, data: new Uint8Array(width * height) };
    ids.forEach((id, i) => {
      if (id === index) mask.data[i] = 1;
    });
    const box = maskBox(mask);
    const found = box !== undefined;
    return {
      query,
      model: this.model,
      found,
      detections: found ? [{ box, score: 1, mask }] : [],
      presence: found ? 1 : 0,
      heatmap: { width: 1, height: 1, data: new Float32Array(1) },
      timings: {},
    };
  }
}

export const createPipeline = async ({ truth }) =>
  new GraspPipeline({ grounder: new CommandGrounder(new Oracle(truth)), planner: createGraspPlanner() });
