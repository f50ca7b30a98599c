import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ArmCell, armParameters, configuration } from "./support/arm-cell.js";

describe("drivers as they are", () => {
  const cell = new ArmCell();
  const { driver, grasp } = cell.doors();
  beforeAll(() => cell.start(armParameters()));
  afterAll(() => cell.stop());
  beforeEach(async () => {
    await driver("quirks");
    await driver("publish");
    await driver("trigger", { name: "reset" });
    await driver("gripper", { object: 0.02, position: 0.04 });
    await driver("posture", { configuration });
  });

  it.each([
    ["without velocities", { velocities: false }, {}],
    ["with stamps that jitter by 20 ms", {}, { jitter: 0.02 }],
    ["with stamps that jitter by 20 ms, without velocities", { velocities: false }, { jitter: 0.02 }],
    ["out of order", {}, { shuffle: 4 }],
    ["from two publishers with different joints", {}, { split: true }],
    ["without stamps, without velocities", { velocities: false }, { stamps: false }],
    ["all at once", { velocities: false }, { jitter: 0.02, shuffle: 3, split: true }],
    ["with a controller that takes 200 ms to accept", {}, { accept_after: 0.2 }],
  ])("are moved to the end of a grasp: joint states %s", async (_, publish, quirks) => {
    await driver("publish", publish);
    await driver("quirks", quirks);
    const { result } = await grasp();
    expect(result.message).toBe("the object was taken");
    expect((await driver("state")).moving).toBe(false);
  });

  it("are stopped while a goal waits 200 ms to be accepted", async () => {
    await driver("quirks", { accept_after: 0.2 });
    const provoked = driver("provoke", { what: "stop", timeout: 60 });
    const { result } = await grasp();
    const { rest_ms } = await provoked;
    expect(result.success).toBe(false);
    expect(rest_ms).not.toBeNull();
    expect((await driver("state")).moving).toBe(false);
  });
});
