import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../../src/arm/index.js";
import { seededRandom } from "../../../src/geometry/index.js";
import { JointStates } from "../../../src/ros/arm/joint-states.js";

const joints = ["a", "b", "c", "d"];
/** Joint speeds end at this; the supervisor allows a little more before it stops the arm. */
const limit = 1;
const alarm = limit * (1 + defaultLimits.speedSlack);

/** A driver's oddities. */
const driver = fc.record({
  seed: fc.nat(),
  rate: fc.constantFrom(50, 100, 125, 250, 500, 1000),
  jitter: fc.double({ min: 0, max: 0.02, noNaN: true }),
  /** Messages that are delivered together in any order. */
  shuffle: fc.integer({ min: 1, max: 5 }),
  publishers: fc.constantFrom(1, 2),
  velocities: fc.boolean(),
});

type Driver = typeof driver extends fc.Arbitrary<infer T> ? T : never;

/** Accelerates, goes at the limit, brakes and rests, joint by joint at another time; the whole takes two seconds. */
function profile(t: number, joint: number): { position: number; velocity: number } {
  const ramp = 0.2;
  const from = 0.2 + joint * 0.05;
  const at = Math.min(Math.max(t - from, 0), 1 + ramp);
  const up = Math.min(at, ramp);
  const flat = Math.min(Math.max(at - ramp, 0), 1 - ramp);
  const down = Math.min(Math.max(at - 1, 0), ramp);
  const position = (up * up) / (2 * ramp) + flat + (down - (down * down) / (2 * ramp));
  const velocity = at >= 1 + ramp ? 0 : down > 0 ? 1 - down / ramp : up / ramp;
  return { position: limit * position, velocity: limit * velocity };
}

/** Plays a driver's messages of `seconds`; `look` sees each state that the joints' memory gives. */
function play(
  { seed, rate, jitter, shuffle, publishers, velocities }: Driver,
  seconds: number,
  motion: (t: number, joint: number) => { position: number; velocity: number },
  look: (
    reading: { at: number; positions: readonly number[]; velocities: readonly number[] },
    t: number,
  ) => void,
): void {
  const random = seededRandom(seed);
  const states = new JointStates();
  const waiting: { at: number; names: string[]; t: number }[] = [];
  for (let t = 0; t < seconds; t += 1 / rate) {
    for (let p = 0; p < publishers; p++) {
      const names = joints.filter((_, i) => i % publishers === p);
      waiting.push({ at: 100 + t + (random() - 0.5) * jitter, names, t });
    }
    if (waiting.length < shuffle) continue;
    for (const { at, names, t: when } of waiting.sort(() => random() - 0.5).splice(0)) {
      const state = names.map((name) => motion(when, joints.indexOf(name)));
      states.add(
        {
          name: names,
          position: state.map((each) => each.position),
          velocity: velocities ? state.map((each) => each.velocity) : [],
        },
        at,
      );
    }
    const reading = states.reading(joints);
    if (reading !== undefined) look(reading, t);
  }
}

describe("joint states of real drivers", () => {
  it("raise no false alarm of speed, and follow the joints", () => {
    fc.assert(
      fc.property(driver, (given) => {
        const worst = { off: 0, fast: 0, late: 0 };
        play(given, 2, profile, ({ at, positions, velocities }, t) => {
          for (const [i, position] of positions.entries())
            worst.off = Math.max(worst.off, Math.abs(position - profile(t, i).position));
          worst.fast = Math.max(worst.fast, ...velocities.map(Math.abs));
          worst.late = Math.max(worst.late, Math.abs(at - 100 - t));
        });
        const delay = given.jitter + (given.shuffle + 1) / given.rate + 1e-9;
        expect(worst.off).toBeLessThan(limit * delay);
        expect(worst.fast).toBeLessThanOrEqual(alarm);
        expect(worst.late).toBeLessThan(delay);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it("are at rest soon after the joints are, and not while all move fast", () => {
    fc.assert(
      fc.property(driver, (given) => {
        play(given, 2.2, profile, ({ velocities }, t) => {
          const rests = velocities.every((v) => Math.abs(v) <= defaultLimits.stillBelow);
          if (t > 1.55 + 0.35) expect(rests).toBe(true);
          if (t > 0.8 && t < 1.1) expect(rests).toBe(false);
        });
      }),
      { numRuns: 200, seed: 8 },
    );
  });

  it("show a joint that goes at twice its limit within 0.4 s", () => {
    const runaway = (t: number) => ({ position: 2 * limit * t, velocity: 2 * limit });
    fc.assert(
      fc.property(driver, (given) => {
        let seen = Number.POSITIVE_INFINITY;
        play(given, 1, runaway, ({ velocities }, t) => {
          if (velocities.some((v) => v > alarm)) seen = Math.min(seen, t);
        });
        expect(seen).toBeLessThan(0.4);
      }),
      { numRuns: 200, seed: 9 },
    );
  });

  it("raise no alarm when messages without stamps wait together while this process is held up", () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0.02, max: 0.3, noNaN: true }), (seed, heldUp) => {
        const random = seededRandom(seed);
        const states = new JointStates();
        let [arrival, until] = [0, 0];
        for (let t = 0; t < 2; t += 0.005) {
          if (t >= until && random() < 0.01) until = t + heldUp;
          // Those that waited arrive one right after the other.
          arrival = Math.max(t, until, arrival) + 1e-5;
          states.add({ name: ["a"], position: [profile(t, 0).position], velocity: [] }, arrival);
          expect(Math.abs(states.reading(["a"])!.velocities[0]!)).toBeLessThanOrEqual(alarm);
        }
      }),
      { numRuns: 200, seed: 10 },
    );
  });

  it("take a velocity that is missing, not a number or given for some joints only", () => {
    const states = new JointStates();
    for (let i = 0; i < 100; i++)
      states.add({ name: ["a", "b"], position: [i * 0.005, i * 0.01], velocity: [Number.NaN] }, i * 0.01);
    expect(states.reading(["a", "b"])!.velocities[0]).toBeCloseTo(0.5, 6);
    expect(states.reading(["a", "b"])!.velocities[1]).toBeCloseTo(1, 6);
    expect(states.add({ name: ["a"], position: [], velocity: [] }, 2)).toBe(false);
  });
});
