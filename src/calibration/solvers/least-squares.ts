import { CholeskyDecomposition, Matrix } from "ml-matrix";

/** Least squares over unknowns that all residuals share and unknowns of one block (image, robot pose) each. */
export interface BlockProblem {
  readonly shared: Float64Array;
  readonly blocks: readonly Float64Array[];
  /** Residuals of a block, always the same number; groups of `group` (a point's u and v) are weighted as one. */
  residuals(shared: Float64Array, block: Float64Array, index: number): Float64Array;
  readonly group: number;
  /** Residual length from which a group counts less (Cauchy's loss); Infinity for plain least squares. */
  readonly scale: number;
  /** Indexes of shared unknowns that stay fixed. */
  readonly fixed?: ReadonlySet<number>;
  readonly iterations?: number;
}

export interface BlockSolution {
  readonly shared: Float64Array;
  readonly blocks: readonly Float64Array[];
  /** Robust cost: half the sum of the loss. */
  readonly cost: number;
  /**
   * Covariance of the shared unknowns for residuals of unit deviation, row-major n × n; undefined where the data do not
   * determine them.
   */
  readonly covariance: Float64Array | undefined;
  readonly converged: boolean;
}

interface Normal {
  readonly matrix: Matrix;
  readonly gradient: Float64Array;
}

/**
 * Levenberg-Marquardt (Marquardt 1963, diagonal damping) with Cauchy's loss by reweighting and central differences.
 * Dense: meant for some hundred unknowns.
 */
export function solveBlocks(problem: BlockProblem): BlockSolution {
  let shared = problem.shared.slice();
  let blocks = problem.blocks.map((block) => block.slice());
  let cost = costOf(problem, shared, blocks);
  let damping = 1e-3;
  let converged = false;
  for (let round = 0; round < (problem.iterations ?? 60) && !converged; round++) {
    const normal = normalEquations(problem, shared, blocks);
    let improved = false;
    for (let attempt = 0; attempt < 12; attempt++) {
      const step = dampedStep(normal, damping);
      const next = step && moved(shared, blocks, step);
      const nextCost = next === undefined ? Infinity : costOf(problem, next.shared, next.blocks);
      if (next !== undefined && nextCost <= cost) {
        converged = cost - nextCost <= 1e-12 * cost + 1e-24;
        ({ shared, blocks } = next);
        cost = nextCost;
        damping = Math.max(damping / 10, 1e-12);
        improved = true;
        break;
      }
      damping = Math.min(damping * 10, 1e12);
    }
    if (!improved) converged = true;
  }
  const covariance = covarianceOf(normalEquations(problem, shared, blocks), shared.length, problem.fixed);
  return { shared, blocks, cost, covariance, converged };
}

function costOf(problem: BlockProblem, shared: Float64Array, blocks: readonly Float64Array[]): number {
  const { group, scale } = problem;
  let cost = 0;
  for (const [index, block] of blocks.entries()) {
    const r = problem.residuals(shared, block, index);
    for (let i = 0; i < r.length; i += group) {
      let square = 0;
      for (let k = i; k < i + group; k++) square += r[k]! * r[k]!;
      if (!Number.isFinite(square)) return Infinity;
      cost += Number.isFinite(scale)
        ? 0.5 * scale * scale * Math.log1p(square / (scale * scale))
        : 0.5 * square;
    }
  }
  return cost;
}

function normalEquations(
  problem: BlockProblem,
  shared: Float64Array,
  blocks: readonly Float64Array[],
): Normal {
  const n = shared.length;
  const size = n + blocks.reduce((sum, block) => sum + block.length, 0);
  const matrix = Matrix.zeros(size, size);
  const gradient = new Float64Array(size);
  let offset = n;
  for (const [index, block] of blocks.entries()) {
    const r = problem.residuals(shared, block, index);
    const weights = weightsOf(r, problem.group, problem.scale);
    const columns: Float64Array[] = [];
    const places: number[] = [];
    for (let k = 0; k < n; k++) {
      if (problem.fixed?.has(k)) continue;
      columns.push(derivative((x) => problem.residuals(x, block, index), shared, k));
      places.push(k);
    }
    for (let k = 0; k < block.length; k++) {
      columns.push(derivative((x) => problem.residuals(shared, x, index), block, k));
      places.push(offset + k);
    }
    for (let a = 0; a < columns.length; a++) {
      const ca = columns[a]!;
      let g = 0;
      for (let i = 0; i < r.length; i++) g += weights[i]! * ca[i]! * r[i]!;
      gradient[places[a]!] = gradient[places[a]!]! + g;
      for (let b = 0; b <= a; b++) {
        const cb = columns[b]!;
        let sum = 0;
        for (let i = 0; i < r.length; i++) sum += weights[i]! * ca[i]! * cb[i]!;
        const value = matrix.get(places[a]!, places[b]!) + sum;
        matrix.set(places[a]!, places[b]!, value);
        matrix.set(places[b]!, places[a]!, value);
      }
    }
    offset += block.length;
  }
  for (const k of problem.fixed ?? []) matrix.set(k, k, 1);
  return { matrix, gradient };
}

function weightsOf(r: Float64Array, group: number, scale: number): Float64Array {
  const weights = new Float64Array(r.length).fill(1);
  if (!Number.isFinite(scale)) return weights;
  for (let i = 0; i < r.length; i += group) {
    let square = 0;
    for (let k = i; k < i + group; k++) square += r[k]! * r[k]!;
    weights.fill(1 / (1 + square / (scale * scale)), i, i + group);
  }
  return weights;
}

function derivative(f: (x: Float64Array) => Float64Array, x: Float64Array, k: number): Float64Array {
  const h = 1e-6 * Math.max(1, Math.abs(x[k]!));
  const moved = x.slice();
  moved[k] = x[k]! + h;
  const above = f(moved);
  moved[k] = x[k]! - h;
  const below = f(moved);
  return above.map((value, i) => (value - below[i]!) / (2 * h));
}

function dampedStep({ matrix, gradient }: Normal, damping: number): Float64Array | undefined {
  const damped = matrix.clone();
  for (let k = 0; k < gradient.length; k++) damped.set(k, k, damped.get(k, k) * (1 + damping) + 1e-18);
  const factor = new CholeskyDecomposition(damped);
  if (!factor.isPositiveDefinite()) return undefined;
  const step = factor.solve(Matrix.columnVector(Array.from(gradient, (g) => -g))).to1DArray();
  return step.every(Number.isFinite) ? Float64Array.from(step) : undefined;
}

function moved(shared: Float64Array, blocks: readonly Float64Array[], step: Float64Array) {
  let offset = shared.length;
  return {
    shared: shared.map((value, k) => value + step[k]!),
    blocks: blocks.map((block) => {
      const next = block.map((value, k) => value + step[offset + k]!);
      offset += block.length;
      return next;
    }),
  };
}

function covarianceOf(
  { matrix }: Normal,
  n: number,
  fixed: ReadonlySet<number> | undefined,
): Float64Array | undefined {
  const factor = new CholeskyDecomposition(matrix);
  if (!factor.isPositiveDefinite()) return undefined;
  const unit = Matrix.zeros(matrix.rows, n);
  for (let k = 0; k < n; k++) unit.set(k, k, 1);
  const inverse = factor.solve(unit);
  const covariance = new Float64Array(n * n);
  for (let r = 0; r < n; r++)
    for (let c = 0; c < n; c++)
      covariance[r * n + c] = fixed?.has(r) || fixed?.has(c) ? 0 : inverse.get(r, c);
  return covariance.every(Number.isFinite) ? covariance : undefined;
}
