import { type Metres, type Pose, type Radians, seededRandom } from "../../geometry/index.js";
import type { Chain } from "./chain.js";
import { type JointValues, Kinematics } from "./kinematics.js";
import { DampedStep, manipulability } from "./least-squares.js";
import { placementOf } from "./placement.js";

/** Weights that choose between joint configurations with the same tool pose; 0 switches a preference off. */
export interface ConfigurationPreferences {
  /** Short motion from the seed, by the joint that moves most. Default 1. */
  readonly near?: number;
  /** Away from joint limits. Default 0.2. */
  readonly margin?: number;
  /** Away from singular joint configurations (Yoshikawa). Default 0.2. */
  readonly manipulability?: number;
  /**
   * Elbow (origin of the chain's middle joint) far along this direction of the base frame. Default: no preference.
   */
  readonly elbow?: readonly [number, number, number];
}

export interface IkOptions {
  /** Joint configuration to start from and to stay near: the present one. */
  readonly seed: JointValues;
  readonly positionTolerance?: Metres;
  readonly rotationTolerance?: Radians;
  /** Further starts after the seed, from joint configurations whose tool is nearest to the target. Default 60. */
  readonly restarts?: number;
  /** Joint configurations to find before the best by `preferences` is taken. Default 1: the first that fits. */
  readonly candidates?: number;
  readonly preferences?: ConfigurationPreferences;
}

export interface IkSolution {
  readonly joints: number[];
  readonly positionError: Metres;
  readonly rotationError: Radians;
  /** Starts that were needed, the seed included. */
  readonly starts: number;
}

const iterationsPerStart = 50;
const tableSize = 1536;
/**
 * What `track` keeps from a joint's limits, in radians or metres, and at most this share of its range: the spline
 * through the joint configurations of a line swings a little beyond a joint that stays at its limit.
 */
const lineReserve = { distance: 2e-3, share: 0.01 };

/**
 * Inverse kinematics of one chain: Levenberg-Marquardt steps whose damping falls with the error (Chan and Lawrence
 * 1988), joints at a limit held there while the others move, and restarts from a table of joint configurations whose
 * tool is nearest to the target. The same call gives the same answer on every machine.
 */
export class IkSolver {
  readonly chain: Chain;
  readonly kinematics: Kinematics;
  readonly #step: DampedStep;
  readonly #q: Float64Array;
  readonly #e = new Float64Array(6);
  readonly #target = new Float64Array(12);
  readonly #frozen: Uint8Array;
  /** The joint positions that a solution may have; narrower while a line is followed. */
  #from: Float64Array;
  #to: Float64Array;
  readonly #lineRange: { readonly from: Float64Array; readonly to: Float64Array };
  /** Table of joint configurations, and of where each puts the tool: rotation, then position. */
  readonly #configurations: Float64Array;
  readonly #places: Float64Array;

