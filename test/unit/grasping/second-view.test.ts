import { describe, expect, it } from "vitest";
import {
  compose,
  deproject,
  dot,
  invert,
  type Mask,
  matrixFromQuaternion,
  type Pose,
  quaternionFromAxes,
  rotate,
  seededRandom,
  transformPoint,
  type Vec3,
} from "../../../src/geometry/index.js";
import { readScene } from "../../../src/grasping/geometric/scene.js";
import { createGraspPlanner, maskInSecondView, type SecondView } from "../../../src/grasping/index.js";
import {
  box,
  look as lookClosely,
  lyingCylinder,
  pot,
  type Solid,
  sphere,
  type View,
  type ViewOptions,
} from "../../support/raycast.js";

/** Half the usual resolution: the rays are most of the time. */
const look = (solids: readonly Solid[], options: ViewOptions): View =>
  lookClosely(solids, { width: 320, height: 240, ...options });

const planner = createGraspPlanner();
const front: Vec3 = [-0.45, 0, 0.35];
const back: Vec3 = [0.35, 0.05, 0.35];

/** The second image as the planner gets it, with an error of its pose. */
function second(first: View, other: View, error: Pose = still): SecondView {
  const pose = compose(compose(invert(first.cameraToWorld), other.cameraToWorld), error);
  const mask = maskInSecondView(first.frame, first.masks[0]!, other.frame, pose, seededRandom(1));
  if (mask === undefined) throw new Error("the second view does not show the object");
  return { frame: other.frame, mask, pose };
}

const still: Pose = { position: [0, 0, 0], orientation: [0, 0, 0, 1] };
/** 2 mm and half a degree: a hand-eye calibration that is not the best. */
const crooked: Pose = {
  position: [0.0012, -0.0012, 0.001],
  orientation: [0.0025, 0.0025, 0.0025, Math.sqrt(1 - 3 * 0.0025 ** 2)],
};

function overlap(p: Mask, q: Mask): number {
  let both = 0;
  let any = 0;
  for (let i = 0; i < p.data.length; i++) {
    if (p.data[i] === 1 && q.data[i] === 1) both++;
    if (p.data[i] === 1 || q.data[i] === 1) any++;
  }
  return both / any;
}

/** Share of the solid's surface points, seen from all around, with a measured point within 6 mm. */
function covered(first: View, views: readonly SecondView[], solid: Solid): number {
  const scene = readScene(
    first.frame.depth,
    first.frame.camera,
    first.masks[0]!,
    seededRandom(1),
    undefined,
    views,
  );
  if ("refusal" in scene) throw new Error(scene.reason);
  const toWorld = compose(first.cameraToWorld, scene.tableToCamera);
  const measured: Vec3[] = [];
  for (let i = 0; i < scene.object.length; i += 3)
    measured.push(transformPoint(toWorld, [scene.object[i]!, scene.object[i + 1]!, scene.object[i + 2]!]));
  let n = 0;
  let near = 0;
  for (let k = 0; k < 8; k++) {
    const angle = (k * Math.PI) / 4;
    const eye: Vec3 = [0.45 * Math.cos(angle), 0.45 * Math.sin(angle), 0.2];
    const { frame, masks, cameraToWorld } = look([solid], { eye, width: 160, height: 120 });
    for (let i = 0; i < masks[0]!.data.length; i += 5) {
      if (masks[0]!.data[i] !== 1) continue;
      const seen = deproject(frame.camera, i % 160, Math.trunc(i / 160), frame.depth.data[i]!);
      const p = transformPoint(cameraToWorld, seen);
      if (p[2] < 0.012) continue;
      n++;
      if (measured.some((m) => Math.hypot(m[0] - p[0], m[1] - p[1], m[2] - p[2]) < 0.009)) near++;
    }
  }
  return near / n;
}

/** True width of a solid between the fingers of a grasp, in metres: where the closing line leaves it on both sides. */
function trueWidth(view: View, pose: Pose, solid: Solid): number {
  const inWorld = compose(view.cameraToWorld, pose);
  const m = matrixFromQuaternion(inWorld.orientation);
  let low = 0;
  let high = 0;
  for (let s = -0.06; s <= 0.06; s += 0.0005)
    for (const up of [0, 0.008, 0.016]) {
      const at = [0, 1, 2].map((k) => inWorld.position[k]! + s * m[k * 3]! - up * m[k * 3 + 2]!);
      if (solid(at[0]!, at[1]!, at[2]!) > 0) continue;
      low = Math.min(low, s);
      high = Math.max(high, s);
    }
  return high - low;
}

const ball = sphere([0, 0, 0.035], 0.035);
const tube = lyingCylinder([0, 0, 0.03], 0.03, 0.12, Math.PI / 2);
const bowl = pot([0, 0, 0], 0.07, 0.06, 0.004);
const brick = box([0, 0, 0.03], [0.06, 0.1, 0.06], 0.3);

