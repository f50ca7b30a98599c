import type { Count, Reference, Target } from "../types.js";
import { excludedPhrases, findExclusion, withNoun } from "./exclusions.js";
import { describing, grammarWords, pluralOnly, trainedHeads } from "./lexicon.js";
import { nounParts, quantify } from "./noun-phrase.js";
import { takeRelation } from "./relations.js";
import { anywhere, atEnd, atStart, type Token, Words, whole } from "./tokens.js";

const separator = anywhere(
  ", and also|, and|, or|and also|as well as|along with|together with|plus|and|or|,",
);
const references: readonly (readonly [RegExp, Reference, Count])[] = [
  [whole("it|that|this|that one|this one|(?:the )?same(?: one)?|(?:the )?last one"), "last", 1],
  [whole("them|those|these|those ones|these ones|all of (?:them|those|these)|them all|all"), "last", "all"],
  [whole("both|both of (?:them|those|these)|both ones"), "last", 2],
];
const pronoun = /^(?:i|you|we|he|she|am|do|does|did|how|why|when|who|whose|cannot|will|would)$/;
const superlative = atStart("the [a-z]+(?:er|est) of the");
const freeStanding = whole("(?:something|anything|everything|what)(?: .*)?");

/** Noun phrases of a list, undefined when it is none. `noun` is what "one" stands for. */
export function parseTargets(list: Words, noun = ""): readonly Target[] | undefined {
  const words = trimCommas(list);
  if (words.length === 0) return undefined;
  const negated = leadingNegation(words, noun);
  if (negated !== undefined) return negated;
  const exclusion = findExclusion(words);
  if (exclusion === undefined || exclusion.start === 0) return parseList(words, noun);
  const before = parseList(words.slice(0, exclusion.start), noun);
  const last = before?.at(-1);
  if (before === undefined || last === undefined) return undefined;
  const { excluded, more } = endOfExclusion(words.slice(exclusion.end), exclusion.kind === "phrase");
  if (excluded.length === 0) return undefined;
  const phrase = lastPiece(words.slice(0, exclusion.start));
  const exclude = excludedPhrases(phrase, exclusion.kind, excluded);
  const targets = [...before.slice(0, -1), { ...last, exclude: [...(last.exclude ?? []), ...exclude] }];
  if (more.length === 0) return targets;
  const rest = parseTargets(more, nounParts(phrase).noun);
  return rest && [...targets, ...rest];
}

/** "not the red mug": a mug, without the red one; "not the knife, the fork": the fork. */
function leadingNegation(words: Words, noun: string): readonly Target[] | undefined {
  const lead = words.lead(atStart("not|no|but not"));
  if (lead === 0 || lead >= words.length) return undefined;
  const rest = words.slice(lead);
  const comma = rest.find(anywhere(",|but"));
  const named = comma === undefined ? rest : rest.slice(0, comma.start);
  const isReference = references.some(([pattern]) => pattern.test(named.low));
  if (comma !== undefined) {
    const targets = parseTargets(rest.slice(comma.end), noun);
    const last = targets?.at(-1);
    if (targets === undefined || last === undefined) return undefined;
    if (isReference) return targets;
    return [...targets.slice(0, -1), { ...last, exclude: [named.text, ...(last.exclude ?? [])] }];
  }
  if (isReference) return [{ phrase: "the one", count: 1, reference: "other" }];
  const parts = nounParts(named);
  if (parts.noun === "") return undefined;
  const isKind = /^ones?$/.test(parts.noun);
  if (parts.modifiers === "" && !isKind && findTail(named) === undefined)
    return [{ phrase: "anything", count: "any", exclude: [named.text] }];
  const determiner = named.lead(atStart("the|those|these")) > 0 ? `${named.tokens[0]!.text} ` : "";
  const count: Count = parts.plural ? "all" : determiner === "" ? "any" : 1;
  return [
    {
      phrase: `${determiner}${parts.noun}`,
      count,
      exclude: [named.text],
      ...(isKind && { reference: "kind" as const }),
    },
  ];
}

