import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CollisionChecker,
  densely,
  describeCollision,
  IkSolver,
  Kinematics,
  PointGrid,
  parseUrdf,
  segmentDistance,
  selectChain,
  squaredToSegment,
} from "../../../src/arm/index.js";
import { seededRandom, transformPoint, type Vec3 } from "../../../src/geometry/index.js";
import { runPython } from "../../support/python.js";
import { chainOf, descriptions, home, randomConfiguration } from "./robots.js";

const urdfs = descriptions(["panda_collision", "iiwa"]);
const urdf = urdfs.panda_collision!;
const robot = parseUrdf(urdf);
const chain = chainOf("panda_collision", urdf);
const rest = home.panda_collision!;
const checker = () => new CollisionChecker(robot, chain, { reference: rest });
/** A point within one of the open fingers, 1 cm above its tip. */
const inFinger = (q: readonly number[]) =>
  transformPoint(new Kinematics(chain).forward(q), [0.047, 0, -0.01]);
const toolAt = (q: readonly number[]) => new Kinematics(chain).forward(q).position;

describe("distances", () => {
  const point = fc.tuple(
    ...[0, 1, 2].map(() => fc.double({ min: -1, max: 1, noNaN: true })),
  ) as unknown as fc.Arbitrary<Vec3>;
  const on = (a: Vec3, b: Vec3, t: number): Vec3 =>
    [0, 1, 2].map((k) => a[k]! + t * (b[k]! - a[k]!)) as unknown as Vec3;

  it("between segments is the least between their points", () => {
    fc.assert(
      fc.property(point, point, point, point, (a, b, c, d) => {
        const found = segmentDistance(a, b, c, d);
        let least = Infinity;
        for (let i = 0; i <= 40; i++) {
          const p = on(a, b, i / 40);
          least = Math.min(least, Math.sqrt(squaredToSegment(...p, ...c, ...d)));
        }
        expect(found).toBeLessThanOrEqual(least + 1e-9);
        expect(found).toBeGreaterThan(least - 0.05 * Math.hypot(...b.map((v, k) => v - a[k]!)) - 1e-9);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it("of segments without length are those of points", () => {
    expect(segmentDistance([0, 0, 0], [0, 0, 0], [3, 4, 0], [3, 4, 0])).toBe(5);
    expect(segmentDistance([0, 0, 0], [0, 0, 0], [-1, 1, 0], [1, 1, 0])).toBe(1);
    expect(segmentDistance([-1, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0])).toBe(1);
  });

  it("to the nearest seen point are those of a search through all", () => {
    const random = seededRandom(4);
    const points = Float32Array.from({ length: 1500 }, () => 2 * random() - 1);
    points.fill(Number.NaN, 6, 9);
    const grid = new PointGrid(points);
    let hits = 0;
    for (let k = 0; k < 100; k++) {
      const [a, b] = [0, 1].map(() => [0, 1, 2].map(() => 2 * random() - 1) as unknown as Vec3) as [
        Vec3,
        Vec3,
      ];
      const within = 0.02 + 0.1 * random();
      let least = Infinity;
      for (let i = 0; i < grid.points.length; i += 3) {
        const [x, y, z] = grid.points.subarray(i, i + 3) as unknown as Vec3;
        least = Math.min(least, Math.sqrt(squaredToSegment(x, y, z, ...a, ...b)));
      }
      if (least < within) hits++;
      if (least < within) expect(grid.nearest(a, b, within)).toBeCloseTo(least, 9);
      else expect(grid.nearest(a, b, within)).toBeUndefined();
    }
    expect(hits).toBeGreaterThan(10);
  });
});

it("finds every overlap of links that Coal finds in the description's own shapes", () => {
  const ours = checker();
  const random = seededRandom(21);
  const configurations = Array.from({ length: 150 }, () => randomConfiguration(chain, random));
  const task = {
    urdf,
    joints: chain.joints,
    configurations,
    fingers: { panda_finger_joint1: 0.04, panda_finger_joint2: 0.04 },
  };
  const peers = JSON.parse(
    runPython("test/unit/arm/reference/collisions.py", [], JSON.stringify(task)),
  ) as Record<string, number>[];
  // Neighbours, and the two links whose shapes overlap in the rest joint configuration, are never compared.
  const atRest = JSON.parse(
    runPython(
      "test/unit/arm/reference/collisions.py",
      [],
      JSON.stringify({ ...task, configurations: [rest] }),
    ),
  )[0] as Record<string, number>;
  const segment = new Map(chain.bodies.map((body) => [body.link, body.segment]));
  let overlaps = 0;
  let free = 0;
  for (const [i, pairs] of peers.entries()) {
    const compared = Object.entries(pairs).filter(([key]) => {
      const [a, b] = key.split("|").map((name) => segment.get(name)!) as [number, number];
      return Math.abs(a - b) > 1 && atRest[key]! > 0.03;
    });
    const least = Math.min(...compared.map(([, distance]) => distance));
    const found = ours.check(configurations[i]!);
    if (least < -0.001) {
      overlaps++;
      expect(
        found,
        `joint configuration ${i}: ${JSON.stringify(compared.filter(([, d]) => d < 0))}`,
      ).toMatchObject({
        kind: "self",
      });
    }
    if (found === undefined) free++;
  }
  expect(overlaps).toBeGreaterThan(3);
  expect(free).toBeGreaterThan(30);
});

describe("surroundings", () => {
  const table = { normal: [0, 0, 1], offset: 0 } as const;

  it("the rest joint configuration is free, over a table", () => {
    const c = checker();
    c.scene = { table, workspace: { min: [-0.5, -0.8, -0.2], max: [1, 0.8, 1.3] } };
    expect(c.check(rest)).toBeUndefined();
  });

  it("the table is seen", () => {
    const c = checker();
    c.scene = { table: { normal: [0, 0, 1], offset: -toolAt(rest)[2] } };
    expect(c.check(rest)).toMatchObject({ kind: "table", distance: expect.any(Number) });
  });

  it("a seen point in the way is seen, and the message says by what", () => {
    const c = checker();
    const [x, y, z] = inFinger(rest);
    c.scene = { obstacles: Float32Array.of(x, y, z) };
    const found = c.check(rest)!;
    expect(found.kind).toBe("obstacle");
    expect(describeCollision(found)).toMatch(
      /^panda_\w+ would (hit|come too close to) something the camera saw/,
    );
    c.scene = { obstacles: Float32Array.of(x, y, z - 0.1, Number.NaN, 0, 0) };
    expect(c.check(rest)).toBeUndefined();
  });

  it("the gripper may touch the target, the arm may not", () => {
    const c = checker();
    c.scene = { target: Float32Array.of(...inFinger(rest)) };
    expect(c.check(rest)).toMatchObject({ kind: "target" });
    expect(c.check(rest, { touchTarget: true })).toBeUndefined();
    const kinematics = new Kinematics(chain);
    kinematics.update(rest);
    c.scene = { target: Float32Array.from(kinematics.origins.subarray(9, 12)) };
    expect(c.check(rest, { touchTarget: true })).toMatchObject({ kind: "target" });
  });

  /** Bent down, the tool pointing down 100 mm above the base's plane. */
  const bent = new IkSolver(chain).solve(
    { position: [0.5, 0, 0.1], orientation: [1, 0, 0, 0] },
    { seed: rest, positionTolerance: 1e-7 },
  )!.joints;
  const tableBelowTool = (gap: number) => ({ normal: [0, 0, 1], offset: -(0.1 - gap) }) as const;

  it("points of the table do not count beside its plane", () => {
    const c = checker();
    const [x, y] = inFinger(bent);
    const cloud = Float32Array.of(x, y, 0.1 - 0.018 + 0.01);
    c.scene = { table: tableBelowTool(0.018), obstacles: cloud };
    expect(c.check(bent)).toBeUndefined();
    c.scene = { obstacles: cloud };
    expect(c.check(bent)).toBeDefined();
  });

  it("fingers, which here end 15 mm below the tool frame, may come within 2 mm of the table", () => {
    const c = checker();
    c.scene = { table: tableBelowTool(0.0175) };
    expect(c.check(bent)).toBeUndefined();
    c.scene = { table: tableBelowTool(0.0165) };
    expect(c.check(bent)).toMatchObject({ kind: "table", link: expect.stringContaining("finger") });
  });

  const boxed = parseUrdf(
    '<robot name="r"><link name="a"/><link name="b"/><link name="c"/><link name="d"><collision><origin xyz="0 0 -0.3"/><geometry><box size="0.02 0.025 0.2"/></geometry></collision></link>' +
      ["ab", "bc", "cd"]
        .map(
          ([from, to]) =>
            `<joint name="${to}" type="revolute"><parent link="${from}"/><child link="${to}"/><axis xyz="1 0 0"/><limit lower="-3" upper="3" velocity="1"/></joint>`,
        )
        .join("") +
      "</robot>",
  );

  it("fingers are where they will be: a narrow opening passes what a wide one hits", () => {
    const opened = (opening: number) =>
      selectChain(robot, {
        tip: "panda_hand_tcp",
        tool: { position: [0, 0, 0], orientation: [0, 0, Math.SQRT1_2, Math.SQRT1_2] },
        rest: { panda_finger_joint1: opening / 2, panda_finger_joint2: opening / 2 },
      });
    const c = new CollisionChecker(robot, chain, { reference: rest, opened });
    c.scene = { obstacles: Float32Array.from(inFinger(rest)) };
    expect(c.check(rest)).toMatchObject({ kind: "obstacle", link: expect.stringContaining("finger") });
    expect(c.check(rest, { opening: 0.08 })).toEqual(c.check(rest));
    expect(c.check(rest, { opening: 0.02 })).toBeUndefined();
    // A point just beside the inner face of the narrow finger.
    c.scene = {
      obstacles: Float32Array.from(transformPoint(new Kinematics(chain).forward(rest), [0.017, 0, -0.01])),
    };
    expect(c.check(rest, { opening: 0.02 })).toMatchObject({ kind: "obstacle" });
    expect(c.check(rest, { opening: 0.08 })).toBeUndefined();
    // Without the fingers' joint they stand as in the chain.
    expect(checker().check(rest, { opening: 0.02 })).toBeUndefined();
  });

  it("of a box, the corners tell how far the table is", () => {
    const c = new CollisionChecker(boxed, selectChain(boxed, { tip: "d" }));
    c.scene = { table: { normal: [0, 0, 1], offset: 0.403 } };
    expect(c.check([0, 0, 0])).toBeUndefined();
    c.scene = { table: { normal: [0, 0, 1], offset: 0.401 } };
    expect(c.check([0, 0, 0])).toMatchObject({ kind: "table", distance: expect.closeTo(0.001, 9) });
  });

  it("seen points count by their distance to the box itself, not to the capsule about it", () => {
    const c = new CollisionChecker(boxed, selectChain(boxed, { tip: "d" }));
    const random = seededRandom(5);
    const outside = (v: number, half: number) => Math.max(0, Math.abs(v) - half);
    let [hits, misses] = [0, 0];
    for (let k = 0; k < 400; k++) {
      const [x, y, z] = [0.015, 0.02, 0.105].map((reach) => (random() * 2 - 1) * reach) as [
        number,
        number,
        number,
      ];
      const distance = Math.hypot(outside(x, 0.01), outside(y, 0.0125), outside(z, 0.1));
      // The box hangs 0.3 m below an axis along x and swings by the sum of the joints.
      const angle = random() * 2 - 1;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      const [v, w] = [y, z - 0.3];
      c.scene = { obstacles: Float32Array.of(x, cos * v - sin * w, sin * v + cos * w) };
      const found = c.check([angle / 2, angle / 4, angle / 4]);
      if (Math.abs(distance - 0.002) < 1e-6) continue;
      if (distance < 0.002) {
        hits++;
        expect(found).toMatchObject({ kind: "obstacle", link: "d", distance: expect.closeTo(distance, 6) });
      } else {
        misses++;
        expect(found).toBeUndefined();
      }
    }
    expect(Math.min(hits, misses)).toBeGreaterThan(50);
  });

  it("the border of the workspace holds for the whole arm", () => {
    const c = checker();
    c.scene = { workspace: { min: [-0.5, -0.8, -0.2], max: [1, 0.8, 0.7] } };
    expect(c.check(rest)).toMatchObject({ kind: "workspace" });
  });

  it("the robot's own points are taken out of a cloud", () => {
    const c = checker();
    const [x, y, z] = inFinger(rest);
    const cloud = Float32Array.of(x, y, z, x + 0.3, y, z);
    expect([...c.withoutRobot(cloud, rest)]).toEqual([...cloud.subarray(3)]);
  });

  it("a way is checked between its ends", () => {
    const c = checker();
    const to = [1.5, ...rest.slice(1)];
    const middle = [0.75, ...rest.slice(1)];
    c.scene = { obstacles: Float32Array.from(inFinger(middle)) };
    expect(c.checkAll([rest, to])).toBeUndefined();
    expect(c.checkAll(densely([rest, to]))).toMatchObject({ kind: "obstacle" });
  });
});

it("a robot whose shapes are meshes gets capsules between its joints", () => {
  const iiwa = parseUrdf(urdfs.iiwa!);
  const c = new CollisionChecker(iiwa, chainOf("iiwa", urdfs.iiwa!), { meshRadius: 0.06 });
  expect(c.body.length).toBeGreaterThanOrEqual(6);
  c.scene = { table: { normal: [0, 0, 1], offset: 0 } };
  expect(c.check(home.iiwa!)).toBeUndefined();
  expect(c.check([0, 2.05, 0, 0, 0, 0, 0])).toMatchObject({ kind: "table" });
});
