import { describe, expect, it } from "vitest";
import {
  compose,
  type Mask,
  maskFromBox,
  matrixFromQuaternion,
  type Pose,
  transformPoint,
  type Vec3,
} from "../../../src/geometry/index.js";
import {
  createGraspPlanner,
  frankaHand,
  type Grasp,
  type GraspPlan,
  type GripperModel,
  grippers,
} from "../../../src/grasping/index.js";
import {
  box,
  cylinder,
  look,
  lyingCylinder,
  pot,
  type Solid,
  sphere,
  type View,
} from "../../support/raycast.js";

const planner = createGraspPlanner();
const degrees = (radians: number): number => (radians * 180) / Math.PI;

interface WorldGrasp {
  readonly at: Vec3;
  readonly closing: Vec3;
  readonly approach: Vec3;
  readonly grasp: Grasp;
}

function inWorld(view: View, grasp: Grasp): WorldGrasp {
  const pose = compose(view.cameraToWorld, grasp.pose);
  const m = matrixFromQuaternion(pose.orientation);
  return { at: pose.position, closing: [m[0], m[3], m[6]], approach: [m[2], m[5], m[8]], grasp };
}

/** Least distance of the open gripper's fingers and palm, on their way in too, from the solids and the table. */
function leastGap(view: View, solids: readonly Solid[], grasp: Grasp, gripper: GripperModel): number {
  const pose = compose(view.cameraToWorld, grasp.pose);
  let least = Infinity;
  const probe = (x: number, y: number, z: number): void => {
    const p = transformPoint(pose, [x, y, z]);
    least = Math.min(least, p[2], ...solids.map((solid) => solid(...p)));
  };
  for (let back = 0; back <= 0.1; back += 0.01)
    for (const dy of [-0.5, 0, 0.5]) {
      for (const sx of [-1, 1])
        for (const thick of [0.02, 0.5, 1])
          for (let s = 0; s <= 1; s += 0.1)
            probe(
              sx * (grasp.width / 2 + thick * gripper.fingerThickness),
              dy * gripper.fingerWidth,
              -s * gripper.fingerLength - back,
            );
      for (const px of [-0.5, -0.25, 0, 0.25, 0.5])
        probe(px * gripper.palm[0], dy * gripper.palm[1], -gripper.fingerLength - back);
    }
  return least;
}

function mustPlan(view: View, index = 0): { readonly best: WorldGrasp; readonly plan: GraspPlan } {
  const plan = planner.plan(view.frame, { mask: view.masks[index]! }) as GraspPlan;
  expect(plan.reason).toBeUndefined();
  return { best: inWorld(view, plan.grasps[0]!), plan };
}

function closingYawError(grasp: WorldGrasp, yaw: number): number {
  const found = Math.atan2(grasp.closing[1], grasp.closing[0]);
  const d = Math.abs(found - yaw) % Math.PI;
  return degrees(Math.min(d, Math.PI - d));
}

describe("a box on a table", () => {
  for (const yaw of [0, 0.35, 1.1, 2.2]) {
    it(`is taken across its narrow side, turned by ${degrees(yaw).toFixed(0)} degrees`, () => {
      const solids = [box([0.02, -0.01, 0.04], [0.04, 0.11, 0.08], yaw)];
      const view = look(solids);
      const { best, plan } = mustPlan(view);
      expect(closingYawError(best, yaw)).toBeLessThan(9);
      expect(Math.abs(best.grasp.objectWidth! - 0.04)).toBeLessThan(0.005);
      expect(Math.hypot(best.at[0] - 0.02, best.at[1] + 0.01)).toBeLessThan(0.02);
      expect(best.approach[2]).toBeLessThan(-0.7);
      expect(plan.grasps.length).toBeGreaterThan(3);
      for (const grasp of plan.grasps.slice(0, 3))
        expect(leastGap(view, solids, grasp, frankaHand)).toBeGreaterThan(-0.001);
    });
  }
});

