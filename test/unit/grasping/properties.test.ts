import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compose,
  type Mask,
  maskFromBox,
  matrixFromQuaternion,
  seededRandom,
} from "../../../src/geometry/index.js";
import { createGraspPlanner, frankaHand, type GraspPlan } from "../../../src/grasping/index.js";
import { box, cylinder, look } from "../../support/raycast.js";

const planner = createGraspPlanner();
const view = look([box([0, 0, 0.035], [0.04, 0.08, 0.07], 0.4), cylinder([0.09, 0.12, 0.05], 0.03, 0.1)], {
  width: 160,
  height: 120,
});
const { width, height } = view.frame.depth;

/** What must be true of any plan, whatever the sensor saw. */
function checkPlan(plan: GraspPlan, limit = 10): void {
  if (plan.grasps.length === 0) {
    expect(plan.reason).toMatch(/^[^\n]{10,200}$/);
    expect(plan.refusal).toBeDefined();
    return;
  }
  expect(plan.reason).toBeUndefined();
  expect(plan.grasps.length).toBeLessThanOrEqual(limit);
  for (const grasp of plan.grasps) {
    const numbers = [
      ...grasp.pose.position,
      ...grasp.pose.orientation,
      grasp.width,
      grasp.score,
      grasp.force!,
    ];
    expect(numbers.every(Number.isFinite)).toBe(true);
    expect(Math.hypot(...grasp.pose.orientation)).toBeCloseTo(1, 9);
    expect(grasp.width > 0 && grasp.width <= frankaHand.stroke).toBe(true);
    expect(grasp.score > 0 && grasp.score <= 1).toBe(true);
  }
}

/** In the world: within reach of what stands there, above the table, not from below. */
function checkPlaces(plan: GraspPlan): void {
  for (const grasp of plan.grasps) {
    const pose = compose(view.cameraToWorld, grasp.pose);
    const [x, y, z] = pose.position;
    expect(Math.hypot(x - 0.04, y - 0.06)).toBeLessThan(0.2);
    expect(z).toBeGreaterThan(-0.004);
    expect(z).toBeLessThan(0.13);
    expect(matrixFromQuaternion(pose.orientation)[8]).toBeLessThan(0.01);
  }
}

const withDepth = (data: Float32Array) => ({ ...view.frame, depth: { width, height, data } });

describe("whatever the sensor sees", () => {
  it("holes: a plan or a reason, and no grasp beside the objects", () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, share) => {
        const random = seededRandom(seed);
        const data = view.frame.depth.data.map((z) => (random() < share ? Number.NaN : z));
        const plan = planner.plan(withDepth(data), { mask: view.masks[0]! }) as GraspPlan;
        checkPlan(plan);
        checkPlaces(plan);
      }),
      { numRuns: 60 },
    );
  });

  it("values that are no depths: zeros, negative, infinite, far", () => {
    const odd = fc.constantFrom(0, -1, Infinity, -Infinity, Number.NaN, 1e9, 65.535);
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 0.6, noNaN: true }), odd, (seed, share, value) => {
        const random = seededRandom(seed);
        const data = view.frame.depth.data.map((z) => (random() < share ? value : z));
        checkPlan(planner.plan(withDepth(data), { mask: view.masks[0]! }) as GraspPlan);
      }),
      { numRuns: 60 },
    );
  });

  it("masks anywhere: grasps only where something stands", () => {
    fc.assert(
      fc.property(fc.nat(width), fc.nat(height), fc.nat(width), fc.nat(height), (a, b, c, d) => {
        const mask = maskFromBox(width, height, [
          Math.min(a, c),
          Math.min(b, d),
          Math.max(a, c),
          Math.max(b, d),
        ]);
        const plan = planner.plan(view.frame, { mask }) as GraspPlan;
        checkPlan(plan);
        checkPlaces(plan);
      }),
      { numRuns: 120 },
    );
  });

  it("masks off both objects never get a grasp", () => {
    const free: Mask = maskFromBox(width, height, [2, 70, 30, 110]);
    const objects = view.masks[0]!.data.map((x, i) => x | view.masks[1]!.data[i]!);
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = seededRandom(seed);
        const data = free.data.map((x, i) => (x === 1 && random() < 0.8 && objects[i] === 0 ? 1 : 0));
        const plan = planner.plan(view.frame, { mask: { width, height, data } }) as GraspPlan;
        checkPlan(plan);
        expect(plan.grasps).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it("noise alone: a plan or a reason", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = seededRandom(seed);
        const data = Float32Array.from({ length: width * height }, () => 0.3 + random());
        checkPlan(planner.plan(withDepth(data), { mask: view.masks[0]! }) as GraspPlan);
      }),
      { numRuns: 30 },
    );
  });
});
