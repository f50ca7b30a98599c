import type { Pose } from "../../geometry/index.js";
import { quaternionFromMatrix } from "../../geometry/index.js";
import type { Chain } from "./chain.js";

/** Joint values, one for each variable of a chain, base first. */
export type JointValues = ArrayLike<number>;

/**
 * Forward kinematics and Jacobian of one chain. All frames of one joint configuration lie in arrays that each call of
 * `update` writes anew: nothing is allocated, so thousands of iterations a second are possible.
 */
export class Kinematics {
  readonly chain: Chain;
  /** Number of variables. */
  readonly n: number;
  /** Origin of each segment's frame after its joint, then of the tool: x, y, z, … in the base frame. */
  readonly origins: Float64Array;
  /** Rotation of the same frames, row-major, 9 numbers each. */
  readonly rotations: Float64Array;
  /** Row-major 6 × n: linear velocity of the tool's origin, then angular velocity, both in base axes. */
  readonly jacobian: Float64Array;
  readonly #fixed: Float64Array;
  readonly #count: number;

  constructor(chain: Chain) {
    this.chain = chain;
    this.n = chain.joints.length;
    this.#count = chain.segments.length;
    this.origins = new Float64Array((this.#count + 1) * 3);
    this.rotations = new Float64Array((this.#count + 1) * 9);
    this.jacobian = new Float64Array(6 * this.n);
    const placements = [...chain.segments.map((segment) => segment.placement), chain.tool];
    this.#fixed = Float64Array.from(
      placements.flatMap(({ rotation, translation }) => [...rotation, ...translation]),
    );
  }

  /** Computes all frames at joint configuration `q`. */
  update(q: JointValues): void {
    const { origins: o, rotations: r } = this;
    const f = this.#fixed;
    const { segments } = this.chain;
    let r0 = 1;
    let r1 = 0;
    let r2 = 0;
    let r3 = 0;
    let r4 = 1;
    let r5 = 0;
    let r6 = 0;
    let r7 = 0;
    let r8 = 1;
    let px = 0;
    let py = 0;
    let pz = 0;
    for (let k = 0; k <= this.#count; k++) {
      const i = k * 12;
      const tx = f[i + 9]!;
      const ty = f[i + 10]!;
      const tz = f[i + 11]!;
      px += r0 * tx + r1 * ty + r2 * tz;
      py += r3 * tx + r4 * ty + r5 * tz;
      pz += r6 * tx + r7 * ty + r8 * tz;
      // Columns of the joint's frame before it moves.
      let ax = r0 * f[i]! + r1 * f[i + 3]! + r2 * f[i + 6]!;
      let ay = r3 * f[i]! + r4 * f[i + 3]! + r5 * f[i + 6]!;
      let az = r6 * f[i]! + r7 * f[i + 3]! + r8 * f[i + 6]!;
      let bx = r0 * f[i + 1]! + r1 * f[i + 4]! + r2 * f[i + 7]!;
      let by = r3 * f[i + 1]! + r4 * f[i + 4]! + r5 * f[i + 7]!;
      let bz = r6 * f[i + 1]! + r7 * f[i + 4]! + r8 * f[i + 7]!;
      const cx = r0 * f[i + 2]! + r1 * f[i + 5]! + r2 * f[i + 8]!;
      const cy = r3 * f[i + 2]! + r4 * f[i + 5]! + r5 * f[i + 8]!;
      const cz = r6 * f[i + 2]! + r7 * f[i + 5]! + r8 * f[i + 8]!;
      const segment = segments[k];
      if (segment !== undefined) {
        const value = segment.multiplier * q[segment.variable]! + segment.offset;
        if (segment.prismatic) {
          px += cx * value;
          py += cy * value;
          pz += cz * value;
        } else {
          const sin = Math.sin(value);
          const cos = Math.cos(value);
          const ux = ax;
          const uy = ay;
          const uz = az;
          ax = cos * ux + sin * bx;
          ay = cos * uy + sin * by;
          az = cos * uz + sin * bz;
          bx = cos * bx - sin * ux;
          by = cos * by - sin * uy;
          bz = cos * bz - sin * uz;
        }
      }
      r0 = ax;
      r1 = bx;
      r2 = cx;
      r3 = ay;
      r4 = by;
      r5 = cy;
      r6 = az;
      r7 = bz;
      r8 = cz;
      const m = k * 9;
      r[m] = ax;
      r[m + 1] = bx;
      r[m + 2] = cx;
      r[m + 3] = ay;
      r[m + 4] = by;
      r[m + 5] = cy;
      r[m + 6] = az;
      r[m + 7] = bz;
      r[m + 8] = cz;
      o[k * 3] = px;
      o[k * 3 + 1] = py;
      o[k * 3 + 2] = pz;
    }
  }

  /** Computes the Jacobian from the frames of the last `update`. */
  updateJacobian(): void {
    const { origins: o, rotations: r, jacobian: j, n } = this;
    const { segments } = this.chain;
    const tool = this.#count * 3;
    const x = o[tool]!;
    const y = o[tool + 1]!;
    const z = o[tool + 2]!;
    j.fill(0);
    for (let k = 0; k < segments.length; k++) {
      const { prismatic, variable: c, multiplier: by } = segments[k]!;
      const zx = r[k * 9 + 2]! * by;
      const zy = r[k * 9 + 5]! * by;
      const zz = r[k * 9 + 8]! * by;
      if (prismatic) {
        j[c] = j[c]! + zx;
        j[n + c] = j[n + c]! + zy;
        j[2 * n + c] = j[2 * n + c]! + zz;
        continue;
      }
      const dx = x - o[k * 3]!;
      const dy = y - o[k * 3 + 1]!;
      const dz = z - o[k * 3 + 2]!;
      j[c] = j[c]! + zy * dz - zz * dy;
      j[n + c] = j[n + c]! + zz * dx - zx * dz;
      j[2 * n + c] = j[2 * n + c]! + zx * dy - zy * dx;
      j[3 * n + c] = j[3 * n + c]! + zx;
      j[4 * n + c] = j[4 * n + c]! + zy;
      j[5 * n + c] = j[5 * n + c]! + zz;
    }
  }

  /** Pose of the tool at joint configuration `q`, in the base frame. */
  forward(q: JointValues): Pose {
    this.update(q);
    const o = this.#count * 3;
    const m = this.#count * 9;
    const r = this.rotations;
    return {
      position: [this.origins[o]!, this.origins[o + 1]!, this.origins[o + 2]!],
      orientation: quaternionFromMatrix([
        r[m]!,
        r[m + 1]!,
        r[m + 2]!,
        r[m + 3]!,
        r[m + 4]!,
        r[m + 5]!,
        r[m + 6]!,
        r[m + 7]!,
        r[m + 8]!,
      ]),
    };
  }

  /**
   * Velocity of the tool's origin, m/s in base axes, when the joints move with `velocities` at joint configuration
   * `q`.
   */
  toolVelocity(q: JointValues, velocities: JointValues): [number, number, number] {
    this.update(q);
    this.updateJacobian();
    const v: [number, number, number] = [0, 0, 0];
    for (let row = 0; row < 3; row++) {
      let sum = 0;
      for (let c = 0; c < this.n; c++) sum += this.jacobian[row * this.n + c]! * velocities[c]!;
      v[row] = sum;
    }
    return v;
  }
}
