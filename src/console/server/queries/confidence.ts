import { certaintyOf } from "../../../grounding/index.js";
import type { PipelineResult } from "../../../pipeline/index.js";
import type { Confidence } from "../../protocol.js";

/** Candidates whose scores are this close to the best one's are as likely as it is. */
const alike = 0.1;

/** How sure an answer is: its certainty, where there is a candidate to confirm. The page and commands read it. */
export const confidenceOf = ({ grounding }: Pick<PipelineResult, "grounding">): Confidence =>
  grounding.detections.length === 0 ? "not_found" : certaintyOf(grounding);

/**
 * Whether the operator has to say which of several candidates is meant: the query left it open and a question was asked
 * back, or their scores are too close to tell them apart. Several objects that were asked for are no such case.
 */
export function isAmbiguous({ grounding }: Pick<PipelineResult, "grounding">): boolean {
  const { detections, command, question } = grounding;
  if (question !== undefined && question.labels.length > 0) return question.labels.length > 1;
  const targets = command?.targets ?? [];
  if (targets.length > 1 || targets.some(({ count }) => count !== 1)) return false;
  const [best, second] = detections;
  return best !== undefined && second !== undefined && second.score > best.score - alike;
}
