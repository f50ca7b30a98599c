import { describe, expect, it } from "vitest";
import { project } from "../../../src/geometry/index.js";
import { createGraspPlanner } from "../../../src/grasping/index.js";
import { CommandGrounder, type Grounder, type Grounding } from "../../../src/grounding/index.js";
import { GraspPipeline, resultSchema, resultToJson } from "../../../src/pipeline/index.js";
import { box, look } from "../../support/raycast.js";

const solids = [
  box([0, 0, 0.03], [0.05, 0.05, 0.06]),
  box([0, 0.05, 0.05], [0.05, 0.03, 0.1]),
  box([0, -0.05, 0.05], [0.05, 0.03, 0.1]),
  box([0.05, 0, 0.05], [0.03, 0.05, 0.1]),
  box([-0.05, 0, 0.045], [0.03, 0.05, 0.09]),
];
const { frame, masks } = look(solids, { eye: [-0.25, 0, 0.75] });
const { width, height } = frame.colour;

/** Knows where each solid is: the first is the target, and the others are called `name`. */
const knowing = (name: string): Grounder & { readonly asked: string[][] } => {
  const asked: string[][] = [];
  const ground = async (_: unknown, queries: readonly string[]): Promise<readonly Grounding[]> => {
    asked.push([...queries]);
    return queries.map((query) => {
      const which =
        query === "the cube"
          ? masks.slice(0, 1)
          : [name, `the ${name}`].includes(query)
            ? masks.slice(1)
            : [];
      const data = Float32Array.from({ length: width * height }, (_, i) =>
        which.some((mask) => mask.data[i]) ? 0.9 : 0,
      );
      const detections = which.map((mask) => ({ box: [0, 0, width, height] as const, score: 0.9, mask }));
      const found = which.length > 0;
      return {
        ...{ query, model: "truth", found, presence: found ? 1 : 0, detections },
        ...{ heatmap: { width, height, data }, timings: {} },
      };
    });
  };
  return { model: "truth", asked, ground, close: async () => {} };
};

describe("the object that blocks every grasp", () => {
  const planner = createGraspPlanner();
  const answer = async (name: string, effort: "fast" | "careful") => {
    const grounder = knowing(name);
    const pipeline = new GraspPipeline({ grounder, planner });
    const [result] = await pipeline.process(frame, ["the cube"], { effort });
    return { result: result!, asked: grounder.asked, pipeline };
  };

  it("is named in the reason and in the JSON, with its place", async () => {
    const { result } = await answer("bottle", "careful");
    expect(result.grasps).toEqual([]);
    const json = resultToJson(result);
    expect(resultSchema.parse(JSON.parse(JSON.stringify(json)))).toEqual(json);
    const { side, name, position } = json.blocker!;
    expect(name).toBe("bottle");
    expect(json.grasp_failure).toBe(
      `no grasp is free: the bottle ${side} it blocks them; take that one first?`,
    );
    const [u, v] = project(frame.camera!, position)!;
    const pixel = Math.floor(v) * width + Math.floor(u);
    expect(masks.slice(1).some((mask) => mask.data[pixel] !== 0)).toBe(true);
  });

  it("has no name where the model knows none, and is not looked up on images that follow each other", async () => {
    const nameless = await answer("violin", "careful");
    expect(nameless.result.graspFailure).toMatch(/^no grasp is free: the object .* it blocks them/);
    expect(nameless.result.blocker?.name).toBeUndefined();
    const fast = await answer("bottle", "fast");
    expect(fast.asked).toEqual([["the cube"]]);
    expect(fast.result.blocker).toBeDefined();
  });

  it("is offered in a question, which yes answers", async () => {
    const pipeline = new GraspPipeline({ grounder: new CommandGrounder(knowing("bottle")), planner });
    const asked = { effort: "careful", ask: "when_unsure", client: "somebody" } as const;
    const [first] = await pipeline.process(frame, ["the cube"], asked);
    const { text, labels } = resultToJson(first!).question!;
    expect(text).toMatch(/^The bottle .+ it blocks every grasp\. Take the bottle first\?$/);
    expect(labels).toEqual([]);
    const [second] = await pipeline.process(frame, ["yes"], asked);
    expect(second!.grounding.command).toEqual({ act: "pick", targets: [{ phrase: "the bottle", count: 1 }] });
    expect(second!.grounding.found).toBe(true);
    const [silent] = await pipeline.process(frame, ["the cube"], { ...asked, ask: "never" });
    expect(silent!.grounding.question).toBeUndefined();
  });

  it("is named for an object that a person chose, too", async () => {
    const { pipeline } = await answer("bottle", "fast");
    const plan = await pipeline.plan(frame, { mask: masks[0]! });
    expect(plan?.reason).toMatch(/^no grasp is free: the bottle /);
  });
});
