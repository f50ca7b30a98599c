// A pipeline for tests: the real command parser in front of a grounder that knows coloured boxes by their pixels. With
// TEST_BLOCKED the planner says that the leftmost object keeps the gripper away from all that lie in the right half.
import { maskArea, maskBox } from "../../../dist/src/geometry/index.js";
import { CommandGrounder } from "../../../dist/src/grounding/index.js";
import { GraspPipeline } from "../../../dist/src/pipeline/index.js";
import { planner } from "./colour-pipeline.mjs";

const channels = { red: 0, green: 1, blue: 2 };

class BoxGrounder {
  model = "boxes";

  async ground({ colour }, phrases) {
    return phrases.map((phrase) => this.#find(colour, phrase));
  }

  async close() {}

  #find(colour, phrase) {
    const { width, height } = colour;
    const named = Object.keys(channels).filter((each) => phrase.includes(each));
    const kinds = /box/.test(phrase) ? (named.length > 0 ? named : Object.keys(channels)) : [];
    const boxes = kinds
      .map((name) => this.#mask(colour, channels[name]))
      .filter((mask) => maskArea(mask) > 20)
      .sort((a, b) => maskArea(b) - maskArea(a));
    // A model answers a definite phrase with one object, a phrase for all of them with all.
    const shown = /^(?:all|every)\b/.test(phrase) ? boxes : boxes.slice(0, 1);
    const data = new Float32Array(width * height);
    for (const mask of shown) for (const [i, on] of mask.data.entries()) if (on === 1) data[i] = 0.9;
    const found = shown.length > 0;
    return {
      query: phrase,
      model: this.model,
      found,
      detections: shown.map((mask) => ({ box: maskBox(mask), score: 0.9, mask })),
      presence: found ? 0.95 : 0.05,
      heatmap: { width, height, data },
      timings: { threshold: 1 },
    };
  }

  #mask({ width, height, data }, c) {
    const mask = { width, height, data: new Uint8Array(width * height) };
    for (let i = 0; i < mask.data.length; i++) {
      const value = data[i * 3 + c];
      const others = Math.max(data[i * 3 + ((c + 1) % 3)], data[i * 3 + ((c + 2) % 3)]);
      if (value >= 120 && others * 2 <= value) mask.data[i] = 1;
    }
    return mask;
  }
}

const blockedPlanner = {
  plan: async (frame, target) => {
    const { width } = frame.colour;
    if (target.box[0] < width / 2) return planner.plan(frame, target);
    const { fx, fy, cx, cy } = frame.camera;
    const position = [((85 - cx) / fx) * 0.7, ((70 - cy) / fy) * 0.7, 0.7];
    return { grasps: [], reason: "no grasp is free", blocker: { side: "in front of", position } };
  },
};

export const createPipeline = async () =>
  new GraspPipeline({
    grounder: new CommandGrounder(new BoxGrounder()),
    planner: process.env.TEST_BLOCKED === undefined ? planner : blockedPlanner,
  });
