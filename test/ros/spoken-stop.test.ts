import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ArmCell, armParameters, configuration } from "./support/arm-cell.js";

const [succeeded, aborted] = [4, 6];

describe("an order to stop, in words", () => {
  const cell = new ArmCell();
  const { driver, grasp } = cell.doors();
  beforeAll(() => cell.start(armParameters()));
  afterAll(() => cell.stop());
  afterEach(async () => {
    await driver("posture", { configuration });
    await driver("clear");
    await driver("gripper", { object: 0.02, position: 0.04 });
  });

  it("to ~/ground stops a moving arm, is answered in words, and latches nothing", async () => {
    const said = driver("wait_moving", { timeout: 60 }).then(() => driver("say", { query: "please stop" }));
    const [ended, answer] = await Promise.all([grasp(), said]);
    const words = "the arm was told to stop";
    expect(answer).toEqual({ success: true, message: words, reason: words });
    expect(ended.status).toBe(aborted);
    expect(ended.result.message).toMatch(/^stopped by the query "please stop"; .*cancelled/);
    expect((await driver("state")).moving).toBe(false);
    await driver("posture", { configuration });
    await driver("gripper", { object: 0.02, position: 0.04 });
    expect((await grasp()).result.message).toBe("the object was taken");
  });

  it("on ~/query stops a moving arm", async () => {
    const [ended, stopped] = await Promise.all([grasp(), driver("provoke", { what: "query", timeout: 60 })]);
    expect(ended.status).toBe(aborted);
    expect(ended.result.message).toContain('stopped by the query "stop"');
    expect(stopped.rest_ms).not.toBeNull();
    expect((await driver("state")).moving).toBe(false);
  });

  it("ends a goal that has not moved the arm yet", async () => {
    await cell.peer.do("camera_off");
    const goal = grasp({ timeout: 60 });
    await expect
      .poll(async () => (await driver("say", { query: "wait" })).message, { timeout: 30_000 })
      .toBe("goals that had not moved the arm yet were ended");
    const { status, result } = await goal;
    expect(status).toBe(aborted);
    expect(result.message).toContain('stopped by the query "wait"');
    expect((await driver("state")).goals).toEqual([]);
    await cell.peer.do("camera");
  });

  it("is answered while nothing moves, by the topic and the action too", async () => {
    const words = "nothing moves, so nothing was stopped";
    expect(await driver("say", { query: "don't take the mug" })).toMatchObject({
      success: true,
      message: words,
    });
    const { status, result } = await grasp({ query: "halt" });
    expect(status).toBe(succeeded);
    expect(result).toMatchObject({
      success: true,
      message: words,
      grounding: { source: "action", query: "halt" },
    });
    await cell.peer.do("listen", { topics: ["grounding"] });
    await expect
      .poll(
        async () => {
          await cell.peer.do("query", { text: "stop" });
          return cell.peer.wait("grounding", { timeout: 2, where: { query: "stop" } }).catch(() => undefined);
        },
        { timeout: 30_000 },
      )
      .toMatchObject({ found: false, reason: words, source: "topic", objects: [] });
  });
});
