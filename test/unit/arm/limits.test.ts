import { describe, expect, it } from "vitest";
import {
  Arm,
  type ArmController,
  type Clock,
  CollisionChecker,
  defaultLimits,
  IkSolver,
  Kinematics,
  type MotionLimits,
  moveThrough,
  parseUrdf,
  SafetySupervisor,
  type Scene,
  SimulatedController,
  SimulatedGripper,
  selectChain,
  splinePath,
  Teleop,
  type Trajectory,
  timeParametrise,
} from "../../../src/arm/index.js";
import { seededRandom } from "../../../src/geometry/index.js";

describe("trajectories against the formulas of textbooks", () => {
  /** Position of a trapezoidal profile over distance d at time t: Siciliano et al., Robotics, 4.2.1. */
  const trapezoid = (d: number, v: number, a: number) => {
    const peak = Math.min(v, Math.sqrt(d * a));
    const ramp = peak / a;
    const duration = d / peak + ramp;
    const at = (t: number): number =>
      t < ramp
        ? (a * t * t) / 2
        : t < duration - ramp
          ? peak * (t - ramp / 2)
          : d - (a * (duration - t) ** 2) / 2;
    return { duration, at };
  };

  it.each([
    [2, 1, 2],
    [0.25, 1, 2],
    [3, 0.5, 4],
    [-1.5, 2, 1],
  ])("one joint over %f rad with %f rad/s and %f rad/s² goes by the trapezoid", (d, v, a) => {
    const { duration, at } = trapezoid(Math.abs(d), v, a);
    const trajectory = moveThrough([[1], [1 + d]], { velocity: [v], acceleration: [a] });
    expect(trajectory.duration).toBeGreaterThanOrEqual(duration);
    expect(trajectory.duration).toBeLessThan(duration * 1.005);
    for (let k = 0; k <= 20; k++) {
      const point = trajectory.at((trajectory.duration * k) / 20);
      expect(Math.abs(point.positions[0]! - 1 - Math.sign(d) * at((duration * k) / 20))).toBeLessThan(0.005);
    }
  });

  it("joints that start and end together take as long as the slowest of them", () => {
    const limits = { velocity: [1, 1, 3], acceleration: [2, 8, 2] };
    const { duration } = trapezoid(2, 1, 2);
    const trajectory = moveThrough(
      [
        [0, 0, 0],
        [2, -1, 0.5],
      ],
      limits,
    );
    expect(trajectory.duration / duration).toBeGreaterThanOrEqual(1);
    expect(trajectory.duration / duration).toBeLessThan(1.005);
  });

  it.each([
    // Distance, velocity, acceleration, jerk, and the textbook's time: Biagiotti and Melchiorri, Trajectory Planning, 3.4.
    [2, 1, 2, 10, 2 / 1 + 1 / 2 + 2 / 10],
    [4, 1, 2, 4, 4 / 1 + 1 / 2 + 2 / 4],
    [1, 5, 2, 100, 2 / 100 + Math.sqrt((2 / 100) ** 2 + 4 / 2)],
  ])("with a jerk limit %f rad takes the seven phases' time", (d, v, a, j, duration) => {
    const trajectory = moveThrough([[0], [d]], { velocity: [v], acceleration: [a], jerk: [j] });
    expect(trajectory.duration / duration).toBeGreaterThan(0.999);
    expect(trajectory.duration / duration).toBeLessThan(1.06);
  });
});

/** Largest use of each limit, by differences of the positions alone. */
function used(trajectory: Trajectory, limits: MotionLimits) {
  const h = trajectory.duration / 4000;
  const q = Array.from({ length: 4001 }, (_, k) => trajectory.at(k * h).positions);
  const differences = (values: readonly (readonly number[])[]) =>
    values.slice(1).map((value, k) => value.map((x, i) => (x - values[k]![i]!) / h));
  const [v, a, j] = [differences(q), differences(differences(q)), differences(differences(differences(q)))];
  const share = (values: readonly (readonly number[])[], by: readonly number[] | undefined) =>
    Math.max(...values.flatMap((value) => value.map((x, i) => Math.abs(x) / (by?.[i] ?? Infinity))));
  return {
    velocity: share(v, limits.velocity),
    acceleration: share(a, limits.acceleration),
    jerk: share(j, limits.jerk),
  };
}

