import { nounParts } from "./noun-phrase.js";
import { findPreposition } from "./relations.js";
import { anywhere, atStart, type Words } from "./tokens.js";

/** How a phrase leaves something out: by another noun phrase, by what is said of it, or by what it has. */
type Kind = "phrase" | "predicate" | "attribute";

const that = "(?:, )?(?:that|which|who) ";
const connectors: readonly (readonly [Kind, RegExp])[] = [
  ["predicate", anywhere(`(?:${that})?(?:is|are|was|were) (?:not|neither)(?: either)?`)],
  ["attribute", anywhere(`${that}(?:do|does) not have|${that}(?:has|have) no|without|with no`)],
  [
    "phrase",
    anywhere(
      "(?:, )?(?:but not|and not|not|except for|except|excluding|apart from|aside from|other than|besides|instead of|rather than|but)",
    ),
  ],
];
const either = anywhere("and|or|nor");

export interface Exclusion {
  readonly kind: Kind;
  readonly start: number;
  readonly end: number;
}

/** The first words of a phrase that leave something out. */
export function findExclusion(phrase: Words): Exclusion | undefined {
  let best: Exclusion | undefined;
  for (const [kind, pattern] of connectors) {
    const match = phrase.find(pattern);
    if (match === undefined || match.end >= phrase.length) continue;
    if (best === undefined || match.start < best.start) best = { kind, ...match };
  }
  return best;
}

/** Phrases that name what an exclusion leaves out, of the kind that `target` names. */
export function excludedPhrases(target: Words, kind: Kind, rest: Words): string[] {
  const { noun, singular } = nounParts(target);
  return partsOf(rest).map((part) => {
    if (kind === "phrase") return withNoun(part, isSingularOne(part) ? singular : noun).text;
    const head = noun === "" ? "one" : noun;
    if (kind === "attribute") return `the ${head} with ${article(part)}${part.text}`;
    const place = findPreposition(part, 0);
    if (place?.start === 0) return `the ${head} ${part.text}`;
    return `the ${part.text} ${head}`;
  });
}

const isSingularOne = (part: Words): boolean => part.tokens.some(({ low }) => low === "one");

/** "the pen and the ruler" is two phrases, "red or blue" two words; "black and white" stays one. */
function partsOf(rest: Words): Words[] {
  const at = rest.find(either, 1);
  if (at === undefined || at.end >= rest.length) return [rest];
  return [rest.slice(0, at.start), ...partsOf(rest.slice(at.end))];
}

/** A phrase whose "one" is replaced by the noun that it stands for. */
export function withNoun(phrase: Words, noun: string): { readonly text: string } {
  const at = phrase.find(anywhere("one|ones"), 1);
  if (at === undefined || noun === "" || /^ones?$/.test(noun)) return phrase;
  return {
    text: [phrase.slice(0, at.start).text, noun, phrase.slice(at.end).text]
      .filter((part) => part !== "")
      .join(" "),
  };
}

function article(part: Words): string {
  if (part.lead(atStart("a|an|the|any|its|some")) > 0) return "";
  const { plural, noun } = nounParts(part);
  if (plural || noun === "") return "";
  return /^[aeiou]/.test(part.low) ? "an " : "a ";
}