describe("a second view", () => {
  // The bowl's floor is as low as the table's noise.
  it.each([
    ["a ball", ball, 0.85],
    ["a lying tube", tube, 0.85],
    ["a bowl", bowl, 0.65],
    ["a brick", brick, 0.85],
  ])("finds %s again without a model, also with an error of the pose", (_, solid, least) => {
    const neighbour = box([0.02, 0.16, 0.04], [0.05, 0.05, 0.08]);
    const first = look([solid, neighbour], { eye: front });
    const other = look([solid, neighbour], { eye: back });
    expect(overlap(second(first, other).mask, other.masks[0]!)).toBeGreaterThan(least);
    expect(overlap(second(first, other, crooked).mask, other.masks[0]!)).toBeGreaterThan(least - 0.1);
  });

  it.each([
    ["a ball", ball],
    ["a lying tube", tube],
    ["a brick", brick],
  ])("covers the far side of %s", (_, solid) => {
    const first = look([solid], { eye: front });
    const alone = covered(first, [], solid);
    const fused = covered(first, [second(first, look([solid], { eye: back }))], solid);
    expect(alone).toBeLessThan(0.75);
    expect(fused).toBeGreaterThan(0.8);
    expect(fused).toBeGreaterThan(alone + 0.15);
  });

  it("leaves less of the object unseen, and the width to close on is nearer to the truth", async () => {
    let before = 0;
    let after = 0;
    const unseen: [number, number][] = [];
    for (const solid of [ball, tube, brick, sphere([0, 0, 0.025], 0.025)]) {
      const first = look([solid], { eye: front });
      const view = second(first, look([solid], { eye: back }), crooked);
      const alone = await planner.plan(first.frame, { mask: first.masks[0]! });
      const fused = await planner.plan(first.frame, { mask: first.masks[0]!, views: [view] });
      unseen.push([alone.unseen!, fused.unseen!]);
      const error = (plan: typeof alone) =>
        Math.abs(plan.grasps[0]!.objectWidth! - trueWidth(first, plan.grasps[0]!.pose, solid));
      before += error(alone);
      after += error(fused);
    }
    for (const [alone, fused] of unseen) expect(fused).toBeLessThanOrEqual(alone);
    expect(Math.max(...unseen.map(([alone]) => alone))).toBeGreaterThan(0.2);
    expect(after).toBeLessThan(before);
  });

  it("is asked for from the side that the first one does not show", async () => {
    const first = look([ball], { eye: front });
    const { nextViews } = await planner.plan(first.frame, { mask: first.masks[0]! });
    const { position, orientation } = compose(first.cameraToWorld, nextViews![0]!);
    expect(position[0]).toBeGreaterThan(0.1);
    expect(position[2]).toBeGreaterThan(0.15);
    const forward = rotate(orientation, [0, 0, 1]);
    const towards: Vec3 = [-position[0], -position[1], 0.035 - position[2]];
    expect(dot(forward, towards) / Math.hypot(...towards)).toBeGreaterThan(0.99);
    expect(Math.hypot(...towards)).toBeCloseTo(0.4, 1);
    // The image's down points down.
    expect(rotate(orientation, [0, 1, 0])[2]).toBeLessThan(0);
  });

  it("sees what stands behind the object, and no grasp goes there", async () => {
    const wall = box([0.062, 0, 0.03], [0.03, 0.09, 0.06]);
    const first = look([brick, wall], { eye: front });
    const other = look([brick, wall], { eye: back });
    const pose = compose(invert(first.cameraToWorld), other.cameraToWorld);
    const views = [{ frame: other.frame, mask: other.masks[0]!, pose }];
    const { grasps } = await planner.plan(first.frame, { mask: first.masks[0]!, views });
    expect(grasps.length).toBeGreaterThan(0);
    const inWorld = compose(first.cameraToWorld, grasps[0]!.pose);
    const m = matrixFromQuaternion(inWorld.orientation);
    for (const side of [-1, 1]) {
      const x = (side * (grasps[0]!.width + 0.012)) / 2;
      const tip = [0, 1, 2].map((k) => inWorld.position[k]! + x * m[k * 3]!);
      expect(wall(tip[0]!, tip[1]!, tip[2]!)).toBeGreaterThan(0);
    }
  });

  it("that shows something else adds nothing", async () => {
    const first = look([brick], { eye: front });
    const other = look([brick], { eye: back });
    const empty = { ...other.masks[0]!, data: new Uint8Array(other.masks[0]!.data.length) };
    const pose = compose(invert(first.cameraToWorld), other.cameraToWorld);
    const alone = await planner.plan(first.frame, { mask: first.masks[0]! });
    const fused = await planner.plan(first.frame, {
      mask: first.masks[0]!,
      views: [{ frame: other.frame, mask: empty, pose }],
    });
    expect(fused).toEqual(alone);
    const away = quaternionFromAxes([1, 0, 0], [0, -1, 0], [0, 0, -1]);
    const behind = { position: [0, 0, 0] as Vec3, orientation: away };
    expect(
      maskInSecondView(first.frame, first.masks[0]!, other.frame, behind, seededRandom(1)),
    ).toBeUndefined();
  });
});
