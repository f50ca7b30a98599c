import { expect, it } from "vitest";
import {
  angleBetween,
  between,
  type GraspMotion,
  IkSolver,
  Kinematics,
  type MotionRefusal,
  type PathOptions,
  type PathPlanner,
  pathRange,
  type RefusedMotion,
  type SequenceOptions,
  SequencePlanner,
  splinePath,
  straightLine,
  type Trajectory,
} from "../../../src/arm/index.js";
import { transformPoint, transformPoints } from "../../../src/geometry/index.js";
import { boxCloud, chain, fromAbove, limits, makeChecker, scene, start } from "./rig.js";

const solver = new IkSolver(chain);
const checker = makeChecker();
const kinematics = new Kinematics(chain);

function planner(over: Partial<SequenceOptions> = {}, more = {}) {
  checker.scene = scene(more);
  return new SequencePlanner(solver, checker, { limits, ...over });
}

const refused = (plan: GraspMotion | RefusedMotion): MotionRefusal | undefined =>
  "refusal" in plan ? plan.refusal : undefined;

const trajectories = (plan: GraspMotion | RefusedMotion) => {
  if ("refusal" in plan) throw new Error(plan.reason);
  return Object.fromEntries(
    plan.stages.flatMap((stage) => ("trajectory" in stage ? [[stage.name, stage.trajectory] as const] : [])),
  );
};

it("a straight line is straight, even in turning, and ends where it should", () => {
  const from = kinematics.forward(start);
  const target = { ...fromAbove(0.5, 0.15, 0.35, 0.6) };
  const line = straightLine(solver, start, target);
  if ("reason" in line) throw new Error(line.reason);
  for (const [k, q] of line.configurations.entries()) {
    const wanted = between(from, target, k / (line.configurations.length - 1));
    const pose = kinematics.forward(q);
    expect(Math.hypot(...pose.position.map((v, i) => v - wanted.position[i]!))).toBeLessThan(1e-5);
    expect(angleBetween(pose.orientation, wanted.orientation)).toBeLessThan(1e-4);
  }
});

it.each([
  [0.4262, -0.6467, 0.0437, 1.1459],
  [0.4708, -0.5177, 0.1461, 2.4277],
  [0.2679, 0.3016, 0.2997, -2.0545],
  [0.4298, -0.4239, 0.2555, 2.4477],
])("a line down to %d, %d, %d along which a joint stays at its limit is driven within it", (x, y, z, yaw) => {
  const above = solver.solveAll(fromAbove(x, y, z + 0.1, yaw), { seed: start, candidates: 6 });
  const lines = above.flatMap(({ joints }) => {
    const line = straightLine(solver, joints, fromAbove(x, y, z, yaw));
    return "reason" in line ? [] : [pathRange(splinePath(line.configurations))];
  });
  expect(lines.length).toBeGreaterThan(0);
  for (const { min, max } of lines) {
    for (const [j, q] of min.entries()) expect(q).toBeGreaterThanOrEqual(chain.lower[j]! - 1e-6);
    for (const [j, q] of max.entries()) expect(q).toBeLessThanOrEqual(chain.upper[j]! + 1e-6);
  }
});

it("a motion planner is told what the gripper carries, and only while it does", async () => {
  const asked: PathOptions[] = [];
  const paths: PathPlanner = {
    plan: async (from, to, _, options = {}) => {
      asked.push(options);
      return { configurations: [from, to].map((q) => Array.from(q)) };
    },
  };
  const target = boxCloud(0.5, 0.1, [0.04, 0.06, 0.08]);
  checker.scene = scene({ target });
  const planned = new SequencePlanner(solver, checker, { limits }, paths);
  const goal = { pose: fromAbove(0.5, 0.1, 0.04), width: 0.06, objectWidth: 0.04 };
  const taken = await planned.plan(goal, start);
  if ("refusal" in taken) throw new Error(taken.reason);
  const [there, back] = asked;
  expect(there!.carried).toBeUndefined();
  // In the axes of the tool its points are where they stood when the fingers closed.
  const again = transformPoints(taken.pose!, back!.carried!);
  expect(again.length).toBeGreaterThan(30);
  for (let i = 0; i < again.length; i += 3) {
    let nearest = Number.POSITIVE_INFINITY;
    for (let j = 0; j < target.length; j += 3)
      nearest = Math.min(nearest, Math.hypot(...[0, 1, 2].map((k) => again[i + k]! - target[j + k]!)));
    expect(nearest).toBeLessThan(1e-5);
  }
  asked.length = 0;
  checker.scene = scene();
  const put = await planned.planPlace({ ...goal, held: back!.carried! }, start);
  if ("refusal" in put) throw new Error(put.reason);
  expect(asked.map(({ carried }) => carried !== undefined)).toEqual([true, false]);
});