describe("round objects", () => {
  it("an upright cylinder is taken through its axis at its diameter", () => {
    const view = look([cylinder([0, 0.02, 0.06], 0.027, 0.12)]);
    const { best } = mustPlan(view);
    expect(Math.abs(best.grasp.objectWidth! - 0.054)).toBeLessThan(0.005);
    const offset = (0 - best.at[0]) * best.closing[0] + (0.02 - best.at[1]) * best.closing[1];
    expect(Math.abs(offset)).toBeLessThan(0.004);
  });

  it("a ball is taken about its middle", () => {
    const view = look([sphere([0, 0, 0.031], 0.031)]);
    const { best } = mustPlan(view);
    expect(Math.abs(best.grasp.objectWidth! - 0.062)).toBeLessThan(0.01);
    expect(Math.hypot(best.at[0], best.at[1])).toBeLessThan(0.012);
    // Tips below the equator, or the ball would be squeezed out.
    expect(best.at[2]).toBeLessThan(0.031);
  });

  it("a lying cylinder is taken across its axis", () => {
    const view = look([lyingCylinder([0, 0, 0.02], 0.02, 0.15, 0.6)]);
    const { best } = mustPlan(view);
    expect(closingYawError(best, 0.6 + Math.PI / 2)).toBeLessThan(15);
    expect(Math.abs(best.grasp.objectWidth! - 0.04)).toBeLessThan(0.006);
  });

  it("a pot wider than the stroke is taken by its wall", () => {
    const solids = [pot([0, 0, 0], 0.075, 0.07, 0.006)];
    const view = look(solids);
    const { best } = mustPlan(view);
    expect(best.grasp.objectWidth!).toBeLessThan(0.015);
    expect(Math.abs(Math.hypot(best.at[0], best.at[1]) - 0.072)).toBeLessThan(0.006);
    // Closing across the wall: along the radius.
    const radial = Math.abs((best.at[0] * best.closing[0] + best.at[1] * best.closing[1]) / 0.072);
    expect(radial).toBeGreaterThan(0.9);
    expect(leastGap(view, solids, best.grasp, frankaHand)).toBeGreaterThan(-0.002);
  });
});

describe("flat objects", () => {
  it("are taken close over the table without touching it", () => {
    const view = look([box([0, 0, 0.004], [0.03, 0.14, 0.008], 0.4)]);
    const { best } = mustPlan(view);
    expect(closingYawError(best, 0.4)).toBeLessThan(9);
    expect(best.at[2]).toBeGreaterThan(0.0005);
    expect(best.at[2]).toBeLessThan(0.006);
  });
});

describe("neighbours", () => {
  it("keep the open fingers and the palm out", () => {
    const solids = [
      box([0, 0, 0.04], [0.045, 0.09, 0.08], 0.2),
      box([0.062, 0.01, 0.05], [0.03, 0.1, 0.1], 0.2),
      cylinder([-0.02, 0.1, 0.06], 0.03, 0.12),
    ];
    const view = look(solids);
    const { plan } = mustPlan(view);
    for (const grasp of plan.grasps.slice(0, 5))
      expect(leastGap(view, solids, grasp, frankaHand)).toBeGreaterThan(-0.003);
  });

  it("that stand all around leave no grasp, and the plan says so", () => {
    const solids: Solid[] = [box([0, 0, 0.02], [0.05, 0.05, 0.04])];
    for (const [x, y, w, h] of [
      [0.04, 0, 0.025, 0.12],
      [-0.04, 0, 0.025, 0.12],
      [0, 0.04, 0.05, 0.025],
      [0, -0.04, 0.05, 0.025],
    ] as const)
      solids.push(box([x, y, 0.035], [w, h, 0.07]));
    const view = look(solids, { eye: [-0.25, 0.05, 0.6] });
    const plan = planner.plan(view.frame, { mask: view.masks[0]! }) as GraspPlan;
    expect(plan.grasps).toEqual([]);
    expect(plan.refusal).toBe("no-free-grasp");
  });
});

describe("refusals", () => {
  const wide = look([box([0, 0, 0.06], [0.13, 0.14, 0.12], 0.3)], { eye: [-0.5, 0, 0.7] });
  const small = look([box([0, 0, 0.03], [0.04, 0.06, 0.06])], { width: 320, height: 240 });
  const { frame } = small;
  const mask = small.masks[0]!;
  const size = { width: 320, height: 240 };
  const depthOf = (data: Float32Array) => ({ ...frame, depth: { ...size, data } });
  const refusalOf = (plan: GraspPlan): string | undefined => {
    expect(plan.grasps).toEqual([]);
    expect(plan.reason).toMatch(/^[^\n]{10,200}$/);
    return plan.refusal;
  };
  const plan = (f: typeof frame, m: Mask): GraspPlan => planner.plan(f, { mask: m }) as GraspPlan;

  it("too wide for the gripper, but not for a larger one", () => {
    expect(refusalOf(plan(wide.frame, wide.masks[0]!))).toBe("too-wide");
    const large: GripperModel = { ...frankaHand, name: "large", stroke: 0.18, fingerLength: 0.1 };
    const again = createGraspPlanner({ gripper: large }).plan(wide.frame, {
      mask: wide.masks[0]!,
    }) as GraspPlan;
    expect(again.grasps.length).toBeGreaterThan(0);
    expect(again.grasps[0]!.objectWidth!).toBeGreaterThan(0.12);
  });

  it("nothing above the table", () => {
    expect(refusalOf(plan(frame, maskFromBox(320, 240, [20, 180, 70, 220])))).toBe("nothing-above-table");
  });

  it("empty mask, sizes that differ, no camera, no depth, no valid depth", () => {
    expect(refusalOf(plan(frame, { ...size, data: new Uint8Array(320 * 240) }))).toBe("mask-empty");
    expect(refusalOf(plan(frame, maskFromBox(64, 48, [1, 1, 9, 9])))).toBe("size-mismatch");
    const { depth: _d, ...withoutDepth } = frame;
    const { camera: _c, ...withoutCamera } = frame;
    expect(refusalOf(planner.plan(withoutDepth, { mask }) as GraspPlan)).toBe("no-depth");
    expect(refusalOf(planner.plan(withoutCamera, { mask }) as GraspPlan)).toBe("no-camera");
    const uncalibrated = { ...frame, camera: { ...frame.camera, fx: 0 } };
    expect(refusalOf(plan(uncalibrated, mask))).toBe("no-camera");
    expect(refusalOf(plan(depthOf(new Float32Array(320 * 240).fill(Number.NaN)), mask))).toBe("no-depth");
    expect(refusalOf(plan(depthOf(new Float32Array(320 * 240)), mask))).toBe("no-depth");
  });

  it("no table", () => {
    const only = frame.depth.data.map((z, i) => (mask.data[i] === 1 ? z : Number.NaN));
    expect(refusalOf(plan(depthOf(only), mask))).toBe("no-table");
  });

  it("out of the arm's reach", () => {
    const picky = createGraspPlanner({ reachability: () => 0 });
    expect(refusalOf(picky.plan(frame, { mask }) as GraspPlan)).toBe("unreachable");
  });

  it("a gripper that cannot be is an error at once", () => {
    expect(() => createGraspPlanner({ gripper: { ...frankaHand, stroke: -1 } })).toThrow(/stroke/);
  });
});

