import { boxIou, type ColourImage, maskArea } from "../../geometry/index.js";
import { logit } from "../hifics/score.js";
import type { Detection, Grounding } from "../types.js";
import { type Candidate, enumerate, isSame, withDepth } from "./candidates.js";
import type { CombineOptions } from "./combine.js";
import { eraseObject } from "./erase.js";

/** What the model says of an image about the query: one answer, with its alternatives; undefined where it says none. */
export type SecondLook = (image: ColourImage) => Promise<Grounding | undefined>;

/** Probability from which a second object fits as well as the first one. */
export const rivalProbabilityLimit = 0.35;
/** Overlap from which an object of one answer is one of another. */
const sameObject = 0.5;
/** Rivals that are looked for at most: a question names three objects. */
const maxRivals = 2;

/** What speaks for a second object of the kind. */
export interface Evidence {
  /** Its part of the place maps of all objects of the kind, of the first object's where that is more. */
  readonly share: number;
  /** Probability that the query's object is in the image, once the first object is erased from it. */
  readonly presence: number;
  /** Its part of the query's own place map. */
  readonly own: number;
  /** Its area in the image, of the first object's. */
  readonly area: number;
}

/** Logistic regression on rendered validation scenes of seeds that docs/language.md does not measure. */
const weights = { share: 0.59, presence: 0.27, own: 3.28, area: -0.33, bias: -0.03 };
/** Logarithms of less make no sense; a presence beyond this says no more. */
const least = { share: 0.02, area: 0.01, probability: 1e-3 };
const mostPresence = 2.5;

/** Probability that a second object fits a query as well as the first one, 0 to 1. */
export function rivalProbability({ share, presence, own, area }: Evidence): number {
  const sum =
    weights.bias +
    weights.share * Math.log(Math.max(least.share, share)) +
    weights.presence * Math.min(mostPresence, logit(presence, least.probability)) +
    weights.own * own +
    weights.area * Math.abs(Math.log(Math.max(least.area, area)));
  return 1 / (1 + Math.exp(-sum));
}

/**
 * Objects that fit a query as well as the model's own answer, which comes first. The model gives a definite phrase to
 * one object; asked for all of the kind it shares its place map among them, and also gives parts of it to objects that
 * merely resemble the kind. So the first object is erased from the image, and the query is asked again: where it fits
 * no second object, the model says that its object is absent.
 * @param own the answer to the query itself, with its alternatives
 * @param kinds the answers for all objects of the kind, with their alternatives
 * @param look asks the query again on an image of the same size
 */
export async function equalRivals(
  image: ColourImage,
  own: Grounding,
  kinds: readonly Grounding[],
  { depth }: CombineOptions,
  look: SecondLook,
): Promise<readonly Candidate[]> {
  const [first] = own.detections;
  if (first === undefined) return [];
  const found: Detection[] = [first];
  let left = image;
  while (found.length <= maxRivals) {
    left = eraseObject(left, found.at(-1)!.mask);
    const seen = await look(left);
    const rival = seen && rivalIn(seen, found, own, kinds);
    if (rival === undefined) break;
    found.push(rival);
  }
  return found.map((detection) => withDepth(detection, depth));
}

/** The object, other than those that were erased, that fits as well as the first of them. */
function rivalIn(
  seen: Grounding,
  erased: readonly Detection[],
  own: Grounding,
  kinds: readonly Grounding[],
): Detection | undefined {
  const first = erased[0]!;
  const drawn = [...kinds, seen].map((answer) => ({ ...answer, detections: answer.alternatives ?? [] }));
  const of = shareOf(kinds, first);
  // Masks of the image with every object come first.
  const others = enumerate(drawn, undefined, true)
    .map(({ detection }) => detection)
    .filter(({ box }) => !erased.some((one) => isSame(one.box, box)))
    .map((detection) => {
      const share = shareOf(kinds, detection);
      const probability = rivalProbability({
        share: share / Math.max(of, share, least.probability),
        presence: seen.presence,
        own: shareOf([own], detection),
        area: maskArea(detection.mask) / Math.max(1, maskArea(first.mask)),
      });
      return { detection, probability };
    })
    .sort((a, b) => b.probability - a.probability);
  const [best] = others;
  return best !== undefined && best.probability >= rivalProbabilityLimit ? best.detection : undefined;
}

/** Mean part of an object of the place maps of some answers. */
function shareOf(answers: readonly Grounding[], { box }: Detection): number {
  const shares = answers.map(({ alternatives = [] }) =>
    Math.max(
      0,
      ...alternatives.filter((one) => boxIou(one.box, box) >= sameObject).map(({ score }) => score),
    ),
  );
  return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
}