/** What follows the noun: "on the left". */
const findTail = (phrase: Words) =>
  phrase.find(anywhere("on|in|with|next to|at|that|left of|right of|behind"), 1);

/**
 * Where an exclusion ends: it takes "the pen and the ruler", but a predicate ("not red") ends before another noun
 * phrase.
 */
function endOfExclusion(rest: Words, isPhrase: boolean): { readonly excluded: Words; readonly more: Words } {
  const end = rest.find(isPhrase ? anywhere(",") : anywhere("(?:, and|and|,) (?=the |a |an )|,"));
  if (end === undefined) return { excluded: rest, more: rest.slice(rest.length) };
  return { excluded: rest.slice(0, end.start), more: rest.slice(end.end) };
}

interface Piece {
  readonly words: Words;
  /** Joined to the one before by "or". */
  readonly or: boolean;
}

function parseList(words: Words, noun: string): readonly Target[] | undefined {
  const targets: Target[] = [];
  let last = noun;
  for (const { words: piece, or } of shareNoun(pieces(words))) {
    const target = parseTarget(piece, last);
    if (target === undefined) return undefined;
    const named = nounParts(piece).noun;
    if (named !== "" && !/^ones?$/.test(named)) last = named;
    const previous = targets.at(-1);
    if (or && previous !== undefined) {
      const alternatives = [...(previous.alternatives ?? []), target.phrase];
      targets[targets.length - 1] = { ...previous, alternatives };
    } else targets.push(target);
  }
  return targets.length === 0 ? undefined : targets;
}

/** Parts a list at commas, "and" and "or"; the "and" of "between a and b", and that of two adjectives, part nothing. */
function pieces(list: Words): Piece[] {
  const words = list.slice(list.lead(atStart("either")));
  const found: Piece[] = [];
  let start = 0;
  let or = false;
  let from = 1;
  for (let match = words.find(separator, from); match !== undefined; match = words.find(separator, from)) {
    from = match.end;
    const piece = words.slice(start, match.start);
    const rest = words.slice(match.end);
    if (rest.length === 0) break;
    if (isInsideBetween(piece) || (!startsPhrase(rest) && (isAdjectival(piece) || isContent(piece, match))))
      continue;
    found.push({ words: piece, or });
    or = words.tokens.slice(match.start, match.end).some(({ low }) => low === "or");
    start = match.end;
  }
  found.push({ words: trimCommas(words.slice(start)), or });
  return found.filter(({ words: piece }) => piece.length > 0);
}

const lastPiece = (words: Words): Words => pieces(words).at(-1)?.words ?? words;

function isInsideBetween(piece: Words): boolean {
  const between = piece.find(anywhere("between"));
  if (between === undefined || between.end >= piece.length) return false;
  const landmark = piece.slice(between.end);
  return landmark.find(anywhere("and")) === undefined && !nounParts(landmark).plural;
}

/**
 * "the can of peas and carrots" is one can, and "the macaroni and cheese" one dish; "the knife and fork" are two
 * objects.
 */
function isContent(piece: Words, { start, end }: { start: number; end: number }): boolean {
  if (end !== start + 1 || piece.lead(atStart("the|a|an|that|this|my")) === 0) return false;
  const head = nounParts(piece).noun.toLowerCase().split(" ").at(-1) ?? "";
  return piece.find(anywhere("of|with")) !== undefined || !trainedHeads.has(head);
}

const startsPhrase = (words: Words): boolean =>
  words.lead(atStart("the|a|an|that|this|my|another|one|two|three")) > 0;
/** "the red" of "the red and the blue mug". */
const isAdjectival = (words: Words): boolean =>
  nounParts(words).noun === "" &&
  words.length > 0 &&
  !freeStanding.test(words.low) &&
  !references.some(([pattern]) => pattern.test(words.low));

