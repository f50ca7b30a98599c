import { nounParts } from "./parse/noun-phrase.js";
import { readWords } from "./parse/parse.js";
import { pluralOf } from "./parse/plural.js";
import type { Command, Relation, Target } from "./types.js";

/** Nouns that name no kind: any object may be meant. */
const generic = /^(?:anything|everything|something|what|things?|objects?|items?|ones?|stuff|)$/;

/** Names that are tried when any object may be meant: what stands on tables, desks and counters. */
export const commonNames: readonly string[] =
  "mug,bottle,can,bowl,box,plate,jar,carton,tube,book,pen,marker,screwdriver,hammer,tape,scissors,stapler,remote control,phone,ball,banana,apple,orange,lemon,pear,spoon,fork,knife,toy,flashlight,cup,glass,candle,soap,toothbrush,notebook,tissue box,calculator,sponge,bag,wrench,clamp".split(
    ",",
  );

/** What the model is asked about one target. */
export interface TargetPlan {
  readonly target: Target;
  /** The phrase with its relation: the model's own answer to it. */
  readonly whole: string;
  /** Phrases that name every object of the target's kind. */
  readonly kinds: readonly string[];
  readonly excluded: readonly string[];
  readonly landmarks: readonly string[];
  readonly alternatives: readonly string[];
  /** Any object may be meant. */
  readonly generic: boolean;
}

/** How relations are said. */
const said: Readonly<Record<Relation["kind"], string>> = {
  "left of": "to the left of",
  "right of": "to the right of",
  "next to": "next to",
  "in front of": "in front of",
  behind: "behind",
  between: "between",
  in: "in",
  on: "on",
  under: "under",
  above: "above",
  "closest to": "closest to",
  "farthest from": "farthest from",
  from: "on",
};

/** A target as one phrase: "the mug to the left of the can". */
export function phraseOf({ phrase, relation }: Target): string {
  if (relation === undefined) return phrase;
  return `${phrase} ${said[relation.kind]} ${relation.landmarks.join(" and ")}`;
}

export function planTarget(target: Target): TargetPlan {
  const parts = nounParts(readWords(target.phrase));
  const isGeneric = generic.test(parts.singular.toLowerCase());
  return {
    target,
    whole: phraseOf(target),
    kinds: isGeneric
      ? commonNames.map((name) => `the ${name}`)
      : kindPhrases(parts.modifiers, parts.singular).slice(0, isAmongOthers(target) ? 1 : 2),
    excluded: target.exclude ?? [],
    landmarks: target.relation?.landmarks ?? [],
    alternatives: target.alternatives ?? [],
    generic: isGeneric,
  };
}

/** Whether one among others is looked for: one phrase for all of the kind finds them as well as two do. */
const isAmongOthers = ({ relation, exclude = [] }: Target): boolean =>
  relation !== undefined || exclude.length > 0;

/** Phrases for all objects of a kind: the model knows "all the mugs" and "every mug" as several objects. */
export function kindPhrases(modifiers: string, singular: string): readonly string[] {
  const words = (noun: string) => [modifiers, noun].filter((word) => word !== "").join(" ");
  return [`all the ${words(pluralOf(singular))}`, `every ${words(singular)}`];
}

/**
 * Whether the model's answer to the query as it was said is the answer: one noun phrase to find or pick, nothing
 * else.
 */
export function isPlain(command: Command): boolean {
  const [target, second] = command.targets;
  return (
    (command.act === "find" || command.act === "pick") &&
    command.next === undefined &&
    command.shift === undefined &&
    command.destination === undefined &&
    second === undefined &&
    target !== undefined &&
    target.exclude === undefined &&
    target.alternatives === undefined &&
    target.reference === undefined
  );
}

/** Every phrase that a plan asks the model about. */
export const phrasesOf = (plan: TargetPlan): readonly string[] => [
  plan.whole,
  ...(needsKinds(plan) ? plan.kinds : []),
  ...plan.excluded,
  ...plan.landmarks,
  ...plan.alternatives,
];

/** Whether all objects of the kind have to be known. */
export const needsKinds = ({ target, excluded, landmarks, generic: isGeneric }: TargetPlan): boolean =>
  excluded.length > 0 ||
  (landmarks.length > 0 && !isGeneric) ||
  (typeof target.count === "number" && target.count > 1) ||
  target.count === "all";

/** Whether a command is a mere referring expression: one object to find, by nothing but its phrase. */
export function isPlainQuery(command: Command): boolean {
  const [target] = command.targets;
  return isPlain(command) && command.act === "find" && target?.count === 1 && target.relation === undefined;
}
