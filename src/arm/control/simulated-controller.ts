import type { Metres, Seconds } from "../../geometry/index.js";
import type { TrajectoryPoint } from "../planning/trajectory.js";
import { type Clock, systemClock } from "./clock.js";
import type {
  ArmController,
  ControllerReading,
  FollowCode,
  FollowResult,
  GripperController,
  GripperResult,
} from "./controller.js";

export interface SimulatedControllerOptions {
  readonly joints: readonly string[];
  readonly start: readonly number[];
  readonly clock?: Clock;
  /** Time from the order to stop until the joints rest. Default 0.05 s. */
  readonly brake?: Seconds;
}

/** Faults that tests inject. */
export interface SimulatedFaults {
  /** Answers nothing and measures nothing any more; the joints finish their motion. */
  dead?: boolean;
  /** The next trajectory is refused. */
  reject?: boolean;
  /** The present motion or the next one ends early with this code. */
  fail?: { readonly after: Seconds; readonly code: FollowCode };
}

interface State {
  readonly positions: number[];
  readonly velocities: number[];
}

/** A motion as a function of the time since it began. */
interface Motion {
  readonly begun: Seconds;
  readonly ends: Seconds;
  readonly at: (t: Seconds) => State;
}

/** An arm that follows its trajectories exactly, in real time: for the demo, the console and tests. */
export class SimulatedController implements ArmController {
  readonly joints: readonly string[];
  readonly faults: SimulatedFaults = {};
  readonly #clock: Clock;
  readonly #brake: Seconds;
  #motion: Motion;
  #braking: { readonly since: Seconds; readonly from: Motion } | undefined;
  /** Counts motions: a replaced motion finds another number. */
  #turn = 0;

  constructor(options: SimulatedControllerOptions) {
    this.joints = options.joints;
    this.#clock = options.clock ?? systemClock;
    this.#brake = options.brake ?? 0.05;
    this.#motion = resting(options.start, this.#clock.now());
  }

  reading(): ControllerReading | undefined {
    if (this.faults.dead === true) return undefined;
    const at = this.#clock.now();
    return { at, ...this.#state(at) };
  }

  async follow(points: readonly TrajectoryPoint[]): Promise<FollowResult> {
    if (this.faults.reject === true) {
      this.faults.reject = false;
      return { code: "rejected" };
    }
    const now = this.#clock.now();
    const { positions } = this.#state(now);
    const first = points[0];
    if (first === undefined || points.some((point) => point.positions.length !== this.joints.length)) {
      return { code: "invalid-goal", detail: "no points, or points of the wrong size" };
    }
    if (first.positions.some((q, i) => Math.abs(q - positions[i]!) > 0.1)) {
      return { code: "path-tolerance-violated", detail: "it starts elsewhere" };
    }
    const turn = ++this.#turn;
    this.#braking = undefined;
    this.#motion = { begun: now, ends: now + points.at(-1)!.t, at: (t) => interpolate(points, t) };
    const { ends } = this.#motion;
    for (let t = this.#clock.now(); t < ends || this.faults.dead === true; t = this.#clock.now()) {
      const { fail } = this.faults;
      if (fail !== undefined && t - now >= fail.after) {
        delete this.faults.fail;
        this.#halt();
        return { code: fail.code };
      }
      if (turn !== this.#turn || this.#braking !== undefined) return { code: "cancelled" };
      await this.#clock.sleep(Math.min(0.005, Math.max(ends - t, 0.001)));
    }
    return turn === this.#turn && this.#braking === undefined
      ? { code: "successful" }
      : { code: "cancelled" };
  }

  async stop(): Promise<void> {
    if (this.faults.dead !== true) this.#halt();
  }

  drive(velocities: readonly number[], seconds: Seconds): void {
    const now = this.#clock.now();
    const from = this.#state(now).positions;
    this.#turn++;
    this.#braking = undefined;
    this.#motion = {
      begun: now,
      ends: now + seconds,
      at: (t) => {
        const going = t < seconds;
        return {
          positions: from.map((q, i) => q + velocities[i]! * Math.min(t, seconds)),
          velocities: velocities.map((v) => (going ? v : 0)),
        };
      },
    };
  }

  #halt(): void {
    const now = this.#clock.now();
    if (this.#braking === undefined && now < this.#motion.ends) {
      this.#braking = { since: now, from: this.#motion };
    }
  }

