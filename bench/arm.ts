import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  Arm,
  type Chain,
  type ChainOptions,
  CollisionChecker,
  defaultLimits,
  IkSolver,
  type JointPath,
  Kinematics,
  type MotionLimits,
  parseUrdf,
  type RobotDescription,
  reachability,
  SafetySupervisor,
  SequencePlanner,
  SimulatedController,
  SimulatedGripper,
  selectChain,
  splinePath,
  timeParametrise,
} from "../src/arm/index.js";
import { type Pose, quaternionFromAxes, type Random, seededRandom } from "../src/geometry/index.js";
import { removeFolder, scratchFolder } from "./children.js";
import { runReference } from "./python.js";
import { round, spread } from "./statistics.js";

/** Repetitions of each part. */
const full = { poses: 10_000, warmUp: 500, paths: 60, grasps: 60, stops: 8 };
const quickEffort = { poses: 100, warmUp: 20, paths: 6, grasps: 4, stops: 1 };

type Effort = typeof full;

/** Joint configurations bent over the table: the start of each search. */
const robots: Readonly<Record<string, { home: readonly number[]; options?: ChainOptions }>> = {
  panda: { home: [0, -0.785, 0, -2.356, 0, 1.571, 0.785], options: { tip: "panda_hand_tcp" } },
  gen3: { home: [0, 0.26, Math.PI, -2.27, 0, 0.96, 1.57] },
  iiwa: { home: [0, 0.5, 0, -1.5, 0, 1.1, 0] },
  xarm7: { home: [0, -0.3, 0, 1, 0, 1.3, 0] },
};

/** Franka's published limits of the Panda. */
const panda = {
  velocity: [2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61],
  acceleration: [15, 7.5, 10, 12.5, 15, 20, 20],
  jerk: [7500, 3750, 5000, 6250, 7500, 10000, 10000],
};

/** Inverse kinematics over random reachable poses, timing against toppra, planning, and stops of the simulated arm. */
export async function benchArm(quick = false): Promise<object> {
  const effort = quick ? quickEffort : full;
  const names = [...Object.keys(robots), "panda_collision"];
  const urdfs = await runReference<Record<string, string>>("test/unit/arm/reference/robots.py", names);
  const ik: Record<string, object> = {};
  for (const [name, { home, options }] of Object.entries(robots)) {
    ik[name] = benchIk(selectChain(parseUrdf(urdfs[name]!), options), home, effort);
  }
  const { jerk: _, ...noJerk } = panda;
  return {
    what: `inverse kinematics of ${effort.poses} random reachable poses a robot; paths timed next to toppra; grasps planned; stops`,
    ik,
    ik_goal: "solved >= 0.995 within 1e-4 m, 1e-3 rad and limits; ms.p50 <= 0.5; ms.p99 <= 10",
    timing: {
      velocity_acceleration: await benchTiming(noJerk, effort),
      panda_jerk: await benchTiming(panda, effort),
      tight_jerk: await benchTiming({ ...panda, jerk: panda.acceleration.map((a) => 8 * a) }, effort),
      peer: "toppra 0.6.10 (Python, Seidel), velocity and acceleration limits only, 500 grid points",
      goal: "ratio_ours_over_toppra.max <= 1.25 under velocity and acceleration limits; limit_usage <= 1 at 1 kHz",
    },
    ...(await benchMotion(parseUrdf(urdfs.panda_collision!), effort)),
  };
}

function randomConfiguration({ lower, upper }: Chain, random: Random): number[] {
  return lower.map((low, i) => {
    const [from, to] = Number.isFinite(low) ? [low, upper[i]!] : [-Math.PI, Math.PI];
    return from + (to - from) * random();
  });
}

function benchIk(chain: Chain, seed: readonly number[], { poses, warmUp }: Effort): object {
  const solver = new IkSolver(chain);
  const kinematics = new Kinematics(chain);
  const random = seededRandom(20_241);
  const times: number[] = [];
  let solved = 0;
  let starts = 0;
  for (let i = -warmUp; i < poses; i++) {
    const target = kinematics.forward(randomConfiguration(chain, random));
    const began = performance.now();
    const solution = solver.solve(target, { seed });
    const took = performance.now() - began;
    if (i < 0) continue;
    times.push(took);
    if (solution === undefined) continue;
    const { joints } = solution;
    const inside = joints.every((q, k) => q >= chain.lower[k]! && q <= chain.upper[k]!);
    if (!inside || !near(kinematics.forward(joints), target)) continue;
    solved++;
    starts += solution.starts;
  }
  return { solved: solved / poses, ms: spread(times), mean_starts: round(starts / solved) };
}

