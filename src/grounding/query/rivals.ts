import { type Box, boxIou, type ColourImage, cropColour } from "../../geometry/index.js";
import { closeUp } from "../hifics/closer-look.js";
import { similarity } from "../hifics/descriptor.js";
import type { Detection, Grounding } from "../types.js";
import { type Candidate, enumerate, isSame, withDepth } from "./candidates.js";
import type { CombineOptions } from "./combine.js";

/** What the model says of a crop about the kind: one answer, with its alternatives. */
export type CloserLook = (crop: ColourImage) => Promise<Grounding | undefined>;

/**
 * When an object fits as well as the best one. `share`: its part of the place map, of the best one's, below which it
 * is not considered. `probability`: from which it is an object of the kind.
 */
export const rivalLimits = { share: 0.07, probability: 0.3 };
/** Overlap from which an object of one answer is one of another. */
const sameObject = 0.5;
/** The same in a crop, whose masks are finer. */
const sameInCrop = 0.4;
/** Rivals that are looked for at most: a question names three objects. */
const maxRivals = 2;

/** What speaks for a second object of the kind. */
export interface Evidence {
  /** Natural logarithm of its part of the kind's place map, of the best object's. */
  readonly share: number;
  /** How much it looks like the first object to the encoder, -1 to 1; undefined where features are elsewhere. */
  readonly similarity: number | undefined;
  /** Its part of the place map of a crop about it, without the first object's part in the same crop. */
  readonly mass: number;
  /** The kind's presence in that crop, of the presence in the first object's crop. */
  readonly presence: number;
  /** Its part of the query's own place map. */
  readonly own: number;
}

/** Logistic regression on rendered validation scenes of seeds that docs/language.md does not measure. */
const weights = { share: 0.71, similarity: 1.49, mass: 1.34, presence: 3.5, own: 1.78, bias: -4.95 };
/** Stands for a similarity that is not known: the mean of those scenes. */
const meanSimilarity = 0.68;

/** Probability that a second object is one of the kind, 0 to 1. */
export function rivalProbability(evidence: Evidence): number {
  const { share, similarity: like = meanSimilarity, mass, presence, own } = evidence;
  const sum =
    weights.bias +
    weights.share * share +
    weights.similarity * like +
    weights.mass * mass +
    weights.presence * presence +
    weights.own * own;
  return 1 / (1 + Math.exp(-sum));
}

/**
 * Objects of the kind that fit as well as the model's own answer, which comes first. The model gives a definite phrase
 * to one object; asked for all of the kind it shares its place map among them. Each of them is cropped from the image
 * and looked at again, and compared with the first.
 * @param own the answer to the query itself, with its alternatives
 * @param kinds the answers for all objects of the kind, with their alternatives
 */
export async function equalRivals(
  image: ColourImage,
  own: Grounding,
  kinds: readonly Grounding[],
  { depth }: CombineOptions,
  look: CloserLook,
): Promise<readonly Candidate[]> {
  const [first] = own.detections;
  if (first === undefined) return [];
  const all = enumerate(kinds.map((answer) => ({ ...answer, detections: answer.alternatives ?? [] })));
  const weighed = all
    .map(({ detection }) => ({
      detection,
      share: mean(kinds.map((answer) => massOn(answer, detection.box))),
    }))
    .sort((a, b) => b.share - a.share);
  const best = weighed[0]?.share ?? 0;
  const others = weighed.filter(
    ({ detection, share }) => share >= rivalLimits.share * best && !isSame(detection.box, first.box),
  );
  const close = others.slice(0, maxRivals);
  const reference = close.length === 0 ? 1 : ((await look(cropOf(image, first.box)))?.presence ?? 0);
  const answers = [own, ...kinds];
  const rivals: Detection[] = [];
  for (const { detection, share } of close) {
    const seen = await lookedAt(image, detection, first, look);
    const evidence: Evidence = {
      share: Math.log(Math.max(least.share, share / Math.max(least.best, best))),
      similarity: likeness(answers, detection, first),
      mass: seen.mass,
      presence: seen.presence / Math.max(least.best, reference),
      own: massOn(own, detection.box),
    };
    if (rivalProbability(evidence) >= rivalLimits.probability) rivals.push(detection);
  }
  return [first, ...rivals].map((detection) => withDepth(detection, depth));
}

/** Divisors and logarithms of less make no sense. */
const least = { share: 0.02, best: 1e-3 };

/** What a crop about an object shows of the kind: its presence, and how much of the place map lies on the object. */
async function lookedAt(
  image: ColourImage,
  { box }: Detection,
  first: Detection,
  look: CloserLook,
): Promise<{ readonly presence: number; readonly mass: number }> {
  const region = closeUp(box, image);
  const seen = await look(cropColour(image, region));
  if (seen === undefined) return { presence: 0, mass: 0 };
  const inCrop = ([x1, y1, x2, y2]: Box): Box => [
    x1 - region[0],
    y1 - region[1],
    x2 - region[0],
    y2 - region[1],
  ];
  const mass = massOn(seen, inCrop(box), sameInCrop);
  const onFirst = massOn(seen, inCrop(first.box), sameInCrop);
  // A crop that shows the first object too gives the kind to that one: it says little of this one.
  const rest = onFirst < mostOnFirst ? mass / Math.max(1 - onFirst, mass, least.best) : unknownMass;
  return { presence: seen.presence, mass: rest };
}

/** Part of a crop's place map on the first object from which the crop says nothing of another. */
const mostOnFirst = 0.9;
const unknownMass = 0.5;

/** How much an object looks like another one; undefined where no answer describes both. */
function likeness(answers: readonly Grounding[], a: Detection, b: Detection): number | undefined {
  const describe = ({ box }: Detection) =>
    answers
      .flatMap(({ alternatives = [] }) => alternatives)
      .filter(({ descriptor }) => descriptor !== undefined)
      .map((each) => ({ each, overlap: boxIou(each.box, box) }))
      .filter(({ overlap }) => overlap >= sameObject)
      .sort((x, y) => y.overlap - x.overlap)[0]?.each.descriptor;
  const [one, other] = [describe(a), describe(b)];
  return one === undefined || other === undefined ? undefined : similarity(one, other);
}

const cropOf = (image: ColourImage, box: Box): ColourImage => cropColour(image, closeUp(box, image));

/** Share of an answer's place map on the object at a box. */
const massOn = ({ alternatives = [] }: Grounding, box: Box, overlap = sameObject): number =>
  Math.max(0, ...alternatives.filter((each) => boxIou(each.box, box) >= overlap).map(({ score }) => score));

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
