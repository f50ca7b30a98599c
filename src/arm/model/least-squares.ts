/**
 * Damped least squares without some columns: the step dq = Jᵀ (J Jᵀ + λ I)⁻¹ e, for a 6 × n Jacobian. Works in
 * place in arrays of its own, so that nothing is allocated from step to step.
 */
export class DampedStep {
  readonly dq: Float64Array;
  readonly #n: number;
  readonly #a = new Float64Array(36);
  readonly #y = new Float64Array(6);

  constructor(n: number) {
    this.#n = n;
    this.dq = new Float64Array(n);
  }

  /** @param frozen 1 for each column that must not move */
  solve(jacobian: Float64Array, e: Float64Array, damping: number, frozen: Uint8Array): Float64Array {
    const n = this.#n;
    const a = this.#a;
    const y = this.#y;
    const dq = this.dq;
    for (let r = 0; r < 6; r++) {
      for (let c = 0; c <= r; c++) {
        let sum = 0;
        for (let k = 0; k < n; k++) {
          if (frozen[k] === 0) sum += jacobian[r * n + k]! * jacobian[c * n + k]!;
        }
        a[r * 6 + c] = sum;
      }
      a[r * 7] = a[r * 7]! + damping;
      y[r] = e[r]!;
    }
    cholesky6(a);
    for (let r = 0; r < 6; r++) {
      let sum = y[r]!;
      for (let c = 0; c < r; c++) sum -= a[r * 6 + c]! * y[c]!;
      y[r] = sum / a[r * 7]!;
    }
    for (let r = 5; r >= 0; r--) {
      let sum = y[r]!;
      for (let c = r + 1; c < 6; c++) sum -= a[c * 6 + r]! * y[c]!;
      y[r] = sum / a[r * 7]!;
    }
    for (let k = 0; k < n; k++) {
      let sum = 0;
      if (frozen[k] === 0) for (let r = 0; r < 6; r++) sum += jacobian[r * n + k]! * y[r]!;
      dq[k] = sum;
    }
    return dq;
  }
}

/** Lower Cholesky factor of the lower triangle of a 6 × 6 matrix, in place. Pivots stay above zero. */
export function cholesky6(a: Float64Array): void {
  for (let r = 0; r < 6; r++) {
    for (let c = 0; c <= r; c++) {
      let sum = a[r * 6 + c]!;
      for (let k = 0; k < c; k++) sum -= a[r * 6 + k]! * a[c * 6 + k]!;
      a[r * 6 + c] = r === c ? Math.sqrt(Math.max(sum, 1e-18)) : sum / a[c * 7]!;
    }
  }
}

/** sqrt(det(J Jᵀ)): Yoshikawa's manipulability, 0 at a singular joint configuration. */
export function manipulability(jacobian: Float64Array, n: number): number {
  const a = new Float64Array(36);
  for (let r = 0; r < 6; r++) {
    for (let c = 0; c <= r; c++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += jacobian[r * n + k]! * jacobian[c * n + k]!;
      a[r * 6 + c] = sum;
    }
  }
  cholesky6(a);
  let product = 1;
  for (let r = 0; r < 6; r++) product *= a[r * 7]!;
  return product;
}