  /** Braking runs the same motion with time that slows evenly to a halt: the arm stays on its path. */
  #state(now: Seconds): State {
    if (this.#braking === undefined) return this.#motion.at(now - this.#motion.begun);
    const { since, from } = this.#braking;
    const gone = Math.min(now - since, this.#brake);
    const { positions, velocities } = from.at(since - from.begun + gone - (gone * gone) / (2 * this.#brake));
    const share = 1 - gone / this.#brake;
    return { positions, velocities: velocities.map((v) => v * share) };
  }
}

const resting = (positions: readonly number[], begun: Seconds): Motion => ({
  begun,
  ends: begun,
  at: () => ({ positions: [...positions], velocities: positions.map(() => 0) }),
});

/**
 * Interpolates as ros2_control's joint_trajectory_controller does: quintic in position, velocity and acceleration.
 */
export function interpolate(points: readonly TrajectoryPoint[], t: Seconds): State {
  const last = points.at(-1)!;
  if (t >= last.t) return { positions: [...last.positions], velocities: last.positions.map(() => 0) };
  const k = Math.max(0, points.findIndex((point) => point.t > t) - 1);
  const a = points[k]!;
  const b = points[k + 1] ?? a;
  const h = b.t - a.t;
  if (h <= 0 || t <= a.t) return { positions: [...a.positions], velocities: [...a.velocities] };
  const x = t - a.t;
  const positions: number[] = [];
  const velocities: number[] = [];
  for (let i = 0; i < a.positions.length; i++) {
    const [p0, v0, a0] = [a.positions[i]!, a.velocities[i]!, a.accelerations[i]!];
    const [p1, v1, a1] = [b.positions[i]!, b.velocities[i]!, b.accelerations[i]!];
    const d = p1 - p0 - v0 * h - (a0 * h * h) / 2;
    const e = (v1 - v0 - a0 * h) * h;
    const f = (a1 - a0) * h * h;
    const c3 = (10 * d - 4 * e + f / 2) / h ** 3;
    const c4 = (-15 * d + 7 * e - f) / h ** 4;
    const c5 = (6 * d - 3 * e + f / 2) / h ** 5;
    positions.push(p0 + x * (v0 + x * (a0 / 2 + x * (c3 + x * (c4 + x * c5)))));
    velocities.push(v0 + x * (a0 + x * (3 * c3 + x * (4 * c4 + x * 5 * c5))));
  }
  return { positions, velocities };
}

/** Metres per second between the fingers. */
const fingerSpeed = 0.2;

/** Fingers that close at a set speed, on an object of a given width where there is one. */
export class SimulatedGripper implements GripperController {
  /** Width of the object between the fingers; 0 without one. */
  object: Metres = 0;
  dead = false;
  readonly #clock: Clock;
  #width: Metres;
  /** The width last requested. */
  #sent: Metres;
  /** The running motion: from where and since when; undefined at rest. */
  #moving: { readonly from: Metres; readonly to: Metres; readonly since: Seconds } | undefined;

  constructor(width: Metres, clock: Clock = systemClock) {
    this.#width = width;
    this.#sent = width;
    this.#clock = clock;
  }

  get width(): Metres {
    if (this.#moving === undefined) return this.#width;
    const { from, to, since } = this.#moving;
    const gone = Math.min(Math.abs(to - from), (this.#clock.now() - since) * fingerSpeed);
    return from + Math.sign(to - from) * gone;
  }

  async move(width: Metres, _force?: number): Promise<GripperResult | undefined> {
    if (this.dead) return undefined;
    const from = this.width;
    this.#sent = width;
    const closing = width < from;
    const to = closing ? Math.max(width, Math.min(this.object, from)) : width;
    const moving = { from, to, since: this.#clock.now() };
    this.#moving = moving;
    await this.#clock.sleep(Math.abs(to - from) / fingerSpeed);
    // A stop or another order ended it where the fingers were.
    if (this.#moving === moving) {
      this.#width = to;
      this.#moving = undefined;
    }
    const reached = this.width;
    return { reached: reached === width, stalled: closing && reached > width, width: reached };
  }

  async stop(): Promise<void> {
    this.#width = this.width;
    this.#moving = undefined;
  }

  opening(): Metres {
    return this.width;
  }

  /** The held object is lost: the fingers close. */
  drop(): void {
    this.object = 0;
    this.#moving = undefined;
    this.#width = this.#sent;
  }
}
