import {
  type AttemptOptions,
  type AttemptStage,
  type AttemptsResult,
  attemptGrasps,
  type GraspView,
  type PlannedMotion,
} from "../../arm/index.js";
import type { ConsoleArm } from "./console-arm.js";
import type { Proposal } from "./proposal.js";
import type { Surroundings } from "./surroundings.js";

/** What every motion of a held button shares. */
export type RunOptions = Required<Pick<AttemptOptions, "operator" | "lease" | "signal" | "onAttempt">> & {
  readonly onStage: (stage: AttemptStage, progress: number, attempt?: number) => void;
};

/** Detects the object of a pick again, in an image taken after the call. */
export type FreshLook = (signal: AbortSignal) => Promise<Proposal>;

/**
 * Takes an object in as many tries as the arm allows; in one, where it cannot be detected again.
 * @param planned the motion that was previewed, for the first try
 */
export function pickWithAttempts(
  console: ConsoleArm,
  surroundings: Surroundings,
  view: GraspView,
  planned: PlannedMotion | undefined,
  look: FreshLook | undefined,
): (options: RunOptions) => Promise<AttemptsResult> {
  return (options) =>
    attemptGrasps(console.arm, view, {
      ...options,
      maxAttempts: look === undefined ? 1 : (console.maxAttempts ?? 1),
      look: async () => surroundings.view(await look!(options.signal)),
      opening: () => console.reading?.()?.opening,
      ...(planned !== undefined && { planned }),
    });
}
