/** Time that a busy machine takes from a test: what it adds to a limit in time, measured in the same run. */
const tick = 5;

/** Adds up by how much this process wakes too late, in milliseconds, until it is stopped. */
export class HeldUp {
  ms = 0;
  #last = performance.now();
  readonly #timer = setInterval(() => {
    const now = performance.now();
    // A machine at rest is late by up to a tick, too.
    this.ms += Math.max(0, now - this.#last - 2 * tick);
    this.#last = now;
  }, tick);

  /** @returns milliseconds in all */
  stop(): number {
    clearInterval(this.#timer);
    return this.ms + Math.max(0, performance.now() - this.#last - 2 * tick);
  }
}

/** How long something took, in milliseconds, and what of it the machine may be to blame for. */
export async function timed<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly ms: number; readonly held: number }> {
  const held = new HeldUp();
  const began = performance.now();
  try {
    const result = await work();
    return { result, ms: performance.now() - began, held: held.stop() };
  } finally {
    held.stop();
  }
}

/** Milliseconds of a processor that this process has used: what others do meanwhile does not count. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
