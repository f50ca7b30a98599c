import { maxQueryLength } from "../clean.js";
import { splitClauses, takeProhibition, withoutFillers } from "./clauses.js";
import { splitWords, Words, whole } from "./tokens.js";

/** An order to stop, without its fillers. */
export const stop = whole(
  "stop(?: (?:it|that|this|moving|right there|there|now|everything|immediately|the (?:robot|arm)))*|(?:emergency|e-) ?stop|e-stop|halt|freeze|abort(?: it| that)?|quit|pause|enough|whoa|" +
    "cancel(?: (?:that|it|this|everything|the .+))?|wait(?: a (?:moment|second|minute|sec|bit))?|hold (?:it|on|still)|" +
    "do not (?:move|do (?:that|it|this|anything)|touch (?:anything|it|that))(?: .*)?|forget (?:it|that|about it)|never ?mind|that is enough|stay (?:there|where you are)",
);

/**
 * Whether a query begins with an order to stop, or forbids everything that it names ("don't take the mug"). For the
 * thread that stops the arm: it takes microseconds, because it needs no tagger, and so it corrects no spelling.
 * Never throws.
 */
export function isStopOrder(text: string): boolean {
  // Longer texts are refused as queries.
  if (text.length > maxQueryLength) return false;
  const words = splitWords(text).map((word) => {
    const low = word.toLowerCase();
    return { text: word, low, pos: "X", lemma: low, known: true };
  });
  const said = withoutFillers(new Words(words));
  if (said.length === 0) return false;
  if (stop.test(said.low)) return true;
  const clauses = splitClauses(said).map((clause) => takeProhibition(withoutFillers(clause)));
  const [first] = clauses;
  if (first !== undefined && !first.prohibited && stop.test(first.words.low)) return true;
  return clauses.every(({ prohibited, words: { length } }) => prohibited && length > 0);
}
