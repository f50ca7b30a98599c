import { describe, expect, it } from "vitest";
import { compose, invert, type Points, transformPoint, type Vec3 } from "../../../src/geometry/index.js";
import {
  heldInCamera,
  type PlacePlan,
  type PlaceRelation,
  planPlace,
  upInCamera,
} from "../../../src/grasping/index.js";
import { box, cylinder, look, pot, type Solid, sphere, type View } from "../../support/raycast.js";

/** A block of 4 cm, held from above by its middle. */
const half = 0.02;
const block: Points = Float32Array.from(
  [-1, -0.5, 0, 0.5, 1].flatMap((x) =>
    [-1, -0.5, 0, 0.5, 1].flatMap((y) => [-1, 0, 1].flatMap((z) => [x * half, y * half, z * half])),
  ),
);
/** The tool points down. */
const down = [1, 0, 0, 0] as const;

const see = (solids: readonly Solid[], at: Vec3 = [0, 0, 0]): View =>
  look(solids, { eye: [0.55, 0, 0.55], at });

function place(view: View, relation: PlaceRelation, landmarks: readonly number[], held = block): PlacePlan {
  return planPlace(view.frame, {
    relation,
    landmarks: landmarks.map((i) => view.masks[i]!),
    held: heldInCamera(held, down, view.cameraToWorld),
    up: upInCamera(view.cameraToWorld),
  });
}

/** Where the tool goes, in the world. */
const placesOf = (view: View, { spots }: PlacePlan): Vec3[] =>
  spots.map(({ pose }) => transformPoint(view.cameraToWorld, pose.position));

/** The camera stands at +x and looks to -x: the viewer's left is -y, nearer is +x. */
describe("a place beside an object", () => {
  const can = cylinder([0, 0, 0.05], 0.033, 0.1);
  const view = see([can]);

  it.each([
    ["left of", [0, -1]],
    ["right of", [0, 1]],
    ["in front of", [1, 0]],
  ] as const)("lies %s it, on the table and close", (relation, [dx, dy]) => {
    const places = placesOf(view, place(view, relation, [0]));
    expect(places.length).toBeGreaterThan(0);
    for (const [x, y, z] of places) {
      const along = x * dx + y * dy;
      expect(along).toBeGreaterThan(0.033 + half);
      expect(along).toBeLessThan(0.033 + half + 0.16);
      expect(Math.abs(x * dy - y * dx)).toBeLessThan(0.9 * along);
      // The block's underside is let go just above the table.
      expect(z - half).toBeGreaterThan(0);
      expect(z - half).toBeLessThan(0.015);
    }
  });

  it("keeps what is held upright: the tool stays as it was, or is turned about the upright axis alone", () => {
    const { spots } = place(view, "next to", [0]);
    for (const { pose } of spots) {
      const inWorld = compose(view.cameraToWorld, pose);
      const approach = transformPoint({ position: [0, 0, 0], orientation: inWorld.orientation }, [0, 0, 1]);
      expect(approach[2]).toBeLessThan(-0.99);
    }
  });

  it("is free of other objects", () => {
    const other = box([0, -0.1, 0.04], [0.08, 0.08, 0.08]);
    const both = see([can, other]);
    for (const [x, y] of placesOf(both, place(both, "next to", [0])))
      expect(Math.max(Math.abs(x) - 0.04, Math.abs(y + 0.1) - 0.04)).toBeGreaterThan(half);
  });

  it("is never where the camera does not see, behind a tall box", () => {
    const tall = box([0, 0, 0.15], [0.1, 0.3, 0.3]);
    const hidden = see([tall]);
    for (const [x] of placesOf(hidden, place(hidden, "next to", [0]))) expect(x).toBeGreaterThan(-0.05);
  });

  it("lies between two objects", () => {
    const two = see([cylinder([0, -0.12, 0.05], 0.03, 0.1), cylinder([0, 0.12, 0.05], 0.03, 0.1)]);
    const [best] = placesOf(two, place(two, "between", [0, 1]));
    expect(Math.abs(best![1])).toBeLessThan(0.04);
    expect(Math.abs(best![0])).toBeLessThan(0.06);
  });

  it("has a reason when there is no room", () => {
    const tight = see([can, box([0.17, 0, 0.03], [0.22, 0.5, 0.06])]);
    const long = block.map((v, i) => (i % 3 === 1 ? v * 6 : v));
    expect(place(tight, "in front of", [0], long)).toMatchObject({
      spots: [],
      reason: "there is no free place for it",
    });
  });
});

