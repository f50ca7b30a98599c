import { describe, expect, it } from "vitest";
import type { GoalEnd } from "../../../src/ros/arm/action-client.js";
import { type MoveGroupResult, MoveItPlanner } from "../../../src/ros/arm/moveit-planner.js";

const options = {
  group: "arm",
  joints: ["a", "b"],
  base: "base",
  workspace: { min: [-1, -1, 0], max: [1, 1, 1] },
  planningTime: 2,
  tool: {
    link: "hand",
    // The tool is 10 cm before the hand, turned a quarter about the approach.
    pose: { position: [0, 0, 0.1], orientation: [0, 0, Math.SQRT1_2, Math.SQRT1_2] },
    touches: ["hand", "left_finger"],
  },
} as const;

interface Attached {
  readonly object: {
    readonly header: { readonly frame_id: string };
    readonly primitives: readonly { readonly dimensions: readonly number[] }[];
    readonly primitive_poses: readonly {
      readonly position: { readonly x: number; readonly y: number; readonly z: number };
      readonly orientation: { readonly z: number };
    }[];
  };
}

const answering = (answer: GoalEnd<MoveGroupResult>) => {
  const goals: unknown[] = [];
  const port = {
    name: "/move_action",
    run: async (goal: object) => {
      goals.push(goal);
      return answer;
    },
    cancel: async () => {},
  };
  return { ways: new MoveItPlanner(port, options), goals };
};

const planned = (names: string[], points: number[][], val = 1): GoalEnd<MoveGroupResult> => ({
  how: val === 1 ? "succeeded" : "aborted",
  result: {
    error_code: { val, message: "" },
    planned_trajectory: {
      joint_trajectory: { joint_names: names, points: points.map((positions) => ({ positions })) },
    },
  },
});

describe("ways of MoveIt", () => {
  it("come in the chain's order, from end to end exactly, without points that say nothing", async () => {
    const { ways } = answering(
      planned(
        ["b", "x", "a"],
        [
          [0.0005, 9, 0.001],
          [0.01, 9, 0.02],
          [0.5, 9, 0.2],
          [0.999, 9, 0.4],
        ],
      ),
    );
    expect(await ways.plan([0, 0], [0.4, 1], {})).toEqual({
      configurations: [
        [0, 0],
        [0.2, 0.5],
        [0.4, 1],
      ],
    });
  });

  it("ask for a plan only, with what is seen as boxes, the target only while it is in the way", async () => {
    const { ways, goals } = answering(planned(["a", "b"], []));
    const scene = {
      table: { normal: [0, 0, 1], offset: 0 },
      // Two points in one cell, one in another, one of the table.
      obstacles: Float32Array.of(0.5, 0, 0.2, 0.505, 0.001, 0.205, 0.7, 0, 0.2, 0.3, 0, 0.001),
      target: Float32Array.of(0.4, 0.1, 0.1),
    } as const;
    await ways.plan([0, 0], [1, 1], scene);
    await ways.plan([0, 0], [1, 1], scene, { touchTarget: true });
    const seen = (goals as { planning_options: { plan_only: boolean; planning_scene_diff: never } }[]).map(
      ({ planning_options: { plan_only, planning_scene_diff } }) => ({
        plan_only,
        boxes: Object.fromEntries(
          (
            planning_scene_diff as {
              world: { collision_objects: { id: string; primitives: unknown[] }[] };
            }
          ).world.collision_objects.map(({ id, primitives }) => [id, primitives.length]),
        ),
      }),
    );
    const boxes = { "grasp_grounding/table": 1, "grasp_grounding/seen": 2 };
    expect(seen).toEqual([
      { plan_only: true, boxes: { ...boxes, "grasp_grounding/target": 1 } },
      { plan_only: true, boxes },
    ]);
  });

  it("know what the gripper carries, as a box that moves with the tool's link", async () => {
    const { ways, goals } = answering(planned(["a", "b"], []));
    await ways.plan([0, 0], [1, 1], {}, { carried: Float32Array.of(0.01, 0.02, 0, 0.03, -0.02, 0.06) });
    await ways.plan([0, 0], [1, 1], {}, {});
    const attached = (goals as { planning_options: { planning_scene_diff: never } }[]).map(
      ({ planning_options: { planning_scene_diff } }) =>
        (planning_scene_diff as { robot_state: { is_diff: boolean; attached_collision_objects: Attached[] } })
          .robot_state.attached_collision_objects,
    );
    expect(attached[1]).toEqual([]);
    const [[carried]] = attached as [[Attached]];
    expect(carried).toMatchObject({ link_name: "hand", touch_links: ["hand", "left_finger"] });
    const { header, primitives, primitive_poses } = carried.object;
    expect(header.frame_id).toBe("hand");
    primitives[0]!.dimensions.forEach((side, i) => {
      expect(side).toBeCloseTo([0.02, 0.04, 0.06][i]!, 6);
    });
    // The box's middle is (0.02, 0, 0.03) from the tool.
    const { x, y, z } = primitive_poses[0]!.position;
    expect([x, y, z].map((v) => Math.round(v * 1e4) / 1e4)).toEqual([0, 0.02, 0.13]);
    expect(primitive_poses[0]!.orientation.z).toBeCloseTo(Math.SQRT1_2, 6);
  });

  it.each<[GoalEnd<MoveGroupResult>, RegExp]>([
    [{ how: "unavailable" }, /no action server at \/move_action; start move_group/],
    [{ how: "gone" }, /start move_group/],
    [{ how: "silent" }, /did not answer/],
    [{ how: "rejected" }, /did not accept/],
    [planned(["a", "b"], [], -12), /would collide before the object/],
    [planned(["a", "b"], [], 99999), /failed without a reason/],
    [planned(["a", "b"], [], -99), /error code -99/],
    [planned(["a"], [[1]]), /leaves out b/],
  ])("are refused with the reason (%#)", async (answer, reason) => {
    const { ways } = answering(answer);
    expect(await ways.plan([0, 0], [1, 1], {})).toEqual({ reason: expect.stringMatching(reason) });
  });
});
