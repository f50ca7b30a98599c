import type { Matrix } from "ml-matrix";

export const degrees = (radians: number): number => (radians * 180) / Math.PI;

/** Adds v vᵀ to a square matrix: the sum over many v is the matrix of their second moments. */
export function addOuterProduct(matrix: Matrix, v: readonly number[]): void {
  for (let r = 0; r < v.length; r++)
    for (let c = 0; c < v.length; c++) matrix.set(r, c, matrix.get(r, c) + v[r]! * v[c]!);
}

/**
 * Standard deviations of unknowns from their covariance for residuals of unit deviation (row-major n × n), and the
 * variance of the residuals; Infinity without a covariance.
 */
export const deviationsOf =
  (covariance: Float64Array | undefined, variance: number) =>
  (index: number): number => {
    if (covariance === undefined) return Infinity;
    const n = Math.round(Math.sqrt(covariance.length));
    return Math.sqrt(Math.max(0, covariance[index * n + index]! * variance));
  };
