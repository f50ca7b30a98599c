import { maskIou } from "../geometry/index.js";
import type { Grounding } from "../grounding/index.js";
import type { Pair } from "./types.js";

/** Overlap of both sides' masks; 0 when only one side found the object. */
export function agreementOf(a: Grounding, b: Grounding): number {
  if (!a.found && !b.found) return 1;
  if (a.found !== b.found) return 0;
  const [x, y] = [a, b].map(({ detections }) => {
    const { width, height } = detections[0]!.mask;
    const data = new Uint8Array(width * height);
    for (const { mask } of detections) for (let i = 0; i < data.length; i++) data[i]! |= mask.data[i]!;
    return { width, height, data };
  });
  return Number(maskIou(x!, y!).toFixed(4));
}

export interface Agreement {
  readonly query: string;
  readonly n: number;
  readonly bothFound: number;
  readonly neither: number;
  readonly onlyA: number;
  readonly onlyB: number;
  /** Mean overlap where both found the object. */
  readonly overlap: number;
}

/** Agreement of both sides, for each query. */
export function agreements(pairs: readonly Pair[]): readonly Agreement[] {
  return [...new Set(pairs.map(({ query }) => query))].map((query) => {
    const own = pairs.filter((pair) => pair.query === query);
    const both = own.filter(({ a, b }) => a.found && b.found);
    const sum = both.reduce((total, { agreement }) => total + agreement, 0);
    return {
      query,
      n: own.length,
      bothFound: both.length,
      neither: own.filter(({ a, b }) => !a.found && !b.found).length,
      onlyA: own.filter(({ a, b }) => a.found && !b.found).length,
      onlyB: own.filter(({ a, b }) => !a.found && b.found).length,
      overlap: both.length === 0 ? 0 : sum / both.length,
    };
  });
}
