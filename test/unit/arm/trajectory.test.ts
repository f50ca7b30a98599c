import { expect, it } from "vitest";
import {
  type JointPath,
  type MotionLimits,
  pathRange,
  splinePath,
  timeParametrise,
} from "../../../src/arm/index.js";
import { seededRandom } from "../../../src/geometry/index.js";
import { runPython } from "../../support/python.js";

/** Franka's published limits of the Panda. */
const panda = {
  velocity: [2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61],
  acceleration: [15, 7.5, 10, 12.5, 15, 20, 20],
  jerk: [7500, 3750, 5000, 6250, 7500, 10000, 10000],
};

function randomPaths(count: number): JointPath[] {
  const random = seededRandom(42);
  return Array.from({ length: count }, (_, i) => {
    const waypoints = Array.from({ length: 2 + (i % 5) }, () =>
      Array.from({ length: 7 }, () => 3 * random() - 1.5),
    );
    return splinePath(waypoints);
  });
}

it("the range of a path is that of its points, what lies between the waypoints included", () => {
  const q = new Float64Array(7);
  for (const path of randomPaths(20)) {
    const { min, max } = pathRange(path);
    const low = new Float64Array(7).fill(Infinity);
    const high = new Float64Array(7).fill(-Infinity);
    for (let k = 0; k <= 4000; k++) {
      path.evaluate((path.length * k) / 4000, q);
      for (let j = 0; j < 7; j++) {
        low[j] = Math.min(low[j]!, q[j]!);
        high[j] = Math.max(high[j]!, q[j]!);
      }
    }
    for (let j = 0; j < 7; j++) {
      expect(min[j]).toBeLessThanOrEqual(low[j]! + 1e-12);
      expect(max[j]).toBeGreaterThanOrEqual(high[j]! - 1e-12);
      expect(low[j]! - min[j]! + max[j]! - high[j]!).toBeLessThan(1e-5);
    }
  }
});

interface Answer {
  readonly duration: number;
  readonly usage: { velocity: number; acceleration: number; jerk?: number };
}

function peers(paths: readonly JointPath[], limits: MotionLimits): (Answer & { ours: number })[] {
  const timed = paths.map((path) => timeParametrise(path, limits));
  const tasks = timed.map(({ path, duration, at }, i) => ({
    ...limits,
    knots: [...path.knots],
    coefficients: pieces(path),
    samples: Array.from({ length: Math.ceil(duration * 1000) + 1 }, (_, k) =>
      timed[i]!.at(k / 1000).positions.map((v) => v),
    ),
    at: undefined as unknown as typeof at,
  }));
  const answers = JSON.parse(
    runPython("test/unit/arm/reference/time_paths.py", [], JSON.stringify({ paths: tasks })),
  ) as Answer[];
  return answers.map((answer, i) => ({ ...answer, ours: timed[i]!.duration }));
}

const pieces = ({ knots, joints, coefficients }: JointPath): number[][][] =>
  Array.from({ length: knots.length - 1 }, (_, k) =>
    Array.from({ length: joints }, (_, j) => [
      ...coefficients.subarray((k * joints + j) * 4, (k * joints + j) * 4 + 4),
    ]),
  );

it("under velocity and acceleration limits it takes at most 1.25 times toppra's time, and keeps them", () => {
  const { velocity, acceleration } = panda;
  for (const { duration, ours, usage } of peers(randomPaths(10), { velocity, acceleration })) {
    expect(ours / duration).toBeLessThan(1.25);
    expect(usage.velocity).toBeLessThanOrEqual(1);
    expect(usage.acceleration).toBeLessThanOrEqual(1.001);
  }
});

it("with the Panda's jerk limits too", () => {
  for (const { duration, ours, usage } of peers(randomPaths(10), panda)) {
    expect(ours / duration).toBeLessThan(1.25);
    for (const share of Object.values(usage)) expect(share).toBeLessThanOrEqual(1.001);
  }
});