/** Within 1e-4 m and 1e-3 rad. */
function near(a: Pose, b: Pose): boolean {
  const metres = Math.hypot(...a.position.map((v, i) => v - b.position[i]!));
  const cosine = Math.abs(a.orientation.reduce((sum, v, i) => sum + v * b.orientation[i]!, 0));
  return metres <= 1e-4 && 2 * Math.acos(Math.min(1, cosine)) <= 1e-3;
}

interface Timed {
  readonly duration: number;
  readonly ms: number;
  readonly usage: Readonly<Record<string, number>>;
}

async function benchTiming(limits: MotionLimits, effort: Effort): Promise<object> {
  const random = seededRandom(42);
  const paths = Array.from({ length: effort.paths }, (_, i) =>
    splinePath(
      Array.from({ length: 2 + (i % 6) }, () => Array.from({ length: 7 }, () => 3 * random() - 1.5)),
    ),
  );
  const times: number[] = [];
  const ours = paths.map((path) => {
    const began = performance.now();
    const trajectory = timeParametrise(path, limits);
    times.push(performance.now() - began);
    return trajectory;
  });
  const tasks = ours.map((trajectory) => ({
    ...limits,
    knots: [...trajectory.path.knots],
    coefficients: pieces(trajectory.path),
    samples: Array.from(
      { length: Math.ceil(trajectory.duration * 1000) + 1 },
      (_, k) => trajectory.at(k / 1000).positions,
    ),
  }));
  const folder = await scratchFolder("arm");
  try {
    const file = join(folder, "paths.json");
    await writeFile(file, JSON.stringify({ paths: tasks }));
    const theirs = await runReference<Timed[]>("test/unit/arm/reference/time_paths.py", [file]);
    const ratios = spread(ours.map((trajectory, i) => trajectory.duration / theirs[i]!.duration));
    const largest = (name: string) => round(Math.max(...theirs.map(({ usage }) => usage[name] ?? 0)), 5);
    return {
      paths: paths.length,
      ratio_ours_over_toppra: {
        p50: ratios.p50,
        max: round(Math.max(...ours.map((trajectory, i) => trajectory.duration / theirs[i]!.duration)), 4),
      },
      limit_usage: Object.fromEntries(Object.keys(theirs[0]!.usage).map((name) => [name, largest(name)])),
      ours_ms: spread(times),
      toppra_ms: spread(theirs.map(({ ms }) => ms)),
    };
  } finally {
    removeFolder(folder);
  }
}

const pieces = ({ knots, joints, coefficients }: JointPath): number[][][] =>
  Array.from({ length: knots.length - 1 }, (_, k) =>
    Array.from({ length: joints }, (_, j) => [
      ...coefficients.subarray((k * joints + j) * 4, (k * joints + j) * 4 + 4),
    ]),
  );

const start = robots.panda!.home;
const table = { normal: [0, 0, 1], offset: 0 } as const;
const workspace = { min: [-0.6, -0.9, -0.05], max: [0.95, 0.9, 1.4] } as const;