it("a straight approach that swings beyond a joint's limit between its waypoints is not taken", async () => {
  const goals = Array.from({ length: 40 }, (_, i) => ({
    pose: fromAbove(0.35 + 0.01 * i, 0.3 - 0.015 * i, 0.1, 0.15 * i),
    width: 0.06,
    objectWidth: 0.04,
  }));
  let swings = 0;
  for (const goal of goals) {
    const plan = await planner({ symmetric: false, candidates: 1 }).plan(goal, start);
    if ("refusal" in plan) continue;
    for (const { path } of [trajectories(plan).approach!, trajectories(plan).lift!]) {
      const { min, max } = pathRange(path);
      const waypoints = Array.from(path.knots, (s) => {
        const q = new Float64Array(path.joints);
        path.evaluate(s, q);
        return q;
      });
      for (let j = 0; j < path.joints; j++) {
        const high = Math.max(...waypoints.map((q) => q[j]!));
        const low = Math.min(...waypoints.map((q) => q[j]!));
        const over = max[j]! - high > 2e-5 && start[j]! < high;
        const under = low - min[j]! > 2e-5 && start[j]! > low;
        if (swings >= 6 || (!over && !under)) continue;
        swings++;
        // The waypoints keep these limits, the curve does not.
        const upper = over ? chain.upper.with(j, high + (max[j]! - high) / 2) : chain.upper;
        const lower = under ? chain.lower.with(j, low - (low - min[j]!) / 2) : chain.lower;
        const narrow = new IkSolver({ ...chain, lower, upper });
        checker.scene = scene();
        const again = await new SequencePlanner(narrow, checker, {
          limits,
          symmetric: false,
          candidates: 1,
        }).plan(goal, start);
        if ("refusal" in again) continue;
        expect(again.summary.maxPosition[j]).toBeLessThanOrEqual(upper[j]! + 1e-6);
        expect(again.summary.minPosition[j]).toBeGreaterThanOrEqual(lower[j]! - 1e-6);
      }
    }
  }
  expect(swings).toBeGreaterThan(0);
});

it("a line out of reach and one through a jump are refused", () => {
  expect(straightLine(solver, start, fromAbove(1.2, 0, 0.4))).toMatchObject({ reason: "unreachable" });
  // Across the base, the shoulder would have to swing round.
  const across = straightLine(solver, start, fromAbove(-0.45, 0.02, 0.4));
  expect("reason" in across).toBe(true);
});

it("a grasp from above is planned in all its stages", async () => {
  const target = boxCloud(0.5, 0.1, [0.04, 0.06, 0.08]);
  const plan = await planner({}, { target }).plan(
    { pose: fromAbove(0.5, 0.1, 0.04), width: 0.06, objectWidth: 0.04 },
    start,
  );
  const motion = trajectories(plan);
  expect((plan as GraspMotion).stages.map((stage) => stage.name)).toEqual([
    "open",
    "pre-grasp",
    "approach",
    "close",
    "lift",
    "retreat",
  ]);
  const place = (name: string, end: 0 | 1) => {
    const trajectory = motion[name]!;
    return kinematics.forward(trajectory.at(end * trajectory.duration).positions).position;
  };
  expect(place("approach", 0)[2]).toBeCloseTo(0.14, 4);
  expect(place("approach", 1)[2]).toBeCloseTo(0.04, 4);
  expect(place("lift", 1)[2]).toBeCloseTo(0.14, 4);
  for (const [i, q] of motion.retreat!.at(99).positions.entries()) expect(q).toBeCloseTo(start[i]!, 6);
  // Each stage starts where the one before ended.
  const ends = ["pre-grasp", "approach", "lift", "retreat"].map((name) => motion[name]!);
  for (const [k, next] of ends.slice(1).entries()) {
    const before = ends[k]!.at(99).positions;
    for (const [i, q] of next.at(0).positions.entries()) expect(q).toBeCloseTo(before[i]!, 6);
  }
});

