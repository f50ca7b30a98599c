import { describe, expect, it } from "vitest";
import { compose, matrixFromQuaternion, seededRandom, type Vec3 } from "../../../src/geometry/index.js";
import { completeShape } from "../../../src/grasping/geometric/complete.js";
import { yawBetween } from "../../../src/grasping/geometric/orientations.js";
import { findRim } from "../../../src/grasping/geometric/rim.js";
import { readScene } from "../../../src/grasping/geometric/scene.js";
import { createGraspPlanner, frankaHand } from "../../../src/grasping/index.js";
import { box, cylinder, look, pot, type Solid } from "../../support/raycast.js";

const planner = createGraspPlanner();
/** A tray with straight walls 4 mm thick and a floor. */
const tray = (width: number, depth: number, height: number, yaw = 0): Solid => {
  const outer = box([0, 0, height / 2], [width, depth, height], yaw);
  const inner = box([0, 0, height / 2 + 0.004], [width - 0.008, depth - 0.008, height], yaw);
  return (x, y, z) => Math.max(outer(x, y, z), -inner(x, y, z));
};

function rimOf(solid: Solid, eye?: Vec3) {
  const { frame, masks } = look([solid], eye && { eye });
  const scene = readScene(frame.depth, frame.camera, masks[0]!, seededRandom(1), undefined);
  if ("refusal" in scene) throw new Error(scene.reason);
  return findRim(completeShape(scene), scene.view);
}

describe("the rim of an open container", () => {
  it("is a circle for round ones and a rectangle for trays, within some millimetres", () => {
    const round = rimOf(pot([0, 0, 0], 0.07, 0.05, 0.004));
    expect(round?.kind).toBe("circle");
    expect(round!.residual).toBeLessThan(0.003);
    const square = rimOf(tray(0.16, 0.2, 0.03));
    expect(square?.kind).toBe("rectangle");
    expect(square!.residual).toBeLessThan(0.004);
  });

  it("is found by the empty space under it where the camera sees little of the inside", () => {
    const { frame, masks } = look([pot([0, 0, 0], 0.043, 0.11, 0.004)], { eye: [-0.55, 0.1, 0.5] });
    const scene = readScene(frame.depth, frame.camera, masks[0]!, seededRandom(1), undefined);
    if ("refusal" in scene) throw new Error(scene.reason);
    const rim = findRim(completeShape(scene), scene.view);
    expect(rim?.kind).toBe("circle");
    const deep = [...scene.object.keys()].filter((i) => {
      const [x, y, z] = [scene.object[i]!, scene.object[i + 1]!, scene.object[i + 2]!];
      return i % 3 === 0 && rim!.at(x, y).distance < -0.014 && z < 0.1;
    });
    expect(deep.length).toBeLessThan(12);
  });

  it.each([0.2, 0.65, 1.3])("of a tray turned by %d rad has its sides' directions", (yaw) => {
    // The table's x leads away from this camera, as the world's does.
    const { yaws } = rimOf(tray(0.14, 0.22, 0.03, yaw), [-0.45, 0, 0.5])!;
    expect(yaws).toHaveLength(2);
    for (const side of [yaw, yaw + Math.PI / 2])
      expect(Math.min(...yaws.map((each) => yawBetween(each, side)))).toBeLessThan(0.06);
  });

  it("is taken with fingertips well above the floor, and the palm well above the rim", async () => {
    const height = 0.056;
    const view = look([pot([0, 0, 0], 0.075, height, 0.004)]);
    const { grasps } = await planner.plan(view.frame, { mask: view.masks[0]! });
    const { position, orientation } = compose(view.cameraToWorld, grasps[0]!.pose);
    const down = -matrixFromQuaternion(orientation)[8];
    expect(position[2]).toBeGreaterThan(0.004 + 0.007);
    expect(position[2] + down * frankaHand.fingerLength - height).toBeGreaterThan(0.01);
  });

  it.each([
    ["a box", box([0, 0, 0.03], [0.12, 0.15, 0.06])],
    ["a closed tin", cylinder([0, 0, 0.04], 0.06, 0.08)],
    ["a flat plate of wood", box([0, 0, 0.01], [0.15, 0.2, 0.02])],
  ])("is not found on %s", (_, solid) => {
    expect(rimOf(solid)).toBeUndefined();
  });

  it.each([
    ["a round dish 24 mm high", pot([0, 0, 0], 0.08, 0.024, 0.004), 0.08],
    ["a bowl 60 mm high", pot([0, 0, 0], 0.07, 0.06, 0.004), 0.07],
  ])("is where %s is taken, closing square to the wall", async (_, solid, radius) => {
    const view = look([solid]);
    const { grasps, reason } = await planner.plan(view.frame, { mask: view.masks[0]! });
    expect(reason).toBeUndefined();
    const { position, orientation } = compose(view.cameraToWorld, grasps[0]!.pose);
    const away = Math.hypot(position[0], position[1]);
    expect(Math.abs(away - radius)).toBeLessThan(0.01);
    const m = matrixFromQuaternion(orientation);
    const level = Math.hypot(m[0], m[3]);
    expect(Math.abs((m[0] * position[0] + m[3] * position[1]) / (away * level))).toBeGreaterThan(0.9);
    expect(grasps[0]!.objectWidth).toBeLessThan(0.03);
  });
});

describe("an object that others stand around", () => {
  const target = box([0, 0, 0.03], [0.05, 0.05, 0.06]);
  const walls = [
    box([0, 0.05, 0.05], [0.05, 0.03, 0.1]),
    box([0, -0.05, 0.05], [0.05, 0.03, 0.1]),
    box([0.05, 0, 0.05], [0.03, 0.05, 0.1]),
    box([-0.05, 0, 0.045], [0.03, 0.05, 0.09]),
  ];

  it("is refused with the side of one that is in the way, as the camera sees it", async () => {
    const view = look([target, ...walls], { eye: [-0.25, 0, 0.75] });
    const plan = await planner.plan(view.frame, { mask: view.masks[0]! });
    expect(plan.grasps).toEqual([]);
    expect(plan.refusal).toBe("no-free-grasp");
    expect(plan.reason).toBe(
      `no grasp is free: the object ${plan.blocker?.side} it blocks them; take that one first?`,
    );
    expect(plan.blocker?.position[2]).toBeGreaterThan(0.4);
  });

  it("has a grasp without them", async () => {
    const view = look([target], { eye: [-0.25, 0, 0.75] });
    expect((await planner.plan(view.frame, { mask: view.masks[0]! })).grasps.length).toBeGreaterThan(0);
  });
});
