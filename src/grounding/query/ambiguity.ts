import type { Grounding } from "../types.js";
import { type Candidate, enumerate, heatOn, isSame, withDepth } from "./candidates.js";
import type { CombineOptions } from "./combine.js";
import { sideWords } from "./parse/lexicon.js";
import { nounParts } from "./parse/noun-phrase.js";
import { readWords } from "./parse/parse.js";
import type { TargetPlan } from "./plan.js";

/** Words that single one object out, whatever there is. */
const singlingOut = /(?:most|est)$|^(?:first|second|third|fourth|fifth|last|only|middle|upper|lower)$/;

/** Whether a target names one object by its kind alone, so that two objects of the kind would fit equally well. */
export function isOpen({ target, generic, landmarks, excluded }: TargetPlan): boolean {
  if (target.count !== 1 || generic || landmarks.length > 0 || excluded.length > 0) return false;
  const phrase = readWords(target.phrase);
  const { noun, modifiers } = nounParts(phrase);
  const words = modifiers.toLowerCase().split(" ");
  const hasTail = !phrase.low.endsWith(noun.toLowerCase());
  return noun !== "" && !hasTail && !words.some((word) => singlingOut.test(word) || sideWords.has(word));
}

/**
 * Objects that fit a target equally well: those whose heat, on every map of the kind, is within `margin` of the best
 * one's. One alone means that the query is not ambiguous.
 * @param margin share of the best one's heat, 0 to 1
 * @param minHeat least heat of an object that counts, 0 to 1
 */
export function rivals(
  own: Grounding,
  kinds: readonly Grounding[],
  { depth }: CombineOptions,
  margin: number,
  minHeat: number,
): readonly Candidate[] {
  const candidates = enumerate(kinds, depth).map((candidate) => ({
    candidate,
    heat: mean(kinds.map((answer) => heatOn(answer, candidate.detection))),
  }));
  const best = Math.max(0, ...candidates.map(({ heat }) => heat));
  const close = candidates.filter(({ heat }) => heat >= minHeat && heat >= (1 - margin) * best);
  const sorted = close.sort((a, b) => b.heat - a.heat).map(({ candidate }) => candidate);
  // The model's own answer comes first: it is what would be taken if nobody asked.
  const first = own.detections[0];
  if (first === undefined) return [];
  const others = sorted.filter(({ detection }) => !isSame(detection.box, first.box));
  return others.length === sorted.length ? [] : [withDepth(first, depth), ...others];
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
