import { quantile } from "../src/geometry/index.js";

/** Figures of one series of measurements, in milliseconds. */
export interface Spread {
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
  readonly min: number;
}

/** Figures of `samples` in milliseconds, to the microsecond; NaN of none. */
export function spread(samples: readonly number[]): Spread {
  const at = (q: number) => round(quantile(samples, q));
  return { n: samples.length, p50: at(0.5), p99: at(0.99), min: at(0) };
}

/** Runs `work` `warmup` + `n` times, one after the other, and gives the milliseconds of the last n. */
export async function time(
  n: number,
  warmup: number,
  work: (i: number) => Promise<unknown>,
): Promise<number[]> {
  const samples: number[] = [];
  for (let i = 0; i < n + warmup; i++) {
    const start = performance.now();
    await work(i);
    if (i >= warmup) samples.push(performance.now() - start);
  }
  return samples;
}

export const round = (value: number, digits = 3): number => Math.round(value * 10 ** digits) / 10 ** digits;
