import type { Answer } from "./protocol.js";

/**
 * Whether an operator has to say which object is meant before it can be picked: the model is not sure, or several
 * candidates fit about equally well. The page asks for it, the server holds to it.
 */
export const needsConfirmation = ({
  confidence,
  ambiguous,
  confirmed,
}: Pick<Answer, "confidence" | "ambiguous" | "confirmed">): boolean =>
  !confirmed && (ambiguous || confidence === "unsure");
