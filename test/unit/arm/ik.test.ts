import { expect, it } from "vitest";
import { IkSolver, Kinematics, manipulability } from "../../../src/arm/index.js";
import {
  compose,
  conjugate,
  multiplyQuaternions,
  type Pose,
  seededRandom,
} from "../../../src/geometry/index.js";
import { chainOf, descriptions, home, randomConfiguration } from "./robots.js";

const names = ["panda", "gen3", "iiwa", "xarm7"];
const urdfs = descriptions(names);
const rig = (name: string) => {
  const chain = chainOf(name, urdfs[name]!);
  return { chain, solver: new IkSolver(chain), kinematics: new Kinematics(chain), seed: home[name]! };
};

/** Distance in metres and in radians, by quaternions: another way than the solver's own. */
function apart(a: Pose, b: Pose): [number, number] {
  const q = multiplyQuaternions(a.orientation, conjugate(b.orientation));
  const angle = 2 * Math.atan2(Math.hypot(q[0], q[1], q[2]), Math.abs(q[3]));
  return [Math.hypot(...a.position.map((v, i) => v - b.position[i]!)), angle];
}

it.each(names)(
  "%s: 1000 random reachable poses, at least 995 solved within 1e-4 m, 1e-3 rad and the limits",
  (name) => {
    const { chain, solver, kinematics, seed } = rig(name);
    const random = seededRandom(2024);
    let solved = 0;
    for (let i = 0; i < 1000; i++) {
      const target = kinematics.forward(randomConfiguration(chain, random));
      const solution = solver.solve(target, { seed });
      if (solution === undefined) continue;
      const { joints } = solution;
      const [metres, radians] = apart(kinematics.forward(joints), target);
      const inside = joints.every((q, k) => q >= chain.lower[k]! && q <= chain.upper[k]!);
      if (inside && metres <= 1e-4 && radians <= 1e-3) solved++;
    }
    expect(solved).toBeGreaterThanOrEqual(995);
  },
);

it("what is out of reach has no answer", () => {
  const { solver, seed } = rig("panda");
  expect(solver.solve({ position: [2, 0, 0.5], orientation: [0, 0, 0, 1] }, { seed })).toBeUndefined();
});

it("the same question has the same answer", () => {
  const { chain, kinematics, seed } = rig("panda");
  const target = kinematics.forward(randomConfiguration(chain, seededRandom(9)));
  const answers = [1, 2].map(() => new IkSolver(chain).solve(target, { seed, candidates: 5 })!.joints);
  expect(answers[0]).toEqual(answers[1]);
});

it("half a turn away is reached too", () => {
  const { solver, kinematics, seed } = rig("iiwa");
  const here = kinematics.forward(seed);
  for (const orientation of [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
  ] as const) {
    const target = compose(here, { position: [0, 0, 0], orientation });
    const solution = solver.solve(target, { seed })!;
    expect(apart(kinematics.forward(solution.joints), target)[1]).toBeLessThan(1e-3);
  }
});

it("joints that turn without end answer with the turn nearest to the seed", () => {
  const { solver, kinematics } = rig("gen3");
  const seed = home.gen3!.map((v, i) => (i % 2 === 0 ? v + 4 * Math.PI : v));
  const solution = solver.solve(kinematics.forward(home.gen3!), { seed })!;
  for (const [i, v] of solution.joints.entries()) expect(Math.abs(v - seed[i]!)).toBeLessThan(1e-3);
});

it("with candidates, preferences decide: nearer, away from limits, more dexterous, elbow up", () => {
  const { chain, solver, kinematics, seed } = rig("panda");
  const random = seededRandom(77);
  const gain = { near: 0, margin: 0, dexterity: 0, elbow: 0 };
  const off = { near: 0, margin: 0, manipulability: 0 };
  for (let i = 0; i < 40; i++) {
    const target = kinematics.forward(randomConfiguration(chain, random));
    const plain = solver.solve(target, { seed })?.joints;
    const ask = (preferences: object) =>
      solver.solve(target, { seed, candidates: 12, preferences: { ...off, ...preferences } })?.joints;
    const near = ask({ near: 1 });
    const margin = ask({ margin: 1 });
    const dexterous = ask({ manipulability: 1 });
    const elbow = ask({ elbow: [0, 0, 1] });
    if (!plain || !near || !margin || !dexterous || !elbow) continue;
    const way = (q: number[]) => Math.max(...q.map((v, k) => Math.abs(v - seed[k]!)));
    const room = (q: number[]) =>
      Math.min(...q.map((v, k) => Math.min(v - chain.lower[k]!, chain.upper[k]! - v)));
    const height = (q: number[]) => {
      kinematics.update(q);
      return kinematics.origins[3 * 3 + 2]!;
    };
    const dexterity = (q: number[]) => {
      kinematics.update(q);
      kinematics.updateJacobian();
      return manipulability(kinematics.jacobian, 7);
    };
    expect(way(near)).toBeLessThanOrEqual(way(plain) + 1e-9);
    expect(dexterity(dexterous)).toBeGreaterThanOrEqual(dexterity(plain) - 1e-9);
    gain.near += way(plain) - way(near);
    gain.margin += room(margin) - room(plain);
    gain.dexterity += dexterity(dexterous) - dexterity(plain);
    gain.elbow += height(elbow) - height(plain);
  }
  for (const value of Object.values(gain)) expect(value).toBeGreaterThan(0.05);
});

it("following a line stays next to where it was", () => {
  const { solver, kinematics, seed } = rig("panda");
  const start = kinematics.forward(seed);
  let q = [...seed];
  for (let i = 1; i <= 20; i++) {
    const [x, y, z] = start.position;
    const solution = solver.track({ ...start, position: [x, y + 0.005 * i, z - 0.005 * i] }, q)!;
    expect(Math.max(...solution.joints.map((v, k) => Math.abs(v - q[k]!)))).toBeLessThan(0.05);
    q = solution.joints;
  }
});
