import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodePipeline } from "../../../src/cli/node/pipeline-options.js";
import type { Grasp } from "../../../src/grasping/index.js";
import type { GraspPipeline } from "../../../src/pipeline/index.js";
import { createPipeline } from "../../../src/pipeline/index.js";
import { defaultParameters, type Parameters } from "../../../src/ros/index.js";
import { box, look } from "../../support/raycast.js";

describe("the node's pipeline", () => {
  const view = look([box([0, 0, 0.05], [0.05, 0.12, 0.1], 0.3)]);
  const pipelines: GraspPipeline[] = [];
  const planned = async (more: Partial<Parameters>): Promise<readonly Grasp[]> => {
    const pipeline = await createPipeline(nodePipeline({ ...defaultParameters(), ...more }));
    pipelines.push(pipeline);
    return (await pipeline.plan(view.frame, { mask: view.masks[0]! }))?.grasps ?? [];
  };
  let five: readonly Grasp[];
  beforeAll(async () => {
    five = await planned({});
  });
  afterAll(() => Promise.all(pipelines.map((each) => each.close())));

  it.each([1, 2, 20])("gives as many grasps as max_grasps says (%i)", async (count) => {
    const grasps = await planned({ max_grasps: count });
    expect(five).toHaveLength(5);
    if (count < 5) expect(grasps).toEqual(five.slice(0, count));
    else expect(grasps.length).toBeGreaterThan(10);
    expect(grasps.length).toBeLessThanOrEqual(count);
  });

  it("resizes in the graph and runs one graph, where its parameters say so", async () => {
    const stepsOf = async (more: Partial<Parameters>) => {
      const pipeline = await createPipeline(nodePipeline({ ...defaultParameters(), ...more }));
      pipelines.push(pipeline);
      const [answer] = await pipeline.ground(view.frame, ["the red box"]);
      return Object.keys(answer?.steps ?? {});
    };
    expect(await stepsOf({})).toEqual(expect.arrayContaining(["resize", "encoder", "decoder"]));
    const inOne = await stepsOf({ resize: "graph", locate: true });
    expect(inOne).toContain("locate");
    expect(inOne).not.toContain("resize");
    expect(inOne).not.toContain("encoder");
  });

  it("plans none when plan_grasps is off", async () => {
    expect(await planned({ plan_grasps: false })).toEqual([]);
  });
});