it("the tool keeps its speed limits, and the arm its own", async () => {
  const motion = trajectories(
    await planner({ straightSpeed: 0.1, freeSpeed: 0.5 }).plan(
      { pose: fromAbove(0.55, -0.2, 0.03, 1), width: 0.06 },
      start,
    ),
  );
  for (const [name, trajectory] of Object.entries(motion)) {
    const speed = name === "approach" || name === "lift" ? 0.1 : 0.5;
    for (const { positions, velocities } of trajectory.points(0.002)) {
      expect(Math.hypot(...kinematics.toolVelocity(positions, velocities))).toBeLessThan(speed * 1.01);
      for (const [i, v] of velocities.entries()) expect(Math.abs(v)).toBeLessThanOrEqual(chain.velocity[i]!);
    }
  }
});

it("a parallel gripper takes a grasp the way round that turns the arm less", async () => {
  const opposite = { pose: fromAbove(0.45, 0.05, 0.05, Math.PI - 0.2), width: 0.06 };
  const way = async (symmetric: boolean) => {
    const plan = await planner({ symmetric, retreat: "stay" }).plan(opposite, start);
    const end = trajectories(plan).approach!.at(99).positions;
    const off = angleBetween(kinematics.forward(end).orientation, opposite.pose.orientation);
    expect(Math.min(off, Math.PI - off)).toBeLessThan(1e-3);
    return Math.max(...end.map((q, i) => Math.abs(q - start[i]!)));
  };
  expect(await way(true)).toBeLessThan((await way(false)) - 0.05);
});

it("an object in the way is gone round, or the grasp is refused", async () => {
  const goal = { pose: fromAbove(0.35, 0.45, 0.04), width: 0.06 };
  const free = trajectories(await planner().plan(goal, start))["pre-grasp"]!;
  const middle = kinematics.forward(free.at(free.duration * 0.6).positions).position;
  const post = boxCloud(middle[0], middle[1], [0.05, 0.05, middle[2] - 0.02]);
  const around = await planner({}, { obstacles: post }).plan(goal, start);
  const path = trajectories(around)["pre-grasp"]!;
  checker.scene = scene({ obstacles: post });
  for (const { positions } of path.points(0.01)) expect(checker.check(positions)).toBeUndefined();
  expect(checker.checkAll(free.points(0.01).map((point) => point.positions))).toBeDefined();
});

it.each<[string, number, number, number, MotionRefusal]>([
  ["out of reach", 1.3, 0, 0.1, "unreachable"],
  ["within the table", 0.5, 0, -0.02, "collision"],
])("%s: refused with the reason", async (_, x, y, z, refusal) => {
  const plan = await planner().plan({ pose: fromAbove(x, y, z), width: 0.05 }, start);
  expect(refused(plan)).toBe(refusal);
});

it("an object boxed in by others is refused", async () => {
  const wall = boxCloud(0.5, 0.05, [0.2, 0.02, 0.25]);
  const plan = await planner({}, { obstacles: wall }).plan(
    { pose: fromAbove(0.5, 0.06, 0.03, Math.PI / 2), width: 0.06 },
    start,
  );
  expect(refused(plan)).toBe("collision");
});

it("where no way leads, the grasp is refused, and says by what", async () => {
  // A wall between the arm and the object, to the ceiling, with room for the arm on its far side only.
  const wall = boxCloud(0.3, 0.28, [1.4, 0.02, 1.3], 0.02);
  const plan = await planner({}, { obstacles: wall }).plan(
    { pose: fromAbove(0.35, 0.5, 0.06), width: 0.06 },
    start,
  );
  expect(["way-blocked", "collision"]).toContain(refused(plan));
  expect((plan as RefusedMotion).reason).toContain("something the camera saw");
});

it("a lift that leaves the reach is refused", async () => {
  const plan = await planner({ lift: 0.9 }).plan({ pose: fromAbove(0.6, 0, 0.1), width: 0.06 }, start);
  expect(plan).toMatchObject({
    refusal: "lift",
    reason: expect.stringMatching(/^the straight lift .* after \d+ % of it$/),
  });
});

it("an arm that touches something does not start", async () => {
  const { position } = kinematics.forward(start);
  const plan = await planner(
    {},
    { obstacles: Float32Array.of(position[0], position[1], position[2] + 0.08) },
  ).plan({ pose: fromAbove(0.5, 0, 0.05), width: 0.05 }, start);
  expect(refused(plan)).toBe("start-blocked");
});

