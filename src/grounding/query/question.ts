import { type Box, boxArea, boxCentre, type ColourImage } from "../../geometry/index.js";
import type { Detection } from "../types.js";
import { colourWord } from "./appearance.js";
import { type Candidate, withDepth } from "./candidates.js";
import type { Question } from "./types.js";

/** Most candidates that a question names. */
export const maxChoices = 3;
/** Ratio of areas from which one object is called big and the other small. */
const sizeRatio = 1.8;

/**
 * A question that tells candidates apart by the first of these that differs for all of them: colour, size, place.
 * @param noun what they all are: "mug"
 */
export function askWhich(noun: string, candidates: readonly Candidate[], image: ColourImage): Question {
  const choices = candidates.slice(0, maxChoices);
  const words = byColour(choices, image) ?? bySize(choices) ?? byPlace(choices);
  const labels = words.map((word) => labelOf(noun, word));
  const said = words.map((word, i) => (i === 0 ? labelOf(noun, word) : labelOf("one", word)));
  const last = said.at(-1) ?? "";
  const text = said.length < 2 ? `Do you mean ${last}?` : `${said.slice(0, -1).join(", ")} or ${last}?`;
  return { text: text.charAt(0).toUpperCase() + text.slice(1), labels };
}

/** "the red mug", "the mug on the left". */
const labelOf = (noun: string, word: string): string =>
  /^(?:on|in|at) /.test(word) ? `the ${noun} ${word}` : `the ${word} ${noun}`;

function byColour(choices: readonly Candidate[], image: ColourImage): readonly string[] | undefined {
  const words = choices.map(({ detection }) => colourWord(image, detection.mask));
  return new Set(words).size === choices.length && words.every((word) => word !== undefined)
    ? (words as string[])
    : undefined;
}

function bySize(choices: readonly Candidate[]): readonly string[] | undefined {
  const [a, b] = choices;
  if (choices.length !== 2 || a === undefined || b === undefined) return undefined;
  const ratio = sizeOf(a) / Math.max(1e-9, sizeOf(b));
  if (ratio >= sizeRatio) return ["big", "small"];
  return ratio <= 1 / sizeRatio ? ["small", "big"] : undefined;
}

/** Area in the image; with depth, in proportion to the object's own. */
const sizeOf = ({ detection, depth }: Candidate): number => boxArea(detection.box) * (depth ?? 1) ** 2;

function byPlace(choices: readonly Candidate[]): readonly string[] {
  const centres = choices.map(({ detection }) => boxCentre(detection.box));
  const spread = (axis: 0 | 1) => {
    const values = centres.map((centre) => centre[axis]);
    return Math.max(...values) - Math.min(...values);
  };
  const across = spread(0) >= spread(1);
  const order = centres
    .map((centre) => centre[across ? 0 : 1])
    .map((value, _, all) => all.filter((v) => v < value).length);
  const names = across
    ? ["on the left", "in the middle", "on the right"]
    : ["at the back", "in the middle", "in front"];
  return order.map((rank) => (rank === 0 ? names[0]! : rank === choices.length - 1 ? names[2]! : names[1]!));
}

/**
 * Words of a reply that choose by place, size or rank, with what they compare: the candidate with the most is meant.
 */
const measures: readonly (readonly [RegExp, (candidate: Candidate) => number])[] = [
  [/\b(?:left|leftmost)\b/, ({ detection }) => -boxCentre(detection.box)[0]],
  [/\b(?:right|rightmost)\b/, ({ detection }) => boxCentre(detection.box)[0]],
  [/\b(?:front|near|nearer|nearest|close|closer|closest|bottom)\b/, ({ detection }) => detection.box[3]],
  [/\b(?:back|behind|far|farther|further|farthest|top)\b/, ({ detection }) => -detection.box[3]],
  [/\b(?:big|bigger|biggest|large|larger|largest|tall|taller)\b/, sizeOf],
  [/\b(?:small|smaller|smallest|little|tiny|short|shorter)\b/, (candidate) => -sizeOf(candidate)],
];
const ranks: readonly RegExp[] = [
  /\b(?:first|former|1st|number one)\b/,
  /\b(?:second|latter|2nd|number two)\b/,
  /\b(?:third|3rd|number three)\b/,
];

/**
 * Which candidate a reply means ("the left one", "the blue one", "yes", "the second"); undefined where it means none of
 * them for sure. A reply of two words for places may mean the middle.
 */
export function resolveReply(
  reply: string,
  candidates: readonly Detection[],
  image: ColourImage,
): number | undefined {
  const low = reply.toLowerCase();
  if (saysYes(low)) return 0;
  const choices = candidates.map((detection) => withDepth(detection, undefined));
  if (saysNo(low) || /\bother\b/.test(low)) return choices.length === 2 ? 1 : undefined;
  const colours = choices.map(({ detection }) => colourWord(image, detection.mask));
  const named = colours.flatMap((colour, i) => (colour !== undefined && hasWord(low, colour) ? [i] : []));
  if (named.length === 1) return named[0];
  if (/\b(?:middle|centre|center)\b/.test(low))
    return middleOf(choices.map(({ detection }) => detection.box));
  for (const [pattern, measure] of measures) if (pattern.test(low)) return indexOfMost(choices.map(measure));
  const rank = ranks.findIndex((pattern) => pattern.test(low));
  return rank >= 0 && rank < choices.length ? rank : undefined;
}

/** @param reply in lower case */
export const saysYes = (reply: string): boolean =>
  /^\W*(?:yes|yeah|yep|yup|sure|right|correct|exactly|ok|okay|that one|this one|that's it)\b/.test(reply) &&
  !/\bone on\b|right one|on the right/.test(reply);

/** @param reply in lower case */
export const saysNo = (reply: string): boolean => /^\W*(?:no|nope)\W*$/.test(reply);

const hasWord = (text: string, colour: string): boolean =>
  new RegExp(`\\b${colour === "gray" ? "gr[ae]y" : colour}\\b`).test(text);

const indexOfMost = (values: readonly number[]): number =>
  values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);

function middleOf(boxes: readonly Box[]): number | undefined {
  if (boxes.length < 3) return undefined;
  const order = boxes.map((_, i) => i).sort((a, b) => boxCentre(boxes[a]!)[0] - boxCentre(boxes[b]!)[0]);
  return order[order.length >> 1];
}
