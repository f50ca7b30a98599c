import { GraspGroundingError } from "../../errors/index.js";

/** Longest query that is read, in characters. */
export const maxQueryLength = 512;

/**
 * A query as it is handed to the model: NFC, white space collapsed.
 * @throws GraspGroundingError QUERY_EMPTY, QUERY_TOO_LONG, QUERY_CONTROL
 */
export function cleanQuery(text: string): string {
  if (text.length > maxQueryLength) {
    throw new GraspGroundingError("QUERY_TOO_LONG", { length: text.length, limit: maxQueryLength });
  }
  const collapsed = text
    .normalize("NFC")
    .replace(/[\s\u00a0]+/gu, " ")
    .trim();
  if (collapsed === "") throw new GraspGroundingError("QUERY_EMPTY");
  if (/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u.test(collapsed))
    throw new GraspGroundingError("QUERY_CONTROL");
  return collapsed;
}
