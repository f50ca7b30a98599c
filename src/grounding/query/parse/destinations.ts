import type { Destination, RelationKind, Shift } from "../types.js";
import { withNoun } from "./exclusions.js";
import { numberPattern, numbers } from "./lexicon.js";
import { nounParts } from "./noun-phrase.js";
import { findPreposition, isLandmark, landmarksOf, type PrepositionMatch } from "./relations.js";
import { anywhere, atEnd, type Words, whole } from "./tokens.js";

const directions: Readonly<Record<string, Shift["direction"]>> = {
  left: "left",
  right: "right",
  forward: "forward",
  forwards: "forward",
  closer: "forward",
  nearer: "forward",
  back: "back",
  backward: "back",
  backwards: "back",
  away: "back",
  up: "up",
  upwards: "up",
  higher: "up",
  down: "down",
  downwards: "down",
  lower: "down",
};
const direction = `(?:to the |towards the )?(?:${Object.keys(directions).join("|")})`;
const length = `(?:(?:\\d+(?:\\.\\d+)?|an?|${numberPattern}|half an?) (?:mm|cm|m|inch|inches|millimet(?:er|re)s?|centimet(?:er|re)s?|met(?:er|re)s?))`;
const degree = `(?:just )?(?:a (?:tiny |little )?bit|a little|a touch|slightly|somewhat|much|a lot|a good bit|far|way|${length})`;
const more = "more|further|farther|some more";
/** A shift that stands alone; one word ("left") would be a place. */
const alone = whole(
  `(?:(?:go|move|shift) )?(?:${degree} )?(?:(?:${more}) )?${direction}(?: ${degree})?(?: (?:${more}))?`,
);
const atTheEnd = atEnd(
  `(?:(?:${degree}) )?(?:(?:${more}) )?(?:to the (?:left|right)|${direction})(?: (?:${degree}))?`,
);
const metres: Readonly<Record<string, number>> = {
  mm: 0.001,
  millimet: 0.001,
  cm: 0.01,
  centimet: 0.01,
  inch: 0.0254,
  m: 1,
  met: 1,
};

/** A shift that is the whole of what was said: "a bit more to the left". */
export function parseShift(words: Words): Shift | undefined {
  if (words.length < 2 || !alone.test(words.low)) return undefined;
  return toShift(words.low);
}

/** A shift at the end of what was said. */
export function takeShift(words: Words): { readonly words: Words; readonly shift?: Shift } {
  const taken = words.tail(atTheEnd);
  if (taken === 0 || taken >= words.length) return { words };
  const shift = toShift(words.slice(words.length - taken).low);
  return shift === undefined ? { words } : { words: words.slice(0, words.length - taken), shift };
}

function toShift(text: string): Shift | undefined {
  const word = text.split(" ").find((candidate) => Object.hasOwn(directions, candidate));
  return word === undefined ? undefined : { direction: directions[word]!, amount: amountOf(text) };
}

function amountOf(text: string): Shift["amount"] {
  const measured =
    /(?:^| )(\d+(?:\.\d+)?|half an?|an?|[a-z]+) (mm|cm|m|inch|millimet|centimet|met)(?:es|ers?|res?)?(?= |$)/.exec(
      text,
    );
  const unit = measured === null ? undefined : metres[measured[2]!];
  if (measured !== null && unit !== undefined) {
    const said = measured[1]!;
    const count = said.startsWith("half") ? 0.5 : /^an?$/.test(said) ? 1 : (numbers[said] ?? Number(said));
    if (Number.isFinite(count)) return Math.round(count * unit * 1e6) / 1e6;
  }
  if (/\b(?:bit|little|slightly|touch)\b/.test(text)) return "little";
  return /\b(?:much|lot|far|way)\b/.test(text) ? "much" : "some";
}

const backWhere = atEnd(
  "back(?: to)?(?: where (?:it was|they were|(?:you|i|we) (?:found|got|took|had) (?:it|them)))?|(?:to )?where (?:it was|they were|(?:you|i|we) (?:found|got|took) (?:it|them))|(?:back )?(?:in|to) its (?:old )?place",
);
const deictic = atEnd("(?:over |right )?(here|there)");
const moving = whole("into|onto|on to|over to|to");
const notDestination = /^(?:is|are|not|that|which|standing|lying|sitting)$/;

