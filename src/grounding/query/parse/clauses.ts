import { carryingVerbs, determiner, type Verb, verbs } from "./lexicon.js";
import { anywhere, atEnd, atStart, type Token, Words } from "./tokens.js";

const fillersAtStart = atStart(
  "(?:hey|hi|hello|ok|okay)(?: there)?(?:,? robot)?|alright|right ,|well|so|now|um|uh|erm|hmm|oh|and|also|then|thanks|thank you|yes|yeah|sorry|actually|first|no ,|no(?= (?:the|that|not)(?: |$))|next ,|robot ,|,|" +
    "be (?:so kind|a dear) (?:as to|and)|" +
    "(?:could|can|would|will) you(?: mind)?(?: be so kind as to| be able to)?|" +
    "i (?:want|would like|need) you to|you (?:should|must|can|have to|need to)|go ahead and|go and|try to|let us|do me a favou?r and|" +
    "it would be (?:great|nice) if you (?:could|would)|i wonder if you could",
);
const fillersAtEnd = atEnd(
  "thanks(?: a lot)?|thank you(?: very much)?|for me|for us|right now|now|too|as well|again|instead|also|at once|robot|anywhere|somewhere|if you (?:can|could|please)|will you|,",
);
const fillersAnywhere =
  /^(?:please|um|uh|erm|kindly|quickly|carefully|gently|slowly|immediately|maybe|perhaps|just)$/;

/** Leaves out what is said to be polite, to hesitate, or to be heard. */
export function withoutFillers(words: Words): Words {
  const remaining: Token[] = [];
  for (const token of words.tokens) {
    if (fillersAnywhere.test(token.low)) continue;
    const previous = remaining.at(-1)?.low;
    if (
      token.low === "," &&
      (previous === "," || previous === undefined || /^(?:the|a|an|my)$/.test(previous))
    )
      continue;
    remaining.push(token);
  }
  let rest = new Words(remaining);
  for (;;) {
    const before = rest.length;
    rest = rest.slice(rest.lead(fillersAtStart));
    const end = rest.tail(fillersAtEnd);
    if (end > 0) rest = rest.slice(0, rest.length - end);
    // A toy robot is an object; "robot take the tin" addresses one.
    if (rest.tokens[0]?.low === "robot" && matchVerb(rest.slice(1)) !== undefined) rest = rest.slice(1);
    if (rest.length === before) return rest;
  }
}

export interface VerbMatch extends Verb {
  /** Base form, or the phrase's first word. */
  readonly verb: string;
  /** Words that it takes. */
  readonly length: number;
}

const verbPhrases: readonly (readonly [RegExp, Verb["act"]])[] = [
  [
    atStart(
      "(?:can|could|may|might) i (?:please )?(?:have|get|take)|let me have|i (?:want|need|would like|would love)(?: to have)?|i am in need of|reach(?:ing)? for|go for|get hold of|take hold of|grab hold of",
    ),
    "pick",
  ],
  [
    atStart(
      "look(?:ing)? (?:for|at)|search(?:ing)? for|check for|point(?:ing)? (?:at|to|out)|(?:i am|we are) (?:looking|searching) for|" +
        "where (?:is|are)|where did (?:i|we|you) (?:leave|put)|is there|are there|(?:do|can) you see|have you seen|" +
        "(?:show|tell) (?:me|us) where|which (?:one )?(?:is|are)|what (?:is|are)|how many|show (?:me|us)|find me|see",
    ),
    "find",
  ],
];
const particles = "up|down|out|over|back|away|off|together";
const objectOfVerb = atStart(`${determiner}|${particles}`);

/** The verb that a clause begins with, undefined where it begins with none that is known. */
export function matchVerb(words: Words): VerbMatch | undefined {
  for (const [pattern, act] of verbPhrases) {
    const length = words.lead(pattern);
    if (length > 0 && length < words.length) return { act, length, verb: words.tokens[0]!.low };
  }
  const first = words.tokens[0];
  if (first === undefined) return undefined;
  const base = Object.hasOwn(verbs, first.low) ? first.low : first.low.endsWith("ing") ? first.lemma : "";
  if (!Object.hasOwn(verbs, base)) return undefined;
  const verb = verbs[base]!;
  if (verb.alsoNoun && words.slice(1).lead(objectOfVerb) === 0) return undefined;
  return { ...verb, verb: base, length: 1 };
}

export const isCarrying = ({ verb }: VerbMatch): boolean => carryingVerbs.has(verb);

const boundary = anywhere(", and then|and then|, then|then|,? ?and after that|,? ?after that|, and|and|,");
const prohibition = atStart("do not|never");

/** A text parted where a new order begins; "then" before a mere noun phrase becomes a comma. */
export function splitClauses(text: Words): Words[] {
  const clauses: Words[] = [];
  let rest = text;
  let from = 1;
  for (let match = rest.find(boundary, from); match !== undefined; match = rest.find(boundary, from)) {
    const after = withoutFillers(rest.slice(match.end));
    const strong = rest.tokens
      .slice(match.start, match.end)
      .some(({ low }) => low === "then" || low === "after");
    if (matchVerb(after) !== undefined || after.lead(prohibition) > 0) {
      clauses.push(rest.slice(0, match.start));
      rest = rest.slice(match.end);
      from = 1;
    } else if (strong && match.end < rest.length) {
      const comma = { text: ",", low: ",", pos: "PUNCT", lemma: ",", known: true };
      rest = new Words([...rest.tokens.slice(0, match.start), comma, ...rest.tokens.slice(match.end)]);
      from = match.start + 1;
    } else from = match.end;
  }
  clauses.push(rest);
  return clauses;
}

/** Takes "do not" off. */
export function takeProhibition(words: Words): { readonly words: Words; readonly prohibited: boolean } {
  const taken = words.lead(prohibition);
  return { words: words.slice(taken), prohibited: taken > 0 };
}
