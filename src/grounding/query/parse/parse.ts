import type { Command, Destination, Shift, Target } from "../types.js";
import {
  isCarrying,
  matchVerb,
  splitClauses,
  takeProhibition,
  type VerbMatch,
  withoutFillers,
} from "./clauses.js";
import { parseShift, takeDestination, takeShift } from "./destinations.js";
import { nounParts } from "./noun-phrase.js";
import { correctSpelling } from "./spelling.js";
import { stop } from "./stop.js";
import { parseTargets } from "./targets.js";
import { atEnd, atStart, splitWords, tag, Words, whole } from "./tokens.js";

const undo = whole(
  "undo(?: (?:that|it|this|the last .+|your last .+|everything))?|revert(?: (?:that|it|this))?|take (?:that|it) back|go back|reverse (?:that|it)",
);
const release = whole(
  "let go|let (?:it|that|them) go|let go of .+|open (?:the|your) (?:gripper|hand|fingers|claw)|release|drop|drop|let loose",
);

/**
 * Takes a query apart: what to do, with what, where. Undefined for what is no command and no referring expression;
 * it is then for the model to make sense of it. Never throws.
 */
export function parseCommand(text: string): Command | undefined {
  const words = readWords(text);
  if (words.length === 0) return undefined;
  const said = withoutFillers(words);
  if (said.length === 0) return undefined;
  return special(said) ?? parseClauses(said);
}

/** A query's words with their parts of speech, spelling corrected. */
export function readWords(text: string): Words {
  const split = splitWords(text);
  if (split.length === 0) return new Words([]);
  const tagged = tag(split);
  const corrected = correctSpelling(tagged);
  return new Words(corrected === undefined ? tagged : tag(corrected));
}

/** A text with slips of the keyboard corrected, otherwise as it was written. */
export function withCorrectSpelling(text: string): string {
  const split = splitWords(text);
  const corrected = split.length === 0 ? undefined : correctSpelling(tag(split));
  if (corrected === undefined) return text;
  let from = 0;
  let rest = text;
  split.forEach((word, i) => {
    const at = rest.indexOf(word, from);
    if (at < 0) return;
    rest = rest.slice(0, at) + corrected[i]! + rest.slice(at + word.length);
    from = at + corrected[i]!.length;
  });
  return rest;
}

/** Orders that stand alone: stop, undo, let go, a shift. */
function special(said: Words): Command | undefined {
  if (stop.test(said.low)) return { act: "stop", targets: [] };
  if (undo.test(said.low)) return { act: "undo", targets: [] };
  if (release.test(said.low)) return { act: "place", targets: releasedBy(said) };
  const shift = parseShift(said);
  return shift && { act: "find", targets: [], shift };
}

function releasedBy(said: Words): readonly Target[] {
  const of = said.lead(atStart("let go of"));
  if (of > 0) return parseTargets(said.slice(of)) ?? [];
  return said.length === 3 && said.low.startsWith("let ") ? (parseTargets(said.slice(1, 2)) ?? []) : [];
}

function parseClauses(said: Words): Command | undefined {
  const commands: Command[] = [];
  let prohibited: readonly Target[] = [];
  for (const clause of splitClauses(said)) {
    const { words, prohibited: isProhibited } = takeProhibition(withoutFillers(clause));
    const parsed = (isProhibited ? undefined : special(words)) ?? parseClause(words, commands.at(-1));
    if (parsed === undefined) return undefined;
    if (isProhibited) prohibited = [...prohibited, ...parsed.targets];
    else commands.push(excluding(parsed, prohibited));
  }
  if (commands.length === 0) return prohibited.length > 0 ? { act: "stop", targets: [] } : undefined;
  const [first, ...others] = commands.reduce<Command[]>(join, []);
  if (first === undefined) return undefined;
  const { next: own, ...rest } = first;
  const after = [...(own ?? []), ...others];
  return after.length === 0 ? rest : { ...rest, next: after };
}

/** "don't take the knife, take the fork": the fork, and not the knife. */
function excluding(command: Command, prohibited: readonly Target[]): Command {
  const last = command.targets.at(-1);
  const phrases = prohibited.filter(({ reference }) => reference === undefined).map(({ phrase }) => phrase);
  if (last === undefined || phrases.length === 0) return command;
  const exclude = [...phrases, ...(last.exclude ?? [])];
  return { ...command, targets: [...command.targets.slice(0, -1), { ...last, exclude }] };
}

/** Joins what belongs to one order: "take the mug and put it in the bowl", "take the cup and take the saucer". */
function join(done: Command[], next: Command): Command[] {
  const previous = done.at(-1);
  if (previous === undefined) return [next];
  const joined = previous.next === undefined ? joinTwo(previous, next) : undefined;
  return joined === undefined ? [...done, next] : [...done.slice(0, -1), joined];
}

function joinTwo(previous: Command, next: Command): Command | undefined {
  const goesOn = next.targets.length > 0 && next.targets.every(({ reference }) => reference === "last");
  const isOpen = previous.destination === undefined && previous.shift === undefined;
  if (next.act === "place" && goesOn && isOpen && (previous.act === "pick" || previous.act === "find"))
    return { ...next, act: "pick-and-place", targets: previous.targets };
  if (next.act === "pick" && goesOn && previous.act === "find") return { ...previous, act: "pick" };
  const isSame = next.act === previous.act && (next.act === "pick" || next.act === "find");
  if (isSame && isOpen && next.destination === undefined && next.shift === undefined)
    return { ...previous, targets: [...previous.targets, ...next.targets] };
  return undefined;
}