it("what the supervisor is told holds all of the motion", async () => {
  const plan = (await planner().plan({ pose: fromAbove(0.5, 0.1, 0.05), width: 0.06 }, start)) as GraspMotion;
  const { summary } = plan;
  for (const trajectory of Object.values(trajectories(plan))) {
    for (const { positions, velocities } of trajectory.points(0.003)) {
      const { position } = kinematics.forward(positions);
      for (const [i, q] of positions.entries()) {
        expect(q).toBeGreaterThanOrEqual(summary.minPosition[i]! - 1e-3);
        expect(q).toBeLessThanOrEqual(summary.maxPosition[i]! + 1e-3);
        expect(Math.abs(velocities[i]!)).toBeLessThanOrEqual(summary.maxVelocity[i]! + 0.05);
      }
      for (const [k, p] of position.entries()) {
        expect(p).toBeGreaterThanOrEqual(summary.toolMin[k]! - 1e-3);
        expect(p).toBeLessThanOrEqual(summary.toolMax[k]! + 1e-3);
      }
    }
  }
});

/** A pole of 12 cm below the tool, in the tool's axes: the tool points down. */
const pole = Float32Array.from(Array.from({ length: 13 }, (_, k) => [0, 0, k * 0.01]).flat());

/** The lowest point of the pole along a trajectory, where it is nearer to a place on the table than `within`. */
function lowestNear(trajectory: Trajectory, [x, y]: readonly [number, number], within: number): number {
  const heights = trajectory.points(0.02).flatMap(({ positions }) => {
    const pose = kinematics.forward(positions);
    return [0, 0.06, 0.12].flatMap((z) => {
      const at = transformPoint(pose, [0, 0, z]);
      return Math.hypot(at[0] - x, at[1] - y) < within ? [at[2]] : [];
    });
  });
  return Math.min(Infinity, ...heights);
}

it("what is put down is kept clear of what stands on its way, and stands as it was planned", async () => {
  const to = fromAbove(0.5, 0.25, 0.13);
  const goal = { pose: to, width: 0.06, objectWidth: 0.03 };
  const path = trajectories(await planner().planPlace(goal, start))["pre-place"]!.points(0.02);
  const [x, y, z] = kinematics.forward(path[path.length >> 1]!.positions).position;
  // The hand alone passes over it.
  const obstacles = boxCloud(x, y, [0.06, 0.06, z - 0.05]);
  const alone = trajectories(await planner({}, { obstacles }).planPlace(goal, start));
  const carrying = trajectories(await planner({}, { obstacles }).planPlace({ ...goal, held: pole }, start));
  expect(lowestNear(alone["pre-place"]!, [x, y], 0.03)).toBeLessThan(z - 0.05);
  expect(lowestNear(carrying["pre-place"]!, [x, y], 0.03)).toBeGreaterThan(z - 0.05);
  const end = kinematics.forward(carrying.lower!.points(0.02).at(-1)!.positions);
  expect(angleBetween(end.orientation, to.orientation)).toBeLessThan(1e-3);
});

it("what is taken is kept clear of what stands on the way back, and of the table", async () => {
  const goal = { pose: fromAbove(0.5, 0.25, 0.25), width: 0.06, objectWidth: 0.03 };
  const target = transformPoints(goal.pose, pole);
  const path = trajectories(await planner().plan(goal, start)).retreat!.points(0.02);
  const [x, y, z] = kinematics.forward(path[path.length >> 1]!.positions).position;
  // The hand alone passes over it.
  const obstacles = boxCloud(x, y, [0.06, 0.06, z - 0.05]);
  const alone = trajectories(await planner({}, { obstacles }).plan(goal, start));
  const carrying = trajectories(await planner({}, { obstacles, target }).plan(goal, start));
  expect(lowestNear(alone.retreat!, [x, y], 0.03)).toBeLessThan(z - 0.05);
  expect(lowestNear(carrying.retreat!, [x, y], 0.03)).toBeGreaterThan(z - 0.05);
  checker.scene = scene();
  const low = solver.solve(fromAbove(0.5, 0.25, 0.11), { seed: start })!.joints;
  expect(checker.check(low)).toBeUndefined();
  const hit = { kind: "table", link: "the object in the gripper" };
  expect(checker.check(low, { carried: pole })).toMatchObject(hit);
});