describe("a place that was pointed at", () => {
  const view = see([box([0, 0, 0.05], [0.1, 0.1, 0.1])]);
  const held = heldInCamera(block, down, view.cameraToWorld);
  const at = (point: Vec3) =>
    planPlace(view.frame, {
      relation: "anywhere",
      landmarks: [],
      held,
      near: transformPoint(invert(view.cameraToWorld), point),
      up: upInCamera(view.cameraToWorld),
    });

  it("is there, where the table is bare", () => {
    const [best] = placesOf(view, at([0.1, 0.12, 0]));
    expect(Math.hypot(best![0] - 0.1, best![1] - 0.12)).toBeLessThan(0.012);
    expect(best![2] - half).toBeLessThan(0.015);
  });

  it("is moved a little, out of the room that an object needs", () => {
    const places = placesOf(view, at([0.07, 0, 0]));
    expect(places.length).toBeGreaterThan(0);
    for (const [x, y] of places) {
      expect(Math.hypot(x - 0.07, y)).toBeLessThan(0.06);
      expect(x).toBeGreaterThan(0.05 + half);
    }
  });

  it("has a reason where an object stands", () => {
    expect(at([0, 0, 0.1])).toEqual({ spots: [], reason: "there is no free place for it" });
  });
});

describe("a place on an object", () => {
  it("is level and near its middle, at its height", () => {
    const view = see([box([0.02, 0.03, 0.03], [0.18, 0.14, 0.06], 0.4)]);
    const [best] = placesOf(view, place(view, "on", [0]));
    expect(Math.hypot(best![0] - 0.02, best![1] - 0.03)).toBeLessThan(0.04);
    expect(best![2] - half).toBeGreaterThan(0.06);
    expect(best![2] - half).toBeLessThan(0.075);
  });

  it("is refused on a ball", () => {
    const view = see([sphere([0, 0, 0.025], 0.025)]);
    expect(place(view, "on", [0]).spots).toEqual([]);
  });
});

describe("a place in a container", () => {
  const bowl = pot([0.02, -0.03, 0], 0.07, 0.06, 0.005);
  const view = see([bowl]);

  it("is in the middle of the opening, on the floor first and then higher", () => {
    const places = placesOf(view, place(view, "in", [0]));
    expect(places.length).toBeGreaterThan(1);
    for (const [x, y] of places) expect(Math.hypot(x - 0.02, y + 0.03)).toBeLessThan(0.012);
    expect(places[0]![2] - half).toBeLessThan(0.025);
    expect(places[0]![2] - half).toBeGreaterThan(0.004);
    expect(Math.max(...places.map(([, , z]) => z)) - half).toBeGreaterThan(0.06);
  });

  it("refuses what is too big for the opening", () => {
    const big = block.map((v, i) => (i % 3 === 2 ? v : v * 4.5));
    expect(place(view, "in", [0], big)).toMatchObject({ spots: [], reason: "it is too big for the opening" });
  });

  it("lets what is longer than the opening go above the rim", () => {
    const long = block.map((v, i) => (i % 3 === 0 ? v * 5 : v));
    const places = placesOf(view, place(view, "in", [0], long));
    for (const [, , z] of places) expect(z - half).toBeGreaterThan(0.055);
    expect(places.length).toBeGreaterThan(0);
  });
});

it("says why there is no place without depth, and without the landmark", () => {
  const view = see([cylinder([0, 0, 0.05], 0.03, 0.1)]);
  const held = heldInCamera(block, down, view.cameraToWorld);
  const { depth, ...flat } = view.frame;
  expect(depth).toBeDefined();
  expect(planPlace(flat, { relation: "on", landmarks: [], held }).reason).toMatch(/depth/);
  expect(planPlace(view.frame, { relation: "on", landmarks: [], held }).reason).toMatch(/not found/);
});