function parseClause(clause: Words, previous?: Command): Command | undefined {
  const verb = matchVerb(clause);
  if (verb === undefined) {
    const targets = parseTargets(clause, lastNoun(previous));
    return targets && { act: "find", targets };
  }
  const rest = clause.slice(verb.length);
  if (verb.act === "find") return parseFind(rest, verb, clause, previous);
  if (verb.act === "pick") return parsePick(rest, verb, previous);
  return parsePlace(rest, verb, previous);
}

const lastNoun = (previous: Command | undefined): string => {
  const phrase = previous?.targets.at(-1)?.phrase;
  return phrase === undefined ? "" : nounParts(readWords(phrase)).noun;
};

const places = atStart(
  "in|on|inside|behind|under|underneath|next to|between|left of|right of|near|beside|above|below|to the (?:left|right) of",
);

function parseFind(rest: Words, verb: VerbMatch, clause: Words, previous?: Command): Command | undefined {
  const isQuestion = clause.lead(atStart("what (?:is|are)")) > 0;
  let words = rest.slice(rest.lead(atStart("me|us")));
  words = trimEnd(words, atEnd("is|are|are there|is there|do you see|can you see|are visible|are left"));
  // "what is in the bowl": the question word is the noun phrase.
  if (isQuestion) {
    if (words.lead(places) > 0) words = new Words([clause.tokens[0]!, ...words.tokens]);
    else if (words.lead(atStart("the|this|that|a|an")) === 0 || words.length < 2) return undefined;
  }
  const targets = parseTargets(words, lastNoun(previous));
  if (targets === undefined) return undefined;
  const counts = verb.verb === "how" || verb.verb === "count";
  return {
    act: "find",
    targets: counts ? targets.map((target) => ({ ...target, count: "all" as const })) : targets,
  };
}

const recipient = atStart("me|us|him|her|over|up|out|hold of");
const recipientAtEnd = atEnd(
  "(?<!(?:closest|nearest|next|closer|nearer) )(?:back |over )?to (?:me|us|my hand)|over here|here|up|over|out",
);

function parsePick(rest: Words, verb: VerbMatch, previous?: Command): Command | undefined {
  let words = rest;
  if (words.lead(atStart("to")) > 0) return undefined;
  while (words.length > 1 && words.lead(recipient) > 0 && !/^out of\b/.test(words.low))
    words = words.slice(words.lead(recipient));
  words = trimEnd(words, recipientAtEnd);
  if (isCarrying(verb)) {
    const moved = takeDestination(words);
    const goesTo = moved?.destination.landmarks !== undefined && isMotion(words, moved.words);
    if (moved !== undefined && goesTo)
      return placing(moved.words, moved.destination, undefined, previous, true);
  }
  const targets = parseTargets(words, lastNoun(previous));
  return targets && { act: "pick", targets };
}

/** Whether what follows the object is a motion ("to the sink"), and no place where it stands ("on the tray"). */
const isMotion = (words: Words, object: Words): boolean =>
  words.slice(object.length).lead(atStart("to|into|onto|over to")) > 0 &&
  words.slice(object.length).lead(atStart("to the (?:left|right)")) === 0;

function trimEnd(words: Words, pattern: RegExp): Words {
  const taken = words.tail(pattern);
  return taken > 0 && taken < words.length ? words.slice(0, words.length - taken) : words;
}

function parsePlace(rest: Words, verb: VerbMatch, previous?: Command): Command | undefined {
  const particle = rest.lead(atStart("down|back|away"));
  let words = rest.slice(particle);
  const isBack = verb.verb === "return" || rest.lead(atStart("back")) > 0;
  const placed = takeDestination(words);
  if (placed !== undefined) {
    const object = trimEnd(placed.words, atEnd("down|back|away|over"));
    const steps = placing(object, placed.destination, undefined, previous, verb.verb !== "return");
    if (steps === undefined || placed.more === undefined) return steps;
    const more = parsePlace(placed.more, verb, steps);
    return more && { ...steps, next: [withoutNext(more), ...(more.next ?? [])] };
  }
  const down = words.tail(atEnd("down"));
  if (down > 0 && verb.verb !== "move" && verb.verb !== "shift") words = words.slice(0, words.length - down);
  else {
    const { words: object, shift } = takeShift(words);
    if (shift !== undefined) return placing(object, undefined, shift, previous, true);
  }
  if (isBack) return placing(words, { relation: "back" }, undefined, previous, false);
  if (verb.needsDestination && particle === 0 && down === 0) return undefined;
  return placing(words, undefined, undefined, previous, false);
}

const withoutNext = ({ next: _, ...command }: Command): Command => command;

/** What is to be put somewhere: what was meant before ("it") is placed, what is named is picked up first. */
function placing(
  object: Words,
  destination: Destination | undefined,
  shift: Shift | undefined,
  previous: Command | undefined,
  picks: boolean,
): Command | undefined {
  const targets = parseTargets(object, lastNoun(previous));
  if (targets === undefined) return undefined;
  const isKnown = targets.every(({ reference }) => reference === "last");
  const goes = destination !== undefined && destination.relation !== "back";
  return {
    act: picks && !isKnown && (goes || shift !== undefined) ? "pick-and-place" : "place",
    targets,
    ...(destination !== undefined && { destination }),
    ...(shift !== undefined && { shift }),
  };
}