it("tight jerk limits are kept, at the price of time", () => {
  const tight = { ...panda, jerk: panda.acceleration.map((a) => 8 * a) };
  for (const { duration, ours, usage } of peers(randomPaths(6), tight)) {
    expect(ours).toBeGreaterThan(duration);
    expect(ours / duration).toBeLessThan(1.25);
    for (const share of Object.values(usage)) expect(share).toBeLessThanOrEqual(1.001);
  }
});

it("a straight move of one joint is the seven-phase profile", () => {
  // 1 rad with v 1, a 2, j 10: ramps of v/a + a/j = 0.7 s, cruise in between.
  const limits = { velocity: [1], acceleration: [2], jerk: [10] };
  const { duration } = timeParametrise(splinePath([[0], [2]]), limits);
  expect(duration).toBeCloseTo(2 / 1 + 1 / 2 + 2 / 10, 1);
  expect(duration).toBeGreaterThan(2.69);
});

it("starts and ends exactly, at rest, and rests outside its time", () => {
  const [path] = randomPaths(1);
  const trajectory = timeParametrise(path!, panda);
  const [first, last] = [trajectory.at(-1), trajectory.at(trajectory.duration + 1)];
  const q = new Float64Array(7);
  path!.evaluate(0, q);
  for (const [i, v] of first.positions.entries()) expect(v).toBeCloseTo(q[i]!, 12);
  path!.evaluate(path!.length, q);
  for (const [i, v] of last.positions.entries()) expect(v).toBeCloseTo(q[i]!, 12);
  expect([...first.velocities, ...last.velocities]).toEqual(Array(14).fill(0));
  const points = trajectory.points(0.02);
  expect(points[0]!.t).toBe(0);
  expect(points.at(-1)!.t).toBe(trajectory.duration);
  for (const [i, point] of points.slice(1).entries())
    expect(point.t - points[i]!.t).toBeLessThanOrEqual(0.02);
});

it("velocities and accelerations are the derivatives of the positions", () => {
  const trajectory = timeParametrise(randomPaths(3)[2]!, panda);
  const h = 1e-5;
  for (let k = 1; k < 40; k++) {
    const t = (trajectory.duration * k) / 40 + 0.00123;
    const [a, b, c] = [trajectory.at(t - h), trajectory.at(t), trajectory.at(t + h)];
    for (let j = 0; j < 7; j++) {
      expect((c.positions[j]! - a.positions[j]!) / (2 * h)).toBeCloseTo(b.velocities[j]!, 5);
      const measured = (c.velocities[j]! - a.velocities[j]!) / (2 * h);
      expect(Math.abs(measured - b.accelerations[j]!)).toBeLessThan(0.2);
    }
  }
});

it("a limit on the rate along the path is kept", () => {
  const path = splinePath([Array(7).fill(0), Array(7).fill(1)]);
  const trajectory = timeParametrise(path, { ...panda, rate: () => 0.2 });
  expect(trajectory.duration).toBeGreaterThan(path.length / 0.2);
  expect(Math.max(...trajectory.points(0.01).map((p) => Math.hypot(...p.velocities)))).toBeLessThanOrEqual(
    0.2,
  );
});

it("no way is no motion", () => {
  const trajectory = timeParametrise(splinePath([Array(7).fill(1), Array(7).fill(1)]), panda);
  expect(trajectory.duration).toBe(0);
  expect(trajectory.at(0).positions).toEqual(Array(7).fill(1));
  expect(trajectory.points(0.1)).toHaveLength(1);
});

it("what makes no sense is refused", () => {
  expect(() => splinePath([])).toThrow(RangeError);
  expect(() => splinePath([[Number.NaN]])).toThrow(RangeError);
  expect(() => timeParametrise(splinePath([[0], [1]]), { velocity: [0], acceleration: [1] })).toThrowError(
    "positive",
  );
});
