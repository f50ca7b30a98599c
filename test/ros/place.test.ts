import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ArmCell, armParameters, configuration } from "./support/arm-cell.js";
import type { Message } from "./support/peer.js";

const succeeded = 4;
const aborted = 6;

/** ~/place by itself, against rclpy over DDS: what an earlier goal took is put down by a goal of its own. */
describe("an object that is held", () => {
  const cell = new ArmCell();
  const { driver, grasp, place } = cell.doors();
  const stages = (feedback: readonly Message[]) => [...new Set(feedback.map((each) => each.stage))];

  beforeAll(() =>
    cell.start(armParameters({ retreat: "start", gripper_joint: "finger" }), { pipeline: "boxes" }),
  );
  afterAll(() => cell.stop());
  afterEach(async () => {
    await driver("trigger", { name: "reset" });
    await driver("posture", { configuration });
    await driver("clear");
  });

  it("has to be held: nothing moves where nothing was taken", async () => {
    const { status, result } = await place("back where it was");
    expect(status).toBe(aborted);
    expect(result.message).toMatch(/nothing was taken that could be put down/);
    expect((await driver("state")).goals).toEqual([]);
  });

  it("is put down next to another, once", async () => {
    await driver("gripper", { object: 0.02 });
    expect((await grasp()).result.message).toBe("the object was taken");
    await driver("clear");
    const planned = await place("next to the red box", { execute: false });
    expect(planned.result).toMatchObject({ success: true });
    expect(planned.result.places.length).toBeGreaterThan(0);
    expect((await driver("state")).goals).toEqual([]);
    const { status, result, feedback } = await place("next to the red box");
    expect(result.message).toBe("the object was put down");
    expect(status).toBe(succeeded);
    expect(result.places[0].header.frame_id).toBe(planned.result.places[0].header.frame_id);
    expect(stages(feedback)).toEqual([
      "waiting_for_frame",
      "grounding",
      "planning",
      "pre_place",
      "lower",
      "release",
      "back_off",
      "retreat",
    ]);
    const again = await place("next to the red box");
    expect(again.status).toBe(aborted);
    expect(again.result.message).toMatch(/nothing was taken that could be put down/);
  });

  it("is put back where it was", async () => {
    await driver("gripper", { object: 0.02 });
    expect((await grasp()).result.message).toBe("the object was taken");
    expect((await place("back where it was")).result).toMatchObject({
      success: true,
      message: "the object was put down",
    });
  });

  it("stays in the gripper where the query names no place", async () => {
    await driver("gripper", { object: 0.02 });
    expect((await grasp()).result.message).toBe("the object was taken");
    const { status, result } = await place("the red box");
    expect(status).toBe(aborted);
    expect(result.message).toMatch(/place/);
    expect((await place("back where it was")).result.success).toBe(true);
  });
});
