import type { Box } from "../../geometry/index.js";
import type { AskPolicy, QueryLanguage } from "../types.js";
import { isOpen } from "./ambiguity.js";
import { cleanQuery } from "./clean.js";
import { type LastAnswer, type MadeOffer, type Narrowing, resolveReferences } from "./dialogue.js";
import { identifyLanguage } from "./language.js";
import { nounParts } from "./parse/noun-phrase.js";
import { parseCommand, readWords, withCorrectSpelling } from "./parse/parse.js";
import { isPlain, phrasesOf, planTarget, type TargetPlan } from "./plan.js";
import { saysNo, saysYes } from "./question.js";
import type { Command, Target } from "./types.js";

/** A query as it is understood, and what the model has to be asked about it. */
export interface Understood {
  /** As it was said, white space collapsed. */
  readonly query: string;
  /** What the model is asked first: the query as it was said, or its translation. */
  readonly text: string;
  readonly language?: QueryLanguage;
  readonly command?: Command;
  /** One a target; empty for what names no object, and for what is asked as it was said. */
  readonly plans: readonly TargetPlan[];
  readonly narrowing: readonly Narrowing[];
  readonly last?: LastAnswer;
  /** It may be the reply to the question that was asked last. */
  readonly mayReply: boolean;
  /** The same query again, after a reply has chosen its object. */
  readonly settled: boolean;
  /** The offer that it accepts or declines. */
  readonly offer?: MadeOffer;
  readonly declined?: boolean;
  readonly ask: AskPolicy;
}

export interface UnderstandOptions {
  readonly ask: AskPolicy;
  /** The client's last answer, which "it" and "the other one" mean. */
  readonly last: LastAnswer | undefined;
  readonly translate: ((text: string, from: string, signal?: AbortSignal) => Promise<string>) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** @throws GraspGroundingError QUERY_*, and what the translation throws */
export async function understand(
  said: string,
  { ask, last, translate, signal }: UnderstandOptions,
): Promise<Understood> {
  const query = cleanQuery(said);
  const guess = await identifyLanguage(query);
  const base = { query, ask, plans: [], narrowing: [], mayReply: false, settled: false };
  if (!guess.isEnglish && translate === undefined)
    return { ...base, text: query, language: { code: guess.language } };
  const isTranslated = !guess.isEnglish && translate !== undefined;
  const text = isTranslated ? cleanQuery(await translate(query, guess.language, signal)) : query;
  const common = {
    ...base,
    text,
    ...(isTranslated && { language: { code: guess.language, translated: text } }),
    ...(last !== undefined && { last }),
  };
  const decided = last === undefined ? undefined : decide(text, last);
  if (decided !== undefined) return { ...common, ...decided };
  const command = parseCommand(text);
  const mayReply = isReply(command, last);
  if (command === undefined) return { ...common, mayReply };
  if (last?.settled === true && last.query === query) {
    const plans = command.targets.map(planTarget);
    const narrowing = plans.map((_, i) => (i === 0 ? { near: last.box } : {}));
    return { ...common, mayReply: false, settled: true, command, plans, narrowing };
  }
  const { command: resolved, narrowing } = resolveReferences(command, last);
  // "Put it down": what the gripper holds is not looked for in the image.
  const inHand = command.act === "place" && last === undefined;
  const targets = resolved.targets.filter(({ reference }) => !(inHand && reference === "last"));
  const plans = targets.map(planTarget);
  const [first] = plans;
  // A plain referring expression is the model's own business: it is asked as it was said.
  const isAsSaid = isPlain(command) && first !== undefined && narrowing.every(isUnnarrowed);
  return {
    ...common,
    mayReply,
    command,
    plans: isAsSaid ? [{ ...first, whole: withCorrectSpelling(text) }] : plans,
    narrowing,
  };
}

/** What "yes" and "no" mean after an offer: the object that was offered, and the one that was asked for. */
function decide(text: string, { offer }: LastAnswer) {
  const low = text.toLowerCase();
  if (offer === undefined || !(saysYes(low) || saysNo(low))) return undefined;
  const declined = saysNo(low);
  const target: Target = { phrase: (declined ? offer.insteadOf : offer).phrase, count: 1 };
  const near: Box = declined ? offer.insteadOf.box : [...offer.at, ...offer.at];
  const command: Command = { act: "pick", targets: [target] };
  return { settled: true, offer, declined, command, plans: [planTarget(target)], narrowing: [{ near }] };
}

/** Whether the last answer says nothing of a target. */
export const isUnnarrowed = (narrowing: Narrowing): boolean => Object.keys(narrowing).length === 0;

/** Whether a query answers the question that was asked last: it names no other object. */
function isReply(command: Command | undefined, last: LastAnswer | undefined): boolean {
  return last?.pending !== undefined && namesNoOther(command, last.noun);
}

/** Whether a command names no object but those of a kind. @param noun of the kind, singular */
export function namesNoOther(command: Command | undefined, noun: string): boolean {
  if (command === undefined) return true;
  const [target, second] = command.targets;
  if (second !== undefined || target === undefined || command.destination !== undefined) return false;
  if (target.reference !== undefined) return true;
  return nounParts(readWords(target.phrase)).singular === noun;
}

/** Every phrase that the model is asked for a query. */
export function toAsk({
  text,
  plans,
  narrowing,
  command,
  ask,
  last,
  mayReply,
}: Understood): readonly string[] {
  const replied = mayReply && last !== undefined ? [planTarget({ phrase: last.phrase, count: 1 })] : [];
  return [
    ...(plans.length === 0 ? [text] : []),
    ...replied.flatMap(({ whole, kinds }) => [whole, ...kinds]),
    ...plans.flatMap((plan, i) => [
      ...phrasesOf(plan),
      ...(isUnnarrowed(narrowing[i] ?? {}) && (ask === "never" || !isOpen(plan)) ? [] : plan.kinds),
    ]),
    ...(command?.destination?.landmarks ?? []),
    ...(mayReply ? (last?.pending?.command.destination?.landmarks ?? []) : []),
  ];
}