describe("what the sensor does not see", () => {
  it("is laid on the table by its mask, with little trust", () => {
    const view = look([box([0, 0, 0.006], [0.035, 0.12, 0.012], 0.5)]);
    const mask = view.masks[0]!;
    const data = view.frame.depth.data.map((z, i) => (mask.data[i] === 1 ? Number.NaN : z));
    const plan = planner.plan({ ...view.frame, depth: { ...view.frame.depth, data } }, { mask }) as GraspPlan;
    const best = inWorld(view, plan.grasps[0]!);
    expect(closingYawError(best, 0.5)).toBeLessThan(12);
    expect(Math.hypot(best.at[0], best.at[1])).toBeLessThan(0.03);
    expect(best.grasp.score).toBeLessThan(0.35);
  });
});

describe("the plan", () => {
  const view = look([box([0, 0, 0.03], [0.05, 0.07, 0.06], 0.9)]);
  const target = { mask: view.masks[0]! };

  it("is the same each time, best first, diverse, within the gripper's limits, for each gripper", () => {
    for (const gripper of Object.values(grippers)) {
      const make = () =>
        createGraspPlanner({ gripper, seed: 5, maxGrasps: 6 }).plan(view.frame, target) as GraspPlan;
      const plan = make();
      expect(make()).toEqual(plan);
      expect(plan.grasps.length).toBeGreaterThan(1);
      expect(plan.grasps.length).toBeLessThanOrEqual(6);
      for (const [k, grasp] of plan.grasps.entries()) {
        expect(grasp.frame).toBe("camera_color_optical_frame");
        expect(grasp.width).toBeLessThanOrEqual(gripper.stroke);
        expect(grasp.width).toBeGreaterThan(grasp.objectWidth!);
        expect(grasp.score).toBeGreaterThan(0);
        expect(grasp.score).toBeLessThanOrEqual(k > 0 ? plan.grasps[k - 1]!.score : 1);
        expect(grasp.force).toBeGreaterThanOrEqual(10);
        expect(grasp.force).toBeLessThanOrEqual(gripper.maxForce!);
        for (const term of Object.values(grasp.terms!)) expect(term >= 0 && term <= 1).toBe(true);
      }
    }
  });

  it("follows the reachability it is given", () => {
    const half = createGraspPlanner({ reachability: (pose) => (pose.position[0] > 0 ? 1 : 0.5) });
    const plan = half.plan(view.frame, target) as GraspPlan;
    for (const grasp of plan.grasps)
      expect(grasp.terms?.reachability).toBe(grasp.pose.position[0] > 0 ? 1 : 0.5);
  });

  it("gives what is out of reach last, and leaves it out of neither list nor least score", () => {
    const all = planner.plan(view.frame, target) as GraspPlan;
    const side = all.grasps[0]!.pose.orientation;
    // The best grasp's own direction is out of reach.
    const reachability = ({ orientation }: Pose) =>
      Math.abs(orientation.reduce((sum, v, i) => sum + v * side[i]!, 0)) > 0.98 ? 0.05 : 1;
    const plan = planner.plan(view.frame, { ...target, reachability }) as GraspPlan;
    const reached = plan.grasps.map((grasp) => grasp.terms!.reachability!);
    expect(reached[0]).toBe(1);
    expect(reached).toEqual([...reached].sort((a, b) => b - a));
    const none = planner.plan(view.frame, { ...target, reachability: () => 0.05 }) as GraspPlan;
    expect(none.grasps.map(({ pose }) => pose)).toEqual(all.grasps.map(({ pose }) => pose));
    expect(none.grasps[0]!.score).toBeCloseTo(all.grasps[0]!.score * 0.05, 6);
  });
});
