import type { Vec3 } from "./pose.js";

/** Eigenvalues in ascending order, with their unit eigenvectors. */
export interface SymmetricEigen3 {
  readonly values: readonly [number, number, number];
  readonly vectors: readonly [Vec3, Vec3, Vec3];
}

/**
 * Eigen decomposition of the symmetric matrix [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]] by cyclic Jacobi rotations
 * (Golub and Van Loan, Matrix Computations, 8.5): slower than a closed form and exact for repeated eigenvalues.
 */
export function symmetricEigen3(
  xx: number,
  xy: number,
  xz: number,
  yy: number,
  yz: number,
  zz: number,
): SymmetricEigen3 {
  const a = [
    [xx, xy, xz],
    [xy, yy, yz],
    [xz, yz, zz],
  ];
  const v = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  const total = xx * xx + yy * yy + zz * zz + 2 * (xy * xy + xz * xz + yz * yz);
  for (let sweep = 0; sweep < 16; sweep++) {
    const off = a[0]![1]! ** 2 + a[0]![2]! ** 2 + a[1]![2]! ** 2;
    if (!(off > 1e-30 * total)) break;
    for (let p = 0; p < 2; p++) for (let q = p + 1; q < 3; q++) jacobiRotate(a, v, p, q);
  }
  const order = [0, 1, 2].sort((i, j) => a[i]![i]! - a[j]![j]!);
  const value = (k: number): number => a[order[k]!]![order[k]!]!;
  const vector = (k: number): Vec3 => [v[0]![order[k]!]!, v[1]![order[k]!]!, v[2]![order[k]!]!];
  return { values: [value(0), value(1), value(2)], vectors: [vector(0), vector(1), vector(2)] };
}

function jacobiRotate(a: number[][], v: number[][], p: number, q: number): void {
  const apq = a[p]![q]!;
  if (apq === 0) return;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < 3; k++) {
    const akp = a[k]![p]!;
    const akq = a[k]![q]!;
    a[k]![p] = c * akp - s * akq;
    a[k]![q] = s * akp + c * akq;
  }
  for (let k = 0; k < 3; k++) {
    const apk = a[p]![k]!;
    const aqk = a[q]![k]!;
    a[p]![k] = c * apk - s * aqk;
    a[q]![k] = s * apk + c * aqk;
    const vkp = v[k]![p]!;
    const vkq = v[k]![q]!;
    v[k]![p] = c * vkp - s * vkq;
    v[k]![q] = s * vkp + c * vkq;
  }
}
