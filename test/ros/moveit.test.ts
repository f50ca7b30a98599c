import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { packageInstalled } from "../../src/ros/results/outputs.js";
import { ArmCell, armParameters, configuration } from "./support/arm-cell.js";
import { Peer } from "./support/peer.js";

const canceled = 5;

/** Needs `npm run ros:setup -- --moveit`, or a ROS 2 with moveit_msgs. */
describe.skipIf(!packageInstalled("moveit_msgs"))("ways planned by MoveGroup's action, over DDS", () => {
  const cell = new ArmCell();
  const { driver, grasp } = cell.doors();
  let moveit: Peer;

  beforeAll(async () => {
    moveit = new Peer({}, "moveit.py");
    await moveit.do("asked");
    await cell.start(
      armParameters({
        arm_planner: "moveit",
        planning_group: "manipulator",
        planning_time: 1.5,
        retreat: "start",
      }),
    );
  });
  afterAll(async () => {
    await cell.stop();
    await moveit?.close();
  });
  afterEach(async () => {
    await moveit.do("fault");
    await moveit.do("asked");
    await driver("posture", { configuration });
  });

  it("takes the object along MoveIt's ways; MoveIt is told of table, objects seen and object to be grasped", async () => {
    await driver("gripper", { object: 0.02 });
    const { result } = await grasp();
    expect(result.message).toBe("the object was taken");
    const asked = await moveit.do("asked");
    const [there, back] = asked.slice(-2);
    expect(there).toMatchObject({
      group: "manipulator",
      time: 1.5,
      plan_only: true,
      diff: true,
      frame: "base_link",
    });
    expect(there.start.joint_2).toBeCloseTo(configuration[1]!, 3);
    expect(back.goal.joint_2).toBeCloseTo(configuration[1]!, 3);
    expect(there.objects["grasp_grounding/table"]).toBe(1);
    expect(there.objects["grasp_grounding/seen"]).toBeGreaterThan(0);
    expect(there.objects["grasp_grounding/target"]).toBeGreaterThan(0);
    expect(back.objects["grasp_grounding/target"]).toBeUndefined();
    // On the way back the object is carried: a box that moves with the hand, and that the hand may touch.
    expect(there.attached).toEqual({});
    const carried = back.attached["grasp_grounding/carried"];
    expect(carried.touch_links).toContain(carried.link);
    expect(carried.frame).toBe(carried.link);
    for (const side of carried.size) {
      expect(side).toBeGreaterThanOrEqual(0.005);
      expect(side).toBeLessThan(0.3);
    }
  });

  it.each([
    [{ code: -1 }, "MoveIt gave no path: it found no path"],
    [{ code: -15 }, "check the parameter planning_group"],
    [{ leave_out: 1 }, "leaves out joint_7"],
  ])("ends with the reason when MoveIt does not help (%j)", async (fault, reason) => {
    await moveit.do("fault", fault);
    await driver("clear");
    const { result } = await grasp();
    expect(result.message).toContain(reason);
    expect((await driver("state")).goals).toEqual([]);
  });

  it("is cancelled while MoveIt plans", async () => {
    await moveit.do("fault", { wait: 10 });
    const { status, cancelled } = await grasp({ cancel_after: 1.5 });
    expect(status).toBe(canceled);
    // At once, and not when the plan would come.
    expect(cancelled.seconds).toBeLessThan(5);
  });
});
