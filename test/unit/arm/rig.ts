import {
  Arm,
  type ArmDependencies,
  type Clock,
  CollisionChecker,
  defaultLimits,
  IkSolver,
  Kinematics,
  parseUrdf,
  SafetySupervisor,
  type Scene,
  SimulatedController,
  SimulatedGripper,
  type SupervisorLimits,
  systemClock,
} from "../../../src/arm/index.js";
import { type Pose, quaternionFromAxes } from "../../../src/geometry/index.js";
import { chainOf, descriptions, home } from "./robots.js";

const urdf = descriptions(["panda_collision"]).panda_collision!;
export const robot = parseUrdf(urdf);
export const chain = chainOf("panda_collision", urdf);
export const start = home.panda_collision!;
export const table = { normal: [0, 0, 1], offset: 0 } as const;
export const workspace = { min: [-0.6, -0.9, -0.05], max: [0.95, 0.9, 1.4] } as const;

/** Fast enough to keep the tests short; well below what the maker states. */
export const limits = {
  velocity: chain.velocity,
  acceleration: [15, 7.5, 10, 12.5, 15, 20, 20],
  jerk: [7500, 3750, 5000, 6250, 7500, 10000, 10000],
};

/** A grasp from above at x, y, with the fingertips at height z. */
export const fromAbove = (x: number, y: number, z: number, yaw = 0): Pose => {
  const closing = [Math.cos(yaw), Math.sin(yaw), 0] as const;
  const side = [Math.sin(yaw), -Math.cos(yaw), 0] as const;
  return { position: [x, y, z], orientation: quaternionFromAxes(closing, side, [0, 0, -1]) };
};

/** Points of a box that stands on the table. */
export function boxCloud(
  x: number,
  y: number,
  size: readonly [number, number, number],
  step = 0.008,
): Float32Array {
  const points: number[] = [];
  for (let i = -size[0] / 2; i <= size[0] / 2; i += step) {
    for (let j = -size[1] / 2; j <= size[1] / 2; j += step) points.push(x + i, y + j, size[2]);
  }
  for (let k = 0.015; k < size[2]; k += step) {
    for (let i = -size[0] / 2; i <= size[0] / 2; i += step)
      points.push(x + i, y - size[1] / 2, k, x + i, y + size[1] / 2, k);
    for (let j = -size[1] / 2; j <= size[1] / 2; j += step)
      points.push(x - size[0] / 2, y + j, k, x + size[0] / 2, y + j, k);
  }
  return Float32Array.from(points);
}

export const makeChecker = () => new CollisionChecker(robot, chain, { reference: start });

/**
 * A clock whose time passes only while everything waits for it, in steps to the next one that does: a busy machine makes a
 * test slower and changes nothing else.
 */
export class StepClock implements Clock {
  #now = 100;
  #order = 0;
  #stepping = false;
  #stopped = false;
  readonly #sleepers: { readonly at: number; readonly order: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleep(seconds: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ at: this.#now + Math.max(0, seconds), order: this.#order++, wake });
      this.#sleepers.sort((a, b) => a.at - b.at || a.order - b.order);
      if (!this.#stepping) setImmediate(() => this.#step());
      this.#stepping = true;
    });
  }

  /** Does something every so many seconds, until the function it returns is called. */
  every(seconds: number, act: () => void): () => void {
    let on = true;
    const run = async () => {
      for (await this.sleep(seconds); on; await this.sleep(seconds)) act();
    };
    void run();
    return () => {
      on = false;
    };
  }

  /** Nobody wakes any more: a controller that waits for ever does not outlive its test. */
  stop(): void {
    this.#stopped = true;
  }

  #step(): void {
    const next = this.#stopped ? undefined : this.#sleepers.shift();
    this.#stepping = next !== undefined;
    if (next === undefined) return;
    this.#now = Math.max(this.#now, next.at);
    next.wake();
    // What was woken runs, and sleeps again, before the next one wakes.
    setImmediate(() => this.#step());
  }
}

/** A test machine may hold this process up for longer than a robot's may. */
const patient = { frameAge: 30, feedbackAge: 1, lease: 1, commandAge: 0.3 };

/** A Panda in simulation, enabled, at rest. Slow set-up parts are made once. */
export function makeArm(over: Partial<ArmDependencies> = {}, bounds: Partial<SupervisorLimits> = {}) {
  const clock = over.clock ?? systemClock;
  const controller = new SimulatedController({ joints: chain.joints, start, clock });
  const gripper = new SimulatedGripper(0.08, clock);
  const supervisor = new SafetySupervisor({
    ...defaultLimits,
    ...(clock === systemClock && patient),
    workspace,
    lower: chain.lower,
    upper: chain.upper,
    velocity: chain.velocity,
    ...bounds,
  });
  const arm = new Arm({
    solver: new IkSolver(chain),
    checker: makeChecker(),
    controller,
    gripper,
    supervisor,
    clock,
    sequence: { limits, freeSpeed: 1.5, straightSpeed: 0.4, approach: 0.08, lift: 0.06 },
    ...over,
  });
  const now = () => clock.now();
  arm.handle({ type: "enable", at: now() });
  return { arm, controller, gripper, supervisor, now, kinematics: new Kinematics(chain) };
}

export const scene = (more: Scene = {}): Scene => ({ table, workspace, ...more });
