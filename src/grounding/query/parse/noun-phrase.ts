import type { Count } from "../types.js";
import {
  describing,
  numberPattern,
  numbers,
  pluralOnly,
  setWords,
  trained,
  trainedHeads,
} from "./lexicon.js";
import { anywhere, atStart, type Token, type Words } from "./tokens.js";

const leadingDeterminer = atStart(
  "(?:the|a|an|this|that|these|those|my|your|his|her|our|their|its|some|any|all|every|each|both|no|another|other|" +
    `${numberPattern})(?: (?:the|my|other|two|three|four|five))?`,
);
/** Where the core of a noun phrase ends. */
const postModifier = anywhere(
  "of|with|without|that|which|who|in|on|inside|at|by|near|next to|close to|beside|behind|under|underneath|below|above|between|from|" +
    "for|to|closest|nearest|farthest|furthest|left of|right of|is|are|lying|standing|sitting|placed|,",
);

export interface NounParts {
  /** The noun with what belongs to it, as it was said: "toy airplane". Empty where there is none. */
  readonly noun: string;
  /** The noun in its singular. */
  readonly singular: string;
  /** Words between the determiner and the noun: "big red". */
  readonly modifiers: string;
  /** Whether the noun means several objects. */
  readonly plural: boolean;
}

/** Determiner, modifiers and noun of a phrase. */
export function nounParts(phrase: Words): NounParts {
  const named = nameWithOf(phrase);
  const core = named?.core ?? nounCore(phrase);
  const { tokens } = core;
  let start = named?.start ?? tokens.length;
  if (named === undefined && start > 0 && isNoun(tokens[start - 1]!, true)) {
    start--;
    while (start > 0 && partOfNoun(tokens, start)) start--;
  }
  const plural = named === undefined && start < tokens.length && isPlural(tokens.at(-1)!);
  const noun = core.slice(start);
  return {
    noun: noun.text,
    singular: plural ? [noun.slice(0, -1).text, noun.tokens.at(-1)!.lemma].join(" ").trim() : noun.text,
    modifiers: core.slice(0, start).text,
    plural,
  };
}

/** A phrase without its determiner and without what follows the noun. */
function nounCore(phrase: Words): Words {
  const core = phrase.slice(phrase.lead(leadingDeterminer));
  const post = core.find(postModifier);
  return post === undefined || post.start === 0 ? core : core.slice(0, post.start);
}

/** A phrase whose noun is a name with "of" in it ("the blue pair of scissors"), and where that name starts. */
function nameWithOf(phrase: Words): { readonly core: Words; readonly start: number } | undefined {
  const rest = phrase.slice(phrase.lead(leadingDeterminer));
  const post = rest.find(postModifier);
  if (post === undefined || rest.tokens[post.start]?.low !== "of") return undefined;
  const low = rest.tokens.map((token) => token.low);
  for (let start = 0; start < post.start; start++)
    for (let end = low.length; end > post.end; end--)
      if (trained.has(low.slice(start, end).join(" "))) return { core: rest.slice(0, end), start };
  return undefined;
}

function partOfNoun(tokens: readonly Token[], start: number): boolean {
  const previous = tokens[start - 1]!;
  const name = tokens
    .slice(start - 1)
    .map(({ low }) => low)
    .join(" ");
  return trained.has(name) || (!describing.has(previous.low) && isNoun(previous, false));
}

function isNoun({ low, pos, lemma }: Token, last: boolean): boolean {
  if (low === "one" || low === "ones") return last;
  // An adjective that ends a phrase is a noun only where it is also a name: "the orange".
  if (describing.has(low)) return last && trainedHeads.has(low);
  if (trainedHeads.has(low) || trainedHeads.has(lemma)) return true;
  return pos === "NOUN" || pos === "PROPN" || (last && (pos === "VERB" || pos === "X" || pos === "NUM"));
}

