import type { ColourImage } from "../../geometry/index.js";
import type { Grounding } from "../types.js";
import { cleanQuery } from "./clean.js";
import { nounParts } from "./parse/noun-phrase.js";
import { parseCommand, readWords } from "./parse/parse.js";
import { resolveReply } from "./question.js";
import { namesNoOther } from "./understand.js";

/**
 * Which candidate of an answer a reply to its question means: "the left one", "the blue one", "yes". Undefined where
 * the answer asks nothing, or the text is no reply to it: a query of its own, or one that fits none of the candidates.
 * @param image the one that the answer is about
 * @returns index into the answer's detections. @throws GraspGroundingError QUERY_*
 */
export function readReply(
  reply: string,
  { command, question, detections }: Grounding,
  image: ColourImage,
): number | undefined {
  const [target] = command?.targets ?? [];
  if (question === undefined || question.labels.length === 0 || target === undefined) return undefined;
  const text = cleanQuery(reply);
  const { singular } = nounParts(readWords(target.phrase));
  if (!namesNoOther(parseCommand(text), singular)) return undefined;
  return resolveReply(text, detections.slice(0, question.labels.length), image);
}