  constructor(chain: Chain) {
    this.chain = chain;
    this.kinematics = new Kinematics(chain);
    const n = chain.joints.length;
    this.#step = new DampedStep(n);
    this.#q = new Float64Array(n);
    this.#frozen = new Uint8Array(n);
    this.#from = Float64Array.from(chain.lower);
    this.#to = Float64Array.from(chain.upper);
    const reserve = chain.lower.map((low, i) =>
      Math.min(lineReserve.distance, lineReserve.share * (chain.upper[i]! - low)),
    );
    this.#lineRange = {
      from: this.#from.map((low, i) => low + reserve[i]!),
      to: this.#to.map((high, i) => high - reserve[i]!),
    };
    this.#configurations = new Float64Array(tableSize * n);
    this.#places = new Float64Array(tableSize * 12);
    this.#fillTable();
  }

  /**
   * A joint configuration within the limits that puts the tool at `target` (base frame); undefined when none was
   * found.
   */
  solve(target: Pose, options: IkOptions): IkSolution | undefined {
    return this.solveAll(target, options)[0];
  }

  /** All joint configurations found (at most `candidates`), the best by `preferences` first. */
  solveAll(target: Pose, options: IkOptions): IkSolution[] {
    const { rotation, translation } = placementOf(target);
    this.#target.set(rotation);
    this.#target.set(translation, 9);
    const { seed, restarts = 60, candidates = 1, preferences = {} } = options;
    const [position, angle] = [options.positionTolerance ?? 1e-5, options.rotationTolerance ?? 1e-4];
    const found: { solution: IkSolution; cost: number }[] = [];
    let sorted: Uint16Array | undefined;
    for (let start = 0; start <= restarts && found.length < candidates; start++) {
      if (start === 0) this.#q.set(seed as ArrayLike<number>);
      else {
        sorted ??= this.#nearest(restarts);
        const row = sorted[start - 1]!;
        this.#q.set(this.#configurations.subarray(row * this.#q.length, (row + 1) * this.#q.length));
      }
      this.#clamp();
      const errors = this.#descend(position, angle);
      if (errors === undefined) continue;
      const joints = this.#unwound(seed);
      if (found.some(({ solution }) => distance(solution.joints, joints) < 0.05)) continue;
      const solution = { joints, positionError: errors[0], rotationError: errors[1], starts: start + 1 };
      if (candidates === 1) return [solution];
      found.push({ solution, cost: this.cost(joints, seed, preferences) });
    }
    found.sort((a, b) => a.cost - b.cost);
    return found.map(({ solution }) => solution);
  }

  /**
   * The joint configuration for `target` next to `q`: one start, no restarts; undefined when it is not reached.
   * For following lines: joints keep 2 mrad (2 mm) from their limits.
   */
  track(target: Pose, q: JointValues): IkSolution | undefined {
    const range = [this.#from, this.#to] as const;
    this.#from = this.#lineRange.from;
    this.#to = this.#lineRange.to;
    try {
      return this.solve(target, { seed: q, restarts: 0, positionTolerance: 1e-6, rotationTolerance: 1e-5 });
    } finally {
      [this.#from, this.#to] = range;
    }
  }

  /** Cost of a joint configuration by the preferences: smaller is better. */
  cost(joints: JointValues, seed: JointValues, preferences: ConfigurationPreferences): number {
    const { near = 1, margin = 0.2, manipulability: dexterity = 0.2, elbow } = preferences;
    const { lower, upper } = this.chain;
    let travel = 0;
    let closest = 1;
    for (let i = 0; i < joints.length; i++) {
      const value = joints[i]!;
      travel = Math.max(travel, Math.abs(value - seed[i]!));
      if (Number.isFinite(lower[i]!) && Number.isFinite(upper[i]!)) {
        const half = (upper[i]! - lower[i]!) / 2;
        closest = Math.min(closest, Math.min(value - lower[i]!, upper[i]! - value) / half);
      }
    }
    let cost = near * travel + margin * (1 - closest);
    if (dexterity > 0 || elbow !== undefined) {
      this.kinematics.update(joints);
      this.kinematics.updateJacobian();
      // 0.1 is a usual value of a well placed arm of this size: more dexterity is worth little beyond it.
      cost += dexterity / (1 + 10 * manipulability(this.kinematics.jacobian, this.#q.length));
      if (elbow !== undefined) {
        const middle = 3 * Math.floor(this.chain.segments.length / 2);
        for (let k = 0; k < 3; k++) cost -= elbow[k]! * this.kinematics.origins[middle + k]!;
      }
    }
    return cost;
  }

  #fillTable(): void {
    const random = seededRandom(0x1f2e3d);
    const n = this.#q.length;
    const last = this.chain.segments.length;
    const { origins, rotations } = this.kinematics;
    for (let row = 0; row < tableSize; row++) {
      for (let i = 0; i < n; i++) {
        const low = Math.max(this.#from[i]!, -Math.PI);
        const high = Math.min(this.#to[i]!, Math.PI);
        this.#configurations[row * n + i] = low + (high - low) * random();
      }
      this.kinematics.update(this.#configurations.subarray(row * n, (row + 1) * n));
      this.#places.set(rotations.subarray(last * 9, last * 9 + 9), row * 12);
      this.#places.set(origins.subarray(last * 3, last * 3 + 3), row * 12 + 9);
    }
  }

  /** Rows of the table, nearest tool first; a length of 1 m counts as much as a turn whose matrix differs by 1. */
  #nearest(count: number): Uint16Array {
    const t = this.#target;
    const p = this.#places;
    const distances = new Float64Array(tableSize);
    for (let row = 0; row < tableSize; row++) {
      const o = row * 12;
      let turn = 0;
      for (let k = 0; k < 9; k++) turn += (t[k]! - p[o + k]!) ** 2;
      let travel = 0;
      for (let k = 9; k < 12; k++) travel += (t[k]! - p[o + k]!) ** 2;
      distances[row] = 4 * travel + 0.25 * turn;
    }
    const rows = Uint16Array.from({ length: tableSize }, (_, i) => i);
    return rows.sort((a, b) => distances[a]! - distances[b]!).subarray(0, Math.min(count, tableSize));
  }

  #clamp(): void {
    const q = this.#q;
    for (let i = 0; i < q.length; i++) q[i] = Math.min(Math.max(q[i]!, this.#from[i]!), this.#to[i]!);
  }

  /** Iterates from #q; the errors reached, or undefined. */
  #descend(positionTolerance: number, angleTolerance: number): [number, number] | undefined {
    const q = this.#q;
    const e = this.#e;
    const n = q.length;
    let best = Infinity;
    let stale = 0;
    for (let iteration = 0; iteration < iterationsPerStart; iteration++) {
      this.kinematics.update(q);
      this.#error();
      const position = Math.hypot(e[0]!, e[1]!, e[2]!);
      const angle = Math.hypot(e[3]!, e[4]!, e[5]!);
      if (position <= positionTolerance && angle <= angleTolerance) return [position, angle];
      const squared = position * position + angle * angle;
      if (squared < best * 0.9) {
        best = squared;
        stale = 0;
      } else if (++stale > 8) return undefined;
      this.kinematics.updateJacobian();
      const { jacobian } = this.kinematics;
      const damping = 0.05 * squared + 1e-9;
      const frozen = this.#frozen.fill(0);
      let dq = this.#step.solve(jacobian, e, damping, frozen);
      // A joint at its limit that would move beyond it stays fixed in this step; the others move instead.
      for (let pass = 0; pass < n; pass++) {
        let more = false;
        for (let i = 0; i < n; i++) {
          const beyond = (q[i]! <= this.#from[i]! && dq[i]! < 0) || (q[i]! >= this.#to[i]! && dq[i]! > 0);
          if (!beyond || frozen[i] === 1) continue;
          frozen[i] = 1;
          more = true;
        }
        if (!more) break;
        dq = this.#step.solve(jacobian, e, damping, frozen);
      }
      for (let i = 0; i < n; i++) q[i] = q[i]! + Math.min(Math.max(dq[i]!, -1), 1);
      this.#clamp();
    }
    return undefined;
  }

  /** Writes position error and rotation vector from the tool's present pose to the target. */
  #error(): void {
    const e = this.#e;
    const t = this.#target;
    const last = this.chain.segments.length;
    const o = this.kinematics.origins;
    const r = this.kinematics.rotations;
    const i = last * 9;
    for (let k = 0; k < 3; k++) e[k] = t[9 + k]! - o[last * 3 + k]!;
    // D = target · presentᵀ
    const d = (a: number, b: number) =>
      t[a * 3]! * r[i + b * 3]! + t[a * 3 + 1]! * r[i + b * 3 + 1]! + t[a * 3 + 2]! * r[i + b * 3 + 2]!;
    const x = d(2, 1) - d(1, 2);
    const y = d(0, 2) - d(2, 0);
    const z = d(1, 0) - d(0, 1);
    const sin = Math.hypot(x, y, z) / 2;
    const cos = (d(0, 0) + d(1, 1) + d(2, 2) - 1) / 2;
    const angle = Math.atan2(sin, cos);
    if (sin > 1e-7 || cos > 0) {
      // Half of angle / sin; for small angles it tends to a half.
      const factor = sin > 1e-12 ? angle / (2 * sin) : 0.5;
      e[3] = x * factor;
      e[4] = y * factor;
      e[5] = z * factor;
      return;
    }
    // Half a turn: the axis is in the symmetric part, with either sign.
    const axis = [0, 1, 2].map((k) => Math.sqrt(Math.max(0, (d(k, k) + 1) / 2)));
    const lead = axis.indexOf(Math.max(...axis));
    for (let k = 0; k < 3; k++) e[3 + k] = angle * axis[k]! * (k !== lead && d(lead, k) < 0 ? -1 : 1);
  }

  /** #q with whole turns taken off or added where that is nearer to the seed and within the limits. */
  #unwound(seed: JointValues): number[] {
    const turns = this.chain.segments;
    return Array.from(this.#q, (value, i) => {
      const wholeTurns = turns.some(({ variable, prismatic }) => variable === i && prismatic)
        ? 0
        : 2 * Math.PI;
      if (wholeTurns === 0 || turns.some(({ variable, multiplier }) => variable === i && multiplier !== 1))
        return value;
      const moved = value + wholeTurns * Math.round((seed[i]! - value) / wholeTurns);
      return moved >= this.#from[i]! && moved <= this.#to[i]! ? moved : value;
    });
  }
}

function distance(a: readonly number[], b: readonly number[]): number {
  let largest = 0;
  for (const [i, value] of a.entries()) largest = Math.max(largest, Math.abs(value - b[i]!));
  return largest;
}