/** Whether a noun means several objects. */
export function isPlural({ low, lemma, known }: Token): boolean {
  if (pluralOnly.has(low) || trainedHeads.has(low)) return setWords.has(low);
  if (setWords.has(low)) return true;
  if (low === "ones" || low === "things" || low === "objects") return true;
  if (known) return lemma !== low && !/(?:ss|us|is|ing|ed|est|er)$/.test(low);
  return /[^su]s$/.test(low);
}

interface Quantified {
  readonly count: Count;
  /** What is left of the phrase. */
  readonly phrase: Words;
  /** A determiner that refers back: "another", "a different". */
  readonly other: boolean;
}

const nounOfPlural = atStart("(?:a|the) pair of(?: the)?");
const rules: readonly (readonly [RegExp, Count])[] = [
  [atStart("half a dozen(?: of)?"), 6],
  [atStart("a dozen(?: of)?"), 12],
  [atStart("a couple(?: of)?"), 2],
  [atStart("(?:a few|several)(?: of)?"), 3],
  [atStart("(?:any|either) one of|one of|any of|either of|any|some of|some"), "any"],
  [atStart("(?:all|each|every one) of|all|every|each"), "all"],
  [atStart("both of|both"), 2],
];
const exact = atStart(`(?:${numberPattern})(?: of)?`);
const definiteExact = atStart(`(?:the|these|those|my|your) (?:${numberPattern})`);
const indefinite = atStart("a|an|something|anything|someone");
const otherOne = atStart("another|a different|one more|(?:the )?next one|(?:the )?other");

/** Takes the quantity off a phrase. */
export function quantify(phrase: Words): Quantified {
  const other = phrase.lead(otherOne) > 0;
  if (other) {
    const any = phrase.lead(atStart("another|a different|one more")) > 0;
    return { count: any ? "any" : isPluralPhrase(phrase) ? "all" : 1, phrase, other };
  }
  const pair = pairOf(phrase);
  if (pair !== undefined) return { count: 2, phrase: pair, other };
  for (const [pattern, count] of rules) {
    const taken = phrase.lead(pattern);
    if (taken > 0 && taken < phrase.length) return { count, phrase: phrase.slice(taken), other };
  }
  let taken = phrase.lead(definiteExact);
  if (taken > 0 && taken < phrase.length)
    return { count: toNumber(phrase.tokens[1]!.low), phrase: phrase.without(1, taken), other };
  taken = phrase.lead(exact);
  if (taken > 0 && taken < phrase.length)
    return { count: toNumber(phrase.tokens[0]!.low), phrase: phrase.slice(taken), other };
  if (phrase.tokens[0]?.low === "one" && isOneOf(phrase))
    return { count: "any", phrase: phrase.slice(1), other };
  if (phrase.lead(indefinite) > 0) return { count: "any", phrase, other };
  if (phrase.tokens[0]?.low === "everything") return { count: "all", phrase, other };
  return { count: isPluralPhrase(phrase) ? "all" : 1, phrase, other };
}

/** "a pair of socks" is two, "a pair of scissors" is one. */
function pairOf(phrase: Words): Words | undefined {
  const taken = phrase.lead(nounOfPlural);
  if (taken === 0 || taken >= phrase.length) return undefined;
  const rest = phrase.slice(taken);
  const head = nounCore(rest).tokens.at(-1);
  return head !== undefined && isPlural(head) ? rest : undefined;
}

/** "one apple" is a quantity; "one" before nothing, a preposition or a clause is what was named before. */
function isOneOf(phrase: Words): boolean {
  const rest = phrase.slice(1);
  return rest.length > 0 && (rest.find(postModifier)?.start ?? 1) > 0;
}

function isPluralPhrase(phrase: Words): boolean {
  const head = nounCore(phrase).tokens.at(-1);
  return head !== undefined && isPlural(head);
}

const toNumber = (word: string): number => numbers[word] ?? Number(word);
