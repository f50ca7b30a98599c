import type { Seconds } from "../../geometry/index.js";
import type { MonotonicSeconds } from "../safety/supervisor-types.js";

/** The arm's clock. Tests replace it. */
export interface Clock {
  /** Never decreases. */
  now(): MonotonicSeconds;
  sleep(seconds: Seconds): Promise<void>;
}

/** The process's own time. */
export const systemClock: Clock = {
  now: () => performance.now() / 1000,
  sleep: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
};

/** Resolves after a time by a clock, or at once when it is cancelled. */
export function deadline(
  clock: Clock,
  seconds: Seconds,
): { readonly promise: Promise<"late">; readonly cancel: () => void } {
  let cancelled = false;
  const until = clock.now() + seconds;
  const wait = async (): Promise<"late"> => {
    while (!cancelled && clock.now() < until) await clock.sleep(0.05);
    return "late";
  };
  return {
    promise: wait(),
    cancel: () => {
      cancelled = true;
    },
  };
}