describe("trajectories along curves", () => {
  const random = seededRandom(8);
  const path = () =>
    splinePath(Array.from({ length: 4 }, () => Array.from({ length: 2 }, () => 2 * random() - 1)));
  const paths = [path(), path()];
  const limits = { velocity: [1, 1.5], acceleration: [4, 3] };
  it("keep velocity and acceleration limits and use one of them up", () => {
    for (const each of paths) {
      const use = used(timeParametrise(each, limits), limits);
      expect(use.velocity).toBeLessThanOrEqual(1.0001);
      expect(use.acceleration).toBeLessThanOrEqual(1.01);
      expect(Math.max(use.velocity, use.acceleration)).toBeGreaterThan(0.97);
    }
  });

  it("keep jerk limits too, without wasting time", () => {
    for (const each of paths) {
      const jerky = timeParametrise(each, limits);
      for (const factor of [12, 40]) {
        const by = { ...limits, jerk: limits.acceleration.map((a) => a * factor) };
        const smooth = timeParametrise(each, by);
        const use = used(smooth, by);
        expect(use.velocity).toBeLessThanOrEqual(1.0001);
        expect(use.acceleration).toBeLessThanOrEqual(1.001);
        expect(use.jerk).toBeLessThanOrEqual(1.01);
        expect(Math.max(use.velocity, use.acceleration, use.jerk)).toBeGreaterThan(0.9);
        // At least as long as without the limit; a ramp of a/j for each of its few changes of acceleration more.
        expect(smooth.duration).toBeGreaterThan(jerky.duration * 0.999);
        expect(smooth.duration).toBeLessThan(jerky.duration + 6 / factor);
      }
    }
  });

  it("say velocities and accelerations that are the positions' derivatives", () => {
    const trajectory = timeParametrise(paths[0]!, { ...limits, jerk: [60, 50] });
    const h = 1e-5;
    for (let k = 1; k < 30; k++) {
      const t = (trajectory.duration * k) / 30 + 0.00077;
      const [a, b, c] = [trajectory.at(t - h), trajectory.at(t), trajectory.at(t + h)];
      expect(b.t).toBe(t);
      for (let j = 0; j < 2; j++) {
        expect((c.positions[j]! - a.positions[j]!) / (2 * h)).toBeCloseTo(b.velocities[j]!, 5);
        expect(Math.abs((c.velocities[j]! - a.velocities[j]!) / (2 * h) - b.accelerations[j]!)).toBeLessThan(
          0.02,
        );
      }
    }
  });

  it("keep a limit on the rate along the path, where there is one", () => {
    const line = splinePath([
      [0, 0],
      [3, 4],
    ]);
    // Slow up to 2.3 of 5, then faster and faster, until the first joint's limit allows no more than 1 / 0.6.
    const rate = (s: number) => 0.5 + 3 * Math.max(0, s - 2.3);
    const most = 1 / 0.6;
    const until = 2.3 + (most - 0.5) / 3;
    const wanted = 2.3 / 0.5 + Math.log(most / 0.5) / 3 + (5 - until) / most;
    for (const jerk of [undefined, [400, 300]]) {
      const by = { velocity: [1, 1.5], acceleration: [40, 30], rate, ...(jerk && { jerk }) };
      const trajectory = timeParametrise(line, by);
      expect(trajectory.duration).toBeGreaterThan(wanted);
      expect(trajectory.duration).toBeLessThan(wanted * 1.08);
      for (const { positions, velocities } of trajectory.points(0.01)) {
        const s = Math.hypot(...positions);
        expect(Math.hypot(...velocities)).toBeLessThanOrEqual(Math.min(rate(s), most) * 1.001);
      }
    }
  });

  it("begin and end at rest, exactly at the ends, and rest before and after", () => {
    for (const jerk of [undefined, [60, 50]]) {
      const trajectory = timeParametrise(paths[1]!, { ...limits, ...(jerk && { jerk }) });
      const q = new Float64Array(2);
      for (const [t, s] of [
        [-1, 0],
        [0, 0],
        [trajectory.duration, paths[1]!.length],
        [trajectory.duration + 3, paths[1]!.length],
      ] as const) {
        paths[1]!.evaluate(s, q);
        const { positions, velocities, accelerations } = trajectory.at(t);
        for (let i = 0; i < 2; i++) expect(Math.abs(positions[i]! - q[i]!)).toBeLessThan(1e-12);
        expect([...velocities, ...accelerations]).toEqual([0, 0, 0, 0]);
      }
    }
  });

  it("are given as evenly spaced points, none further apart than asked", () => {
    const trajectory = moveThrough([[0], [2]], { velocity: [1], acceleration: [2] });
    for (const interval of [0.02, 0.3, 10, trajectory.duration / 8]) {
      const times = trajectory.points(interval).map(({ t }) => t);
      const count = Math.max(1, Math.ceil(trajectory.duration / interval - 1e-6));
      expect(times).toHaveLength(count + 1);
      for (const [k, t] of times.entries()) expect(t).toBeCloseTo((trajectory.duration * k) / count, 12);
    }
  });

  it("without a way are a single point at rest", () => {
    const still = moveThrough([[1, 2]], limits);
    expect([still.duration, still.path.joints]).toEqual([0, 2]);
    const resting = { positions: [1, 2], velocities: [0, 0], accelerations: [0, 0] };
    expect(still.at(0.5)).toEqual({ t: 0.5, ...resting });
    expect(still.points(0.1)).toEqual([{ t: 0, ...resting }]);
  });

  it("need limits above zero", () => {
    const line = [[0], [1]];
    const good = { velocity: [1], acceleration: [1], jerk: [1] };
    expect(moveThrough(line, good).duration).toBeGreaterThan(1);
    for (const bad of [0, -1, Number.NaN])
      for (const name of ["velocity", "acceleration", "jerk"])
        expect(() => moveThrough(line, { ...good, [name]: [bad] })).toThrow(
          expect.objectContaining({ code: "ARM_CONFIG" }),
        );
    expect(() =>
      moveThrough(
        [
          [0, 0],
          [1, 1],
        ],
        { velocity: [1, 0], acceleration: [1, 1] },
      ),
    ).toThrow(/positive/);
  });
});

