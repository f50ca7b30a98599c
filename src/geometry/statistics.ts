/** Middle value; the mean of the two in the middle for an even count; NaN of none. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/**
 * Value below which the share `q` (0 to 1) of `values` lies, linear between two of them (type 7 of Hyndman and Fan,
 * as numpy.quantile); NaN of none.
 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}
