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
    if (error instanceof PlanningAborted)
      return failure("stopped", safetyText.cancelled, { safety: "cancelled" });
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

/** Time before a request in which heartbeats and joint states that came during planning are read. */
export const feedbackGrace: Seconds = 0.02;
