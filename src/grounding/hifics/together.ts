import { stopwatch } from "../stopwatch.js";

/** Called with a step and its milliseconds. */
export type Note = (step: string, ms: number) => void;

/** Runs several calls at the same time. Their steps share the time that they took in all, each by its own length. */
export async function together(onStep: Note, make: (note: Note) => readonly Promise<void>[]): Promise<void> {
  const clock = stopwatch();
  const steps = new Map<string, number>();
  await Promise.all(make((step, ms) => steps.set(step, (steps.get(step) ?? 0) + ms)));
  const took = clock();
  const sum = [...steps.values()].reduce((total, ms) => total + ms, 0);
  for (const [step, ms] of steps) onStep(step, sum > took ? (ms * took) / sum : ms);
}
