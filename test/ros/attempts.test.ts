import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ArmCell, armParameters, configuration } from "./support/arm-cell.js";
import { type Message, Peer } from "./support/peer.js";

const succeeded = 4;
const canceled = 5;
const aborted = 6;
const taken = "the object was taken";
const missed = "the fingers closed on nothing";

/** The stages of each try, without repeats. */
const stagesOf = (feedback: readonly Message[], attempt: number): string[] => [
  ...new Set(feedback.filter((each) => each.attempt === attempt).map((each) => String(each.stage))),
];

describe("tries of ~/grasp over DDS", () => {
  const cell = new ArmCell();
  const { driver, grasp } = cell.doors();
  const again = async (): Promise<void> => {
    await driver("fault");
    await driver("posture", { configuration });
    await driver("clear");
    await driver("gripper", { object: 0.02, position: 0.04, misses: 0 });
    await cell.peer.do("camera");
  };

  beforeAll(() => cell.start(armParameters({ retreat: "start", gripper_joint: "finger", max_attempts: 3 })));
  afterAll(() => cell.stop());
  afterEach(again);

  it("a miss is followed by a retreat, a new image and another grasp, whose place the next image shows empty", async () => {
    await driver("clear");
    await driver("gripper", { object: 0.02, misses: 1 });
    const client = new Peer();
    const emptied = driver("wait_goal", { number: 7 }).then(() => cell.peer.do("camera", { blank: true }));
    const goal = client.do("grasp", { query: "the blue box", execute: true, wait: 60 });
    const [{ status, result, feedback }] = await Promise.all([goal, emptied]);
    await client.close();
    expect(result.message).toBe(`${taken} at attempt 2`);
    expect(status).toBe(succeeded);
    expect(result.attempts).toEqual([`1: ${missed}`, `2: ${taken}`]);
    expect(stagesOf(feedback, 1)).toEqual([
      "planning",
      "opening",
      "pre_grasp",
      "approach",
      "grasp",
      "back_off",
      "retreat",
    ]);
    expect(stagesOf(feedback, 2)[0]).toBe("waiting_for_frame");
    expect(stagesOf(feedback, 2).at(-1)).toBe("verifying");
    const { positions } = await driver("state");
    for (const [i, q] of positions.entries()) expect(q).toBeCloseTo(configuration[i]!, 2);
  });

  it("three misses end it, with the arm back at its start and each try named", async () => {
    await driver("gripper", { object: 0 });
    const { status, result } = await grasp();
    expect(status).toBe(aborted);
    expect(result.message).toBe(`${missed} (3 attempts)`);
    expect(result.attempts).toEqual([1, 2, 3].map((n) => `${n}: ${missed}`));
    expect(await cell.armSays("idle")).toMatchObject({ last_outcome: "nothing-held", latch: "" });
    const { positions } = await driver("state");
    for (const [i, q] of positions.entries()) expect(q).toBeCloseTo(configuration[i]!, 2);
  });

  it("an object whose score is below execute_min_score is not moved for, and is returned with its grasps", async () => {
    const { positions: before } = await driver("state");
    const limit = (value: number) =>
      cell.peer.do("set_parameter", { name: "execute_min_score", kind: "double", value });
    await limit(0.95);
    const { status, result } = await grasp();
    await limit(0);
    expect(status).toBe(aborted);
    expect(result.message).toMatch(
      /^the object found for ".*" has a score of 0\.90, below 0\.95; the arm did not move/,
    );
    expect(result.grasps.length).toBeGreaterThan(0);
    expect(result.attempts).toEqual([]);
    const { positions } = await driver("state");
    for (const [i, q] of positions.entries()) expect(q).toBeCloseTo(before[i]!, 4);
  });

  it("an object that the next image shows in its place was not taken", async () => {
    const { status, result } = await grasp();
    expect(status).toBe(aborted);
    expect(result.message).toBe("the fingers hold something else: the object is still in its place");
    expect(result.attempts).toHaveLength(1);
  });

  it.each([
    { what: "cancel", goal: 3, when: "while the arm moves back", status: canceled, attempts: 1 },
    { what: "cancel", goal: 5, when: "in the second try", status: canceled, attempts: 2 },
    { what: "estop", goal: 5, when: "in the second try", status: aborted, attempts: 2 },
  ])("$what $when stops the arm, and no other try follows", async ({ what, goal, status, attempts }) => {
    await driver("clear");
    await driver("gripper", { object: 0 });
    const stopped = driver("wait_goal", { number: goal }).then(() => driver("provoke", { what }));
    const [ended, { rest_ms }] = await Promise.all([grasp(), stopped]);
    expect(ended.status).toBe(status);
    expect(ended.result.attempts).toHaveLength(attempts);
    // test/ros/arm.test.ts holds the contract of 100 ms; here the goal must not run to its end.
    expect(rest_ms).toBeLessThan(1_000);
    const { goals, moving } = await driver("state");
    expect(moving).toBe(false);
    expect(goals.length).toBeLessThanOrEqual(goal + 1);
    if (what !== "estop") return;
    expect(ended.result.message).toContain("emergency stop");
    await driver("estop", { down: false });
    await cell.armSays("emergency stop", (arm) => arm.estop_pressed === "false");
    expect(await driver("trigger", { name: "reset" })).toMatchObject({ success: true });
  });
});
