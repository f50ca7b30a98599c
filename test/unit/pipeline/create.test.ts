import { describe, expect, it } from "vitest";
import { createPipeline, openGrounder } from "../../../src/pipeline/index.js";

describe("createPipeline, as a library user calls it", () => {
  it("needs no options: the bundled model on the CPU", async () => {
    const pipeline = await createPipeline();
    expect([pipeline.model, pipeline.backend.description]).toEqual(["lite", "in-process/cpu"]);
    await pipeline.close();
  });

  it.each([
    [{ maxGrasps: 0 }, /maxGrasps 0/],
    [{ maxGrasps: 1.5 }, /maxGrasps 1\.5/],
    [{ threshold: 2 }, /threshold 2/],
    [{ gripperStroke: -1 }, /stroke/],
    [{ backend: "zmq" as const }, /needs an --endpoint/],
    [{ provider: "abacus" }, /abacus/],
  ])("refuses %j as wrong usage", async (options, message) => {
    const refused = createPipeline(options);
    await expect(refused).rejects.toMatchObject({ code: "USAGE" });
    await expect(refused).rejects.toThrow(message);
  });

  it("fails with the catalogue's error for a model or a gripper that is not there", async () => {
    await expect(createPipeline({ model: "no-such-model" })).rejects.toMatchObject({ code: "MODEL_MISSING" });
    await expect(createPipeline({ gripper: "no-such-gripper.yaml" })).rejects.toMatchObject({
      code: "FILE_MISSING",
    });
  });

  it("opens a grounder with its source of proposals", async () => {
    const grounder = await openGrounder({ proposals: "clusters" });
    expect(grounder.model).toBe("lite + depth clusters");
    await grounder.close();
  });
});
