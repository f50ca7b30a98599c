import type { Seconds } from "../../geometry/index.js";
import { safetyText } from "../safety/supervisor-types.js";
import type { ArmOutcome, ArmResult } from "./arm-types.js";

/** Ends planning from within. */
export class PlanningAborted extends Error {}

/** Runs a motion; one whose planning was aborted ends as cancelled. */
export async function unlessAborted(
  carryOut: () => Promise<ArmResult>,
  atEnd: () => void,
): Promise<ArmResult> {
  try {
    return await carryOut();
  } catch (error) {
    if (error instanceof PlanningAborted) return cancelled();
    throw error;
  } finally {
    atEnd();
  }
}

/** A result of a motion that did not succeed. */
export const failure = (outcome: ArmOutcome, message: string, more: Partial<ArmResult> = {}): ArmResult => ({
  success: false,
  outcome,
  message,
  ...more,
});

/** A result of a goal that was cancelled. */
export const cancelled = (): ArmResult => failure("stopped", safetyText.cancelled, { safety: "cancelled" });

/** Whether a motion was refused before it began, for what another plan may do without. */
export const isPlanFault = ({ outcome, safety }: ArmResult): boolean =>
  outcome === "refused" &&
  (safety === "joint-limit" || safety === "velocity-limit" || safety === "workspace");

/** The result of the first place at which a motion began, or the reason of the last one. */
export async function firstOf<T>(
  places: readonly T[],
  attempt: (place: T) => Promise<ArmResult>,
): Promise<ArmResult> {
  let why = failure("no-plan", "there is no free place for it");
  for (const place of places) {
    why = await attempt(place);
    // Nothing has moved: another place may be within reach.
    if (why.outcome !== "no-plan" && !isPlanFault(why)) break;
  }
  return why;
}

/** Time before a request in which heartbeats and joint states that came during planning are read. */
export const feedbackGrace: Seconds = 0.02;
