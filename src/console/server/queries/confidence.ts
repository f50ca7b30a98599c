import type { PipelineResult } from "../../../pipeline/index.js";
import type { Confidence } from "../../protocol.js";

/** Below this score of the best candidate the operator is asked to confirm it. */
const sureScore = 0.5;
/** Below this probability that the object is in the image the operator is asked to confirm it. */
const surePresence = 0.5;
/** Candidates whose scores are this close to the best one's are as likely as it is. */
const alike = 0.1;

/**
 * How sure an answer is, derived from its scores. The only place that decides it: the page and commands read the
 * outcome.
 */
export function confidenceOf({ grounding }: Pick<PipelineResult, "grounding">): Confidence {
  const [best] = grounding.detections;
  if (!grounding.found || best === undefined) return "not_found";
  return best.score >= sureScore && grounding.presence >= surePresence ? "sure" : "unsure";
}

/** Whether several candidates fit the query about equally well, so that the operator has to say which one is meant. */
export function isAmbiguous({ grounding }: Pick<PipelineResult, "grounding">): boolean {
  const [best, second] = grounding.detections;
  return best !== undefined && second !== undefined && second.score > best.score - alike;
}