/** A gantry: its tool moves by x, y and z as its joints do, so that what teleop sends can be told by hand. */
const slide = (name: string, axis: string, parent: string, child: string) => `
  <joint name="${name}" type="prismatic"><parent link="${parent}"/><child link="${child}"/><axis xyz="${axis}"/>
    <limit lower="-1" upper="1" effort="10" velocity="0.5"/></joint>
  <link name="${child}"><collision><geometry><sphere radius="0.01"/></geometry></collision></link>`;
const gantry = `<robot name="gantry"><link name="base"/>
  ${slide("x", "1 0 0", "base", "a")}${slide("y", "0 1 0", "a", "b")}${slide("z", "0 0 1", "b", "c")}
  <joint name="mount" type="fixed"><parent link="c"/><child link="ball"/></joint>
  <link name="ball"><collision><geometry><sphere radius="0.05"/></geometry></collision></link></robot>`;

describe("teleop on a gantry", () => {
  const workspace = { min: [-2, -2, -2], max: [2, 2, 2] } as const;
  function given(over: Partial<ArmController> = {}, start: readonly number[] = [0, 0, 0]) {
    let time = 10;
    const clock: Clock = {
      now: () => time,
      sleep: async (seconds) => {
        time += seconds;
      },
    };
    const robot = parseUrdf(gantry);
    const chain = selectChain(robot, { tip: "ball" });
    const simulated = new SimulatedController({ joints: chain.joints, start, clock });
    const controller: ArmController = Object.assign(Object.create(simulated) as object, {
      joints: simulated.joints,
      reading: () => simulated.reading(),
      follow: (points: Parameters<typeof simulated.follow>[0]) => simulated.follow(points),
      stop: () => simulated.stop(),
      drive: (velocities: readonly number[], seconds: number) => {
        sent.push({ velocities: [...velocities], seconds });
        simulated.drive(velocities, seconds);
      },
      ...over,
    }) as ArmController;
    const sent: { velocities: number[]; seconds: number }[] = [];
    const supervisor = new SafetySupervisor({
      ...defaultLimits,
      workspace,
      lower: chain.lower,
      upper: chain.upper,
      velocity: chain.velocity,
      lease: 60,
    });
    const checker = new CollisionChecker(robot, chain, { reference: [0, 0, 0] });
    const arm = new Arm({
      solver: new IkSolver(chain),
      checker,
      controller,
      gripper: new SimulatedGripper(0.08, clock),
      supervisor,
      sequence: {
        limits: { velocity: [0.5, 0.5, 0.5], acceleration: [1, 1, 1] },
        freeSpeed: 0.4,
        straightSpeed: 0.2,
        approach: 0.08,
        lift: 0.06,
      },
      clock,
    });
    arm.handle({ type: "enable", at: time });
    arm.handle({ type: "claim", operator: "ada", at: time });
    arm.update();
    expect(
      arm.handle({ type: "request", operator: "ada", motion: { kind: "teleop" }, at: time }).granted,
    ).toBe(true);
    const teleop = new Teleop({ arm, checker, controller, kinematics: new Kinematics(chain) });
    const pass = (seconds: number) => {
      time += seconds;
    };
    return {
      sent,
      simulated,
      checker,
      arm,
      pass,
      see: (more: Scene) => {
        checker.scene = more;
      },
      now: () => time,
      tool: (linear: [number, number, number], operator = "ada") =>
        teleop.command(operator, linear, [0, 0, 0], time),
      joints: (velocities: number[], operator = "ada") => teleop.joints(operator, velocities, time),
      at: () => simulated.reading()!.positions,
    };
  }
  const near = (found: readonly number[], wanted: readonly number[]) =>
    expect(Math.max(...found.map((x, i) => Math.abs(x - wanted[i]!)))).toBeLessThan(1e-3);

  it("the tool goes where it is told, for as long as one command lasts", () => {
    const rig = given();
    expect(rig.tool([0.1, -0.05, 0.02])).toEqual({ moved: true, scale: 1 });
    expect(rig.sent).toHaveLength(1);
    near(rig.sent[0]!.velocities, [0.1, -0.05, 0.02]);
    expect(rig.sent[0]!.seconds).toBe(defaultLimits.commandAge);
    rig.pass(0.1);
    near(rig.at(), [0.01, -0.005, 0.002]);
    rig.pass(1);
    near(rig.at(), [0.015, -0.0075, 0.003]);
  });

  it("joints go as they are told, and the tool no faster than 0.25 m/s", () => {
    const rig = given();
    expect(rig.joints([0, 0.2, 0])).toEqual({ moved: true, scale: 1 });
    expect(rig.sent[0]!.velocities).toEqual([0, 0.2, 0]);
    rig.pass(0.05);
    const { moved, scale } = rig.joints([0.3, 0, 0.4]);
    expect([moved, scale]).toEqual([true, 0.5]);
    near(rig.sent[1]!.velocities, [0.15, 0, 0.2]);
    // A joint's own limit of 0.5 counts for single joints.
    rig.pass(0.05);
    expect(rig.tool([1, 0, 0]).scale).toBeCloseTo(0.25, 3);
  });

  it("what is malformed moves nothing", () => {
    const rig = given();
    for (const velocities of [[], [0.1], [0.1, 0.1], [0.1, 0.1, 0.1, 0.1]]) {
      const answer = rig.joints(velocities);
      expect(answer).toMatchObject({ moved: false, scale: 0, reason: "command-invalid" });
      expect(answer.message).toMatch(/malformed/);
    }
    expect(rig.sent).toEqual([]);
  });

  it("nothing is sent to an arm that says nothing, or that cannot be driven", () => {
    const rig = given();
    rig.simulated.faults.dead = true;
    for (const answer of [rig.tool([0.1, 0, 0]), rig.joints([0.1, 0, 0])])
      expect(answer).toMatchObject({ moved: false, scale: 0, reason: "no-feedback" });
    expect(rig.sent).toEqual([]);
    const still = given({ drive: undefined } as unknown as Partial<ArmController>);
    for (const answer of [still.tool([0.1, 0, 0]), still.joints([0.1, 0, 0])])
      expect(answer).toMatchObject({ moved: false, reason: "no-feedback" });
  });

  it("another's command changes nothing", () => {
    const rig = given();
    rig.tool([0.1, 0, 0]);
    rig.pass(0.05);
    expect(rig.tool([0, 0.1, 0], "bob")).toMatchObject({ moved: false, scale: 0, reason: "other-operator" });
    expect(rig.sent).toHaveLength(1);
  });

  it("a command that would leave the joints' range stops the arm", () => {
    const rig = given();
    // At 0.25 m/s one command and the way to stop take 0.1625 m: from 0.86 on that passes the end at 1.
    let last = rig.tool([0.25, 0, 0]);
    for (let k = 0; k < 60 && last.moved; k++) {
      rig.pass(0.1);
      rig.arm.update();
      last = rig.tool([0.25, 0, 0]);
    }
    expect(last).toMatchObject({ moved: false, reason: "joint-limit" });
    expect(rig.at()[0]).toBeGreaterThan(0.8);
    expect(rig.at()[0]).toBeLessThan(0.88);
    expect(rig.sent.at(-1)).toEqual({ velocities: [0, 0, 0], seconds: 0 });
    expect(rig.simulated.reading()!.velocities).toEqual([0, 0, 0]);
    // And back.
    rig.pass(0.05);
    expect(rig.tool([-0.1, 0, 0]).moved).toBe(true);
  });

  /** A wall of points, square to x. */
  const wall = (x: number): Float32Array => {
    const points: number[] = [];
    for (let y = -0.3; y <= 0.3; y += 0.008) for (let z = -0.3; z <= 0.3; z += 0.008) points.push(x, y, z);
    return Float32Array.from(points);
  };

  it.each([
    // One command and the way to stop at 0.25 m/s are 0.1625 m; the ball is 0.05 m about its centre, 0.002 m are kept.
    ["just before it comes to rest", 0.2],
    ["half way there", 0.081],
  ])("what was seen in the way is not driven into: %s", (_, x) => {
    const rig = given();
    rig.see({ obstacles: wall(x) });
    expect(rig.tool([0.02, 0, 0]).moved).toBe(true);
    rig.pass(0.02);
    rig.arm.update();
    const answer = rig.tool([0.25, 0, 0]);
    expect(answer).toMatchObject({ moved: false, scale: 0, reason: "collision" });
    expect(rig.sent.at(-1)).toEqual({ velocities: [0, 0, 0], seconds: 0 });
    expect(rig.simulated.reading()!.velocities).toEqual([0, 0, 0]);
    rig.pass(0.02);
    rig.arm.update();
    expect(rig.tool([-0.25, 0, 0]).moved).toBe(true);
  });

  it("what lies further off is no reason to stop", () => {
    const rig = given();
    rig.see({ obstacles: wall(0.25) });
    expect(rig.tool([0.25, 0, 0]).moved).toBe(true);
  });

  it("from too close it goes away, not deeper", () => {
    const rig = given();
    rig.see({ obstacles: wall(0.03) });
    expect(rig.joints([0.02, 0, 0])).toMatchObject({ moved: false, reason: "collision" });
    expect(rig.joints([-0.01, 0, 0])).toMatchObject({ moved: true, scale: 1 });
  });

  it("a link that stands too close is no leave for another to come too close", () => {
    const rig = given();
    // The ball is 0.04 m deep in a wall in front of it, and something small comes up behind it, where the arm would flee to.
    const behind = [-0.1, 0, 0];
    rig.see({ obstacles: Float32Array.from([...wall(0.01), ...behind]) });
    expect(rig.joints([-0.05, 0, 0]).moved).toBe(true);
    rig.see({ obstacles: wall(0.01), target: Float32Array.from(behind) });
    rig.pass(0.02);
    rig.arm.update();
    expect(rig.joints([-0.1, 0, 0])).toMatchObject({ moved: false, reason: "collision" });
  });

  it("nor to come too close to the same object", () => {
    // The ball is 0.3 m above the link that carries it sideways: the one is in a wall, the other would meet a single point.
    const rig = given({}, [0, 0, 0.3]);
    const above = wall(0.01).filter((_, i, all) => all[3 * Math.trunc(i / 3) + 2]! > 0.2);
    rig.see({ obstacles: above });
    expect(rig.joints([-0.1, 0, 0]).moved).toBe(true);
    rig.see({ obstacles: Float32Array.from([...above, -0.07, 0, 0]) });
    rig.pass(0.02);
    rig.arm.update();
    expect(rig.joints([-0.1, 0, 0])).toMatchObject({ moved: false, reason: "collision" });
  });
});
