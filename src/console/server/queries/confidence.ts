import type { PipelineResult } from "../../../pipeline/index.js";
import type { Confidence } from "../../protocol.js";

/** Below this score of the best candidate the operator is asked to confirm it: three in ten such answers are wrong. */
const sureScore = 0.7;
/** Candidates whose scores are this close to the best one's are as likely as it is. */
const alike = 0.1;

/**
 * How sure an answer is, by the score of its best candidate: the calibrated probability that it is right. The only
 * place that decides it; the page and commands read the outcome.
 */
export function confidenceOf({ grounding }: Pick<PipelineResult, "grounding">): Confidence {
  const [best] = grounding.detections;
  if (!grounding.found || best === undefined) return "not_found";
  return best.score >= sureScore ? "sure" : "unsure";
}

/**
 * Whether the operator has to say which of several candidates is meant: the query left it open and a question was asked
 * back, or their scores are too close to tell them apart. Several objects that were asked for are no such case.
 */
export function isAmbiguous({ grounding }: Pick<PipelineResult, "grounding">): boolean {
  const { detections, command, question } = grounding;
  if (question !== undefined) return question.labels.length > 1;
  const targets = command?.targets ?? [];
  if (targets.length > 1 || targets.some(({ count }) => count !== 1)) return false;
  const [best, second] = detections;
  return best !== undefined && second !== undefined && second.score > best.score - alike;
}
