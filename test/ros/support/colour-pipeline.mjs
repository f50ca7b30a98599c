// A pipeline for tests: finds pixels of the colour a sentence names. Real pixels in, real masks and grasps out.

import { maskBox } from "../../../dist/src/geometry/index.js";
import { GraspPipeline } from "../../../dist/src/pipeline/index.js";

const channels = { red: 0, green: 1, blue: 2 };

class ColourGrounder {
  model = "colour-threshold";
  #delay;

  constructor(delay) {
    this.#delay = delay;
  }

  async ground({ colour }, queries) {
    if (this.#delay > 0) await new Promise((resolve) => setTimeout(resolve, this.#delay));
    return queries.map((query) => this.#find(colour, query));
  }

  async close() {}

  #find({ width, height, data }, query) {
    if (query.includes("crash the thread")) setImmediate(() => process.exit(3));
    const name = Object.keys(channels).find((each) => query.includes(each));
    const mask = { width, height, data: new Uint8Array(width * height) };
    let count = 0;
    if (name !== undefined) {
      const c = channels[name];
      for (let i = 0; i < mask.data.length; i++) {
        const value = data[i * 3 + c];
        const others = Math.max(data[i * 3 + ((c + 1) % 3)], data[i * 3 + ((c + 2) % 3)]);
        if (value < 120 || others * 2 > value) continue;
        mask.data[i] = 1;
        count++;
      }
    }
    const found = count > 20;
    return {
      query,
      model: this.model,
      found,
      detections: found ? [{ box: maskBox(mask), score: 0.9, mask }] : [],
      presence: found ? 0.9 : 0.1,
      heatmap: { width: 1, height: 1, data: new Float32Array(1) },
      timings: { threshold: 1 },
    };
  }
}

/** Grasps the mask's middle at its median depth, straight along the camera's axis. */
export const planner = {
  plan({ frameId, depth, camera }, { mask }) {
    const values = [];
    let [u, v] = [0, 0];
    mask.data.forEach((inside, i) => {
      if (inside === 0 || !(depth.data[i] > 0)) return;
      values.push(depth.data[i]);
      u += i % mask.width;
      v += Math.trunc(i / mask.width);
    });
    if (values.length === 0) return { grasps: [], reason: "the object has no depth" };
    const z = values.sort((a, b) => a - b)[values.length >> 1];
    const position = [
      ((u / values.length - camera.cx) / camera.fx) * z,
      ((v / values.length - camera.cy) / camera.fy) * z,
      z,
    ];
    return {
      grasps: [{ frame: frameId, pose: { position, orientation: [0, 0, 0, 1] }, width: 0.06, score: 0.8 }],
    };
  },
};

export async function createPipeline({ delay = 0, failAtStart = false } = {}) {
  if (failAtStart) throw new Error("the model file is missing");
  return new GraspPipeline({ grounder: new ColourGrounder(delay), planner });
}