/** "the red and the blue mug" is "the red mug" and "the blue mug". */
function shareNoun(list: readonly Piece[]): readonly Piece[] {
  return list.map((piece, i) => {
    const next = list[i + 1];
    if (next === undefined || !isAdjectival(piece.words) || nounParts(piece.words).modifiers === "")
      return piece;
    const noun = nounParts(next.words).noun.split(" ");
    const tokens = next.words.tokens.filter(({ text, low }) => noun.includes(text) && !describing.has(low));
    return { ...piece, words: new Words([...piece.words.tokens, ...tokens]) };
  });
}

function parseTarget(piece: Words, noun: string): Target | undefined {
  if (!isReferring(piece)) return undefined;
  for (const [pattern, reference, count] of references)
    if (pattern.test(piece.low)) return { phrase: piece.text, count, reference };
  const { words, exclude } = takePrefixed(piece);
  const quantity = quantify(words);
  const { phrase, relation } = takeRelation(quantity.phrase);
  const isOne =
    (/^ones?$/.test(nounParts(phrase).noun) || /^ones?$/.test(phrase.low)) &&
    phrase.find(anywhere("ones? of")) === undefined;
  const text = isOne && noun !== "" ? withNoun(phrase, noun).text : phrase.text;
  const reference: Reference | undefined = quantity.other
    ? "other"
    : isOne && noun === ""
      ? "kind"
      : undefined;
  const isNamed =
    nounParts(phrase).noun !== "" || freeStanding.test(phrase.low) || superlative.test(phrase.low);
  if (!isNamed && reference === undefined) return undefined;
  return {
    phrase: text,
    count: quantity.count,
    ...(exclude !== undefined && { exclude: [exclude] }),
    ...(relation !== undefined && { relation }),
    ...(reference !== undefined && { reference }),
  };
}

/** "the non-red mug" is the mug without the red mug. */
function takePrefixed(piece: Words): { readonly words: Words; readonly exclude?: string } {
  const at = piece.tokens.findIndex(({ low }) => /^non-[a-z]+$/.test(low));
  if (at < 0) return { words: piece };
  const words = piece.without(at, at + 1);
  return { words, exclude: `the ${piece.tokens[at]!.low.slice(4)} ${nounParts(words).noun}` };
}

/**
 * Whether words can be a noun phrase of a visible object: no statement about somebody, no question, no unknown command.
 */
function isReferring(piece: Words): boolean {
  const { tokens } = piece;
  const clause = piece.find(anywhere("that|which|who|something|anything|what"));
  const head = clause === undefined ? tokens : tokens.slice(0, Math.max(clause.start, 0));
  if (head.some(({ low }) => pronoun.test(low) || /^(?:is|are|was|were)$/.test(low))) return false;
  const first = tokens[0];
  if (first === undefined) return false;
  if (
    first.low === "what" &&
    !/^what(?: (?:in|on|behind|next|under|left|right|between|near)\b.*)?$/.test(piece.low)
  )
    return false;
  if (startsWithUnknownVerb(tokens)) return false;
  const words = tokens.filter(({ low }) => /\p{L}/u.test(low));
  return words.length > 0 && words.filter(isKnown).length * 2 >= words.length;
}

const isKnown = ({ known, low }: Token): boolean =>
  known || trainedHeads.has(low) || describing.has(low) || grammarWords.has(low) || pluralOnly.has(low);

/** "paint the wall": an order that is none of ours. */
function startsWithUnknownVerb([first, second]: readonly Token[]): boolean {
  if (first === undefined || second === undefined) return false;
  if (trainedHeads.has(first.low)) return false;
  const ordered = /^(?:the|a|an|my|me|your|this|that|it|on|off|up|down)$/.test(second.low);
  return (
    ordered &&
    !/^(?:the|a|an|all|both|one|that|this|something|anything|everything|what)$/.test(first.low) &&
    (first.pos === "VERB" || first.pos === "AUX" || first.low === "open" || first.low === "close")
  );
}

export function trimCommas(words: Words): Words {
  let trimmed = words;
  while (trimmed.tokens[0]?.low === ",") trimmed = trimmed.slice(1);
  while (trimmed.tail(atEnd(",|and")) > 0) trimmed = trimmed.slice(0, -1);
  return trimmed;
}