async function benchMotion(robot: RobotDescription, { grasps, stops }: Effort): Promise<object> {
  const chain = selectChain(robot, {
    tip: "panda_hand_tcp",
    tool: { position: [0, 0, 0], orientation: [0, 0, Math.SQRT1_2, Math.SQRT1_2] },
    rest: { panda_finger_joint1: 0.04, panda_finger_joint2: 0.04 },
  });
  const solver = new IkSolver(chain);
  const checker = new CollisionChecker(robot, chain, { reference: start });
  const sequence = { limits: panda, freeSpeed: 1, straightSpeed: 0.25 };
  checker.scene = { table, workspace };
  const planner = new SequencePlanner(solver, checker, sequence);
  const random = seededRandom(5);
  const times: number[] = [];
  let planned = 0;
  for (let i = 0; i < grasps; i++) {
    const pose = fromAbove(
      0.35 + 0.3 * random(),
      0.7 * random() - 0.35,
      0.03 + 0.1 * random(),
      Math.PI * random(),
    );
    const began = performance.now();
    const plan = await planner.plan({ pose, width: 0.06 }, start);
    times.push(performance.now() - began);
    if ("stages" in plan) planned++;
  }
  const reach = benchReach(solver);
  const checks = 2000;
  const began = performance.now();
  for (let i = 0; i < checks; i++) checker.check(start);
  const check = (performance.now() - began) / checks;
  const stop: Record<string, object> = {};
  for (const how of ["cancel", "estop", "heartbeat"] as const) {
    const samples: number[] = [];
    for (let k = 0; k < stops; k++) samples.push(await timeStop(how, chain, solver, checker));
    stop[how] = {
      n: samples.length,
      max: round(Math.max(...samples), 1),
      min: round(Math.min(...samples), 1),
    };
  }
  return {
    grasp_plan: {
      what: "Panda, from above, random places on a table of 0.3 × 0.7 m",
      planned: planned / grasps,
      ms: spread(times),
    },
    reach,
    collision_check_ms: round(check, 4),
    stop_ms: {
      what: "simulated controller, real time: from the cause (for heartbeat: the end of its lease) to joints at rest",
      ...stop,
      goal: "max <= 100",
    },
  };
}

/** What asking for reachability adds to the planning of one image's grasps. */
function benchReach(solver: IkSolver): object {
  const random = seededRandom(6);
  const candidates = 150;
  const about = (x: number, y: number) =>
    Array.from({ length: candidates }, () =>
      fromAbove(
        x + 0.1 * random() - 0.05,
        y + 0.1 * random() - 0.05,
        0.02 + 0.1 * random(),
        Math.PI * random(),
      ),
    );
  const asked = (x: number, y: number) => {
    const times = Array.from({ length: 20 }, () => {
      const poses = about(x, y);
      const reached = reachability(solver, { seed: start });
      const began = performance.now();
      for (const pose of poses) reached(pose);
      return performance.now() - began;
    });
    return spread(times.slice(5));
  };
  return {
    what: `${candidates} grasp candidates about one place, each asked whether it and the point before it can be reached`,
    within_ms: asked(0.5, 0.1),
    at_the_edge_ms: asked(0.74, 0),
    beyond_ms: asked(0.9, 0),
  };
}

const fromAbove = (x: number, y: number, z: number, yaw: number): Pose => ({
  position: [x, y, z],
  orientation: quaternionFromAxes(
    [Math.cos(yaw), Math.sin(yaw), 0],
    [Math.sin(yaw), -Math.cos(yaw), 0],
    [0, 0, -1],
  ),
});

/** Milliseconds from the cause until the joints rest. */
async function timeStop(
  how: "cancel" | "estop" | "heartbeat",
  chain: Chain,
  solver: IkSolver,
  checker: CollisionChecker,
): Promise<number> {
  const now = () => performance.now() / 1000;
  const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const controller = new SimulatedController({ joints: chain.joints, start });
  const lease = 0.5;
  const arm = new Arm({
    solver,
    checker,
    controller,
    gripper: new SimulatedGripper(0.08),
    supervisor: new SafetySupervisor({
      ...defaultLimits,
      feedbackAge: 1,
      lease,
      workspace,
      lower: chain.lower,
      upper: chain.upper,
      velocity: chain.velocity,
    }),
    sequence: { limits: panda, freeSpeed: 1 },
  });
  const abort = new AbortController();
  arm.handle({ type: "enable", at: now() });
  const claim = () => arm.handle({ type: "claim", operator: "bench", at: now() });
  claim();
  let lastBeat = now();
  const beat = setInterval(() => {
    lastBeat = now();
    claim();
  }, 20);
  const result = arm.execute(
    { pose: fromAbove(0.5, 0.25, 0.05, 0.3), width: 0.06 },
    { operator: "bench", frameAt: now(), scene: { table }, lease: "caller", signal: abort.signal },
  );
  let ended = false;
  void result.then(() => {
    ended = true;
  });
  const speed = () => Math.max(...(controller.reading()?.velocities ?? [0]).map(Math.abs));
  while (!ended && speed() < 0.3) await sleep(0.002);
  clearInterval(beat);
  let cause = now();
  if (how === "cancel") abort.abort();
  else if (how === "estop") arm.handle({ type: "estop", source: "bench", at: now() });
  else cause = lastBeat + lease;
  while (speed() > 0.001) await sleep(0.001);
  const took = (now() - cause) * 1000;
  await result;
  return took;
}