/** What a placing clause says of the place, taken off its end. Undefined where it says nothing of it. */
export function takeDestination(
  words: Words,
): { readonly words: Words; readonly destination: Destination; readonly more?: Words } | undefined {
  let taken = words.tail(backWhere);
  if (taken > 0) return { words: words.slice(0, words.length - taken), destination: { relation: "back" } };
  taken = words.tail(deictic);
  if (taken > 0) {
    const relation = words.low.endsWith("there") ? "there" : "here";
    return { words: words.slice(0, words.length - taken), destination: { relation } };
  }
  const place = choosePlace(words);
  if (place === undefined) return undefined;
  const target = words.slice(0, place.start);
  const { landmark, more: rest } = endOfLandmark(words.slice(place.end), place.kind);
  const noun = nounParts(target).noun;
  const landmarks = landmarksOf(landmark, place.kind).map((text) => replaceOne(landmark, text, noun));
  return {
    words: target,
    destination: { relation: place.kind, landmarks },
    ...(rest !== undefined && { more: rest }),
  };
}

const replaceOne = (landmark: Words, text: string, noun: string): string =>
  landmark.text === text ? withNoun(landmark, noun).text : text;

/** The preposition of the destination: one of motion, else the last "in" or "on" after another kind, else the first. */
function choosePlace(words: Words): PrepositionMatch | undefined {
  const places: PrepositionMatch[] = [];
  for (let from = 0; from < words.length; ) {
    const match = nextPlace(words, from);
    if (match === undefined) break;
    from = match.end;
    const before = match.start === 0 ? "" : words.tokens[match.start - 1]!.low;
    // A table is no landmark of a relation, but something may be put on it.
    const isPlace = isLandmark(words.slice(match.end), "from") && match.kind !== "from";
    if (isPlace && !notDestination.test(before)) places.push(match);
  }
  const first = places[0];
  const last = places.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const motion = places.find(({ start, end }) => moving.test(words.slice(start, end).low));
  if (motion !== undefined) return motion;
  if (places.length > 1 && isInOrOn(last.kind) && !isInOrOn(first.kind) && first.start > 0) {
    // "between the cup and the box on the tray": both landmarks belong to the relation.
    const second = places[1]!;
    return joinsAnother(words, first, second) ? first : last;
  }
  return first;
}

const isInOrOn = (kind: RelationKind): boolean => kind === "in" || kind === "on";

/** Whether "and" and another object stand between two prepositions: each of them then has its own object. */
function joinsAnother(words: Words, first: PrepositionMatch, second: PrepositionMatch): boolean {
  const and = words.slice(first.end, second.start).find(anywhere("and"));
  return and !== undefined && first.kind !== "between";
}

/** Like findPreposition, and "to" as well: "over to the notebook". */
function nextPlace(words: Words, from: number): PrepositionMatch | undefined {
  const match = findPreposition(words, from);
  const to = words.find(anywhere("over to|to"), from);
  if (to === undefined || (match !== undefined && match.start <= to.start)) return match;
  const landmark = words.slice(to.end);
  const isObject = isLandmark(landmark, "from") && landmark.tokens[0]!.pos !== "VERB";
  if (!isObject) return match ?? nextPlace(words, to.end);
  return { kind: "next to", ...to };
}

/** "the plate and the blue cube in the bowl": the second half is another order. */
function endOfLandmark(rest: Words, kind: RelationKind): { readonly landmark: Words; readonly more?: Words } {
  let from = 1;
  if (kind === "between" && !nounParts(rest).plural) from = rest.find(anywhere("and"))?.end ?? 1;
  const and = rest.find(anywhere(", and|and|,"), from);
  if (and === undefined || and.end >= rest.length) return { landmark: rest };
  const more = rest.slice(and.end);
  return nextPlace(more, 1) === undefined ? { landmark: rest } : { landmark: rest.slice(0, and.start), more };
}
