import { expect, it } from "vitest";
import { placeGoals, takenBy, withoutHeld } from "../../../src/arm/index.js";
import { type Pose, transformPoints, type Vec3 } from "../../../src/geometry/index.js";

/** The tool points down, turned a little about the upright axis. */
const pose: Pose = { position: [0.5, 0.1, 0.06], orientation: [Math.cos(0.2), Math.sin(0.2), 0, 0] };
const goal = { pose, width: 0.06, objectWidth: 0.03 };
const points = Float32Array.from([0.48, 0.1, 0.1, 0.52, 0.12, 0.02]);
const camera: Pose = { position: [0, 0, 0], orientation: [0, 0, 0, 1] };

it("a place carries the object as it was taken: put back, its points are where they were", () => {
  const taken = takenBy(goal, points);
  const [back] = placeGoals(taken, "back", camera, [0, 0, 0]);
  expect(back!.pose).toEqual(pose);
  const stands = transformPoints(back!.pose, back!.held!);
  for (const [i, v] of stands.entries()) expect(v).toBeCloseTo(points[i]!, 5);
});

it("here is below the gripper, at the height at which it was taken", () => {
  const [here] = placeGoals(takenBy(goal, points), "here", camera, [0.3, -0.2, 0.5]);
  expect(here!.pose).toEqual({ ...pose, position: [0.3, -0.2, 0.06] });
});

it("what stands around where it was taken stays an obstacle; what is in the hand is none", () => {
  const tool: Vec3 = [0.3, 0, 0.5];
  const neighbour = [0.55, 0.1, 0.05];
  const inHand = [0.3, 0.01, 0.48];
  const obstacles = Float32Array.from([...neighbour, ...inHand]);
  const scene = withoutHeld({ obstacles }, takenBy(goal, points), tool);
  expect(Array.from(scene.obstacles!)).toEqual(Array.from(Float32Array.from(neighbour)));
});
