import { type Box, boxIou, type ColourImage, cropColour } from "../../geometry/index.js";
import { closeUp } from "../hifics/closer-look.js";
import type { Detection, Grounding } from "../types.js";
import { type Candidate, enumerate, heatOn, isSame, withDepth } from "./candidates.js";
import type { CombineOptions } from "./combine.js";

/** What the model says of a crop about the kind: one answer, with its alternatives. */
export type CloserLook = (crop: ColourImage) => Promise<Grounding | undefined>;

/**
 * When an object fits as well as the best one. `share`: its part of the place map, of the best one's, below which it
 * is not considered. `heat`: the same of the heat on its mask. `sure`: share from which nothing more is asked. Between
 * them a closer look decides: the crop's place map has to lie on the object by `mass`, and the crop's presence has to
 * be `presence` of the best object's. Chosen on rendered validation scenes; docs/language.md has the test scenes'.
 */
export const rivalLimits = { share: 0.1, heat: 0.4, sure: 0.8, mass: 0.25, presence: 0.6 };
/** Overlap from which an object of one answer is one of another. */
const sameObject = 0.5;
/** Rivals that are looked for at most: a question names three objects. */
const maxRivals = 2;

/**
 * Objects of the kind that fit as well as the model's own answer, which comes first. The model gives a definite phrase
 * to one object; asked for all of the kind it shares its place map among them, and each of them gets a closer
 * look.
 * @param own the answer to the query itself
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
      heats: kinds.map((answer) => heatOn(answer, detection)),
    }))
    .sort((a, b) => b.share - a.share);
  const [best] = weighed;
  if (best === undefined) return [withDepth(first, depth)];
  const close = weighed.filter(
    ({ share, heats }) =>
      share >= rivalLimits.share * best.share &&
      heats.every((heat, i) => heat >= rivalLimits.heat * best.heats[i]!),
  );
  const others = close.filter(({ detection }) => !isSame(detection.box, first.box));
  // What the query itself means is no object of the kind: the kind says nothing about it.
  if (others.length === close.length) return [withDepth(first, depth)];
  const reference = others.length === 0 ? 1 : ((await look(cropOf(image, first.box)))?.presence ?? 0);
  const rivals: Detection[] = [];
  for (const { detection, share } of others.slice(0, maxRivals)) {
    const isSure = share >= rivalLimits.sure * best.share;
    if (isSure || (await isOfKind(image, detection, reference, look))) rivals.push(detection);
  }
  return [first, ...rivals].map((detection) => withDepth(detection, depth));
}

/** Whether a closer look finds the kind in this very place. */
async function isOfKind(
  image: ColourImage,
  { box }: Detection,
  reference: number,
  look: CloserLook,
): Promise<boolean> {
  const region = closeUp(box, image);
  const seen = await look(cropColour(image, region));
  if (seen === undefined || seen.presence < rivalLimits.presence * reference) return false;
  const inCrop: Box = [box[0] - region[0], box[1] - region[1], box[2] - region[0], box[3] - region[1]];
  return massOn(seen, inCrop, 0.4) >= rivalLimits.mass;
}

const cropOf = (image: ColourImage, box: Box): ColourImage => cropColour(image, closeUp(box, image));

/** Share of an answer's place map on the object at a box. */
const massOn = ({ alternatives = [] }: Grounding, box: Box, least = sameObject): number =>
  Math.max(0, ...alternatives.filter((each) => boxIou(each.box, box) >= least).map(({ score }) => score));

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
