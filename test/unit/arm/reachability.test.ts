import { describe, expect, it } from "vitest";
import { IkSolver, Kinematics, outOfReach, reachability } from "../../../src/arm/index.js";
import { compose, invert, type Pose, seededRandom } from "../../../src/geometry/index.js";
import { chain, fromAbove, start } from "./rig.js";
import { randomConfiguration } from "./robots.js";

const solver = new IkSolver(chain);
const kinematics = new Kinematics(chain);

describe("what the arm reaches", () => {
  it("counts for grasps from above within its reach, either way round, and not for those beyond", () => {
    const reach = reachability(solver, { seed: start });
    expect(reach(fromAbove(0.5, 0.1, 0.05))).toBe(1);
    expect(reach(fromAbove(0.5, 0.1, 0.05, Math.PI))).toBe(1);
    expect(reach(fromAbove(0.85, 0, 0.02))).toBe(outOfReach);
    expect(reach(fromAbove(3, 0, 0.02))).toBe(outOfReach);
  });

  it("is asked in the camera's frame", () => {
    const camera: Pose = { position: [0.6, 0.1, 1], orientation: [0, 1, 0, 0] };
    const reach = reachability(solver, { seed: start, frameInBase: camera });
    expect(reach(compose(invert(camera), fromAbove(0.5, 0.1, 0.05)))).toBe(1);
    expect(reach(compose(invert(camera), fromAbove(0.95, 0.1, 0.05)))).toBe(outOfReach);
  });

  it("holds for nearly all poses of real joint configurations", () => {
    const random = seededRandom(8);
    const poses = Array.from({ length: 300 }, () => {
      const q = randomConfiguration(chain, random);
      // The point before the object is of a real joint configuration too, or it would not be sure to be reached.
      return kinematics.forward(q);
    });
    const reach = reachability(solver, { seed: start, approach: 0, budget: 1e6 });
    const found = poses.filter((pose) => reach(pose) === 1).length;
    expect(found / poses.length).toBeGreaterThan(0.97);
  });

  it("has a budget: what is asked after it counts as reachable if anything was", () => {
    const far = fromAbove(0.85, 0, 0.02);
    const answers = (first: Pose) => {
      const reach = reachability(solver, { seed: start, budget: 10 });
      reach(first);
      return Array.from({ length: 6 }, () => reach(far));
    };
    const near = answers(fromAbove(0.5, 0.1, 0.05));
    expect(near[0]).toBe(outOfReach);
    expect(near.at(-1)).toBe(1);
    expect(answers(far)).toEqual(Array(6).fill(outOfReach));
  });

  it("says the same again", () => {
    const poses = Array.from({ length: 20 }, (_, k) => fromAbove(0.5 + 0.02 * k, 0.1, 0.05, k));
    const asked = () => {
      const reach = reachability(solver, { seed: start });
      return poses.map(reach);
    };
    expect(asked()).toEqual(asked());
  });
});
