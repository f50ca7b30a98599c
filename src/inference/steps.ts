/**
 * Steps of a call to a back end: `jpeg` decodes, `resize` brings an image to the model's size, `hash` names its
 * features by its content, `hand_over` carries data to a thread or worker and back, `wait` is a worker's queue, and the
 * parts run with their copies to and from a GPU.
 */
export const steps = [
  "jpeg",
  "resize",
  "hash",
  "hand_over",
  "wait",
  "encoder",
  "text",
  "decoder",
  "locate",
] as const;
export type Step = (typeof steps)[number];
export type OnStep = (step: Step, ms: number) => void;

/** A thread's answer, and the milliseconds that it took in there. */
export interface Timed<Value> {
  readonly value: Value;
  readonly ms: Readonly<Partial<Record<Step, number>>>;
}

/**
 * The value of an answer; its steps, and the rest of the time as `hand_over`, go to `onStep`.
 * @param start performance.now() before the request was made; default: now
 */
export async function reportSteps<Value>(
  answer: Promise<Timed<Value>>,
  onStep?: OnStep,
  start = performance.now(),
): Promise<Value> {
  const { value, ms } = await answer;
  if (onStep === undefined) return value;
  let rest = performance.now() - start;
  for (const step of steps) {
    const took = ms[step];
    if (took === undefined) continue;
    onStep(step, took);
    rest -= took;
  }
  onStep("hand_over", Math.max(0, rest));
  return value;
}
