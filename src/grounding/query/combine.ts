import { boxArea, boxIou, type DepthImage, type Mask, maskArea } from "../../geometry/index.js";
import { instancesFromHeatmap } from "../hifics/instances.js";
import type { Detection, Grounding } from "../types.js";
import { type Candidate, enumerate, heatOn, isSame, withDepth } from "./candidates.js";
import { needsKinds, type TargetPlan } from "./plan.js";
import { type Placed, relationScore } from "./spatial.js";

/** Answers of the model by phrase. */
export type Answers = ReadonlyMap<string, Grounding>;

export interface CombineOptions {
  /** Width of the image in pixels. */
  readonly width: number;
  readonly depth?: DepthImage;
}

/** Heat from which an object is what an excluded phrase names. */
const excludedHeat = 0.5;
/** Share of a region that is left without the excluded objects: from here on it is untouched, below it is nothing. */
const wholeShare = 0.9;
const remainderShare = 0.12;
/** Share of its box that a part fills; what fills less is the rim of an object that was taken away. */
const rimFill = 0.3;
/** Overlap from which a candidate is the landmark itself; what lies in a bowl is not. */
const landmarkIou = 0.6;
/** How much geometry and the model's own answer count for a relation. */
const relationWeights = { geometry: 1, own: 0.35, kind: 0.25 };

/** Objects that a target means, best first; those that were asked for by number or as a set are all of them. */
export function combineTarget(
  plan: TargetPlan,
  answers: Answers,
  options: CombineOptions,
): readonly Detection[] {
  const own = answers.get(plan.whole);
  if (own === undefined) return [];
  if (!needsKinds(plan)) return bestOf([own, ...pick(answers, plan.alternatives)]);
  const among = isAmongOthers(plan);
  const kinds = pick(answers, plan.kinds).map((answer) => (among ? withAlternatives(answer) : answer));
  // Regions of a kind's map may hold two objects that touch; the model's own answer to a relation parts them.
  const lists = plan.landmarks.length > 0 ? [own, ...kinds] : [...kinds, ...(plan.generic ? [] : [own])];
  let candidates = enumerate(lists, options.depth, plan.landmarks.length > 0).map((candidate) =>
    scored(candidate, Math.max(...[...kinds, own].map((answer) => heatOn(answer, candidate.detection)))),
  );
  candidates = withoutExcluded(candidates, pick(answers, plan.excluded));
  candidates = byRelation(candidates, plan, answers, own, options);
  return candidates
    .sort((a, b) => b.score - a.score)
    .map(({ detection, score }) => ({ ...detection, score: clamp(score) }));
}

/** Whether one among others is looked for: those that the model holds for less likely are others too. */
export const isAmongOthers = ({ excluded, landmarks }: TargetPlan): boolean =>
  excluded.length > 0 || landmarks.length > 0;

interface Scored extends Candidate {
  readonly score: number;
}

/** Least share of the place map, next to the best object's, of an object that is considered. */
const minShare = 0.06;

/** An answer with all objects of its kind that the model drew. */
function withAlternatives(answer: Grounding): Grounding {
  const { alternatives, detections, found } = answer;
  if (!found || alternatives === undefined || alternatives.length === 0) return answer;
  const least = minShare * (alternatives[0]?.score ?? 0);
  const others = alternatives.filter(
    ({ box, score }) => score >= least && !detections.some((detection) => isSame(detection.box, box)),
  );
  return { ...answer, detections: [...detections, ...others] };
}

const scored = (candidate: Candidate, score: number): Scored => ({ ...candidate, score });
const clamp = (score: number): number => Math.min(1, Math.max(0, score));
const pick = (answers: Answers, phrases: readonly string[]): Grounding[] =>
  phrases.flatMap((phrase) => answers.get(phrase) ?? []);

/** The answer whose best object is the surest. */
function bestOf(groundings: readonly Grounding[]): readonly Detection[] {
  const top = (grounding: Grounding) => grounding.detections[0]?.score ?? 0;
  return groundings.reduce((best, other) => (top(other) > top(best) ? other : best)).detections;
}

/**
 * Leaves out the objects that an excluded phrase names. Two objects that touch may be one region of the heat map: what
 * is left of a region without the excluded object stays a candidate.
 */
function withoutExcluded(candidates: readonly Scored[], excluded: readonly Grounding[]): Scored[] {
  if (excluded.length === 0) return [...candidates];
  const taken = excluded.flatMap(({ detections }) => detections.map(({ mask }) => mask));
  return candidates.flatMap((candidate) => {
    const detection = remainder(candidate.detection, taken);
    if (detection === undefined) return [];
    const heat = Math.max(...excluded.map((answer) => heatOn(answer, detection)));
    return heat >= excludedHeat ? [] : [{ ...candidate, detection, score: candidate.score * (1 - heat) }];
  });
}

/**
 * A detection without masks of others: itself where they hardly touch it, else its largest part that is left; undefined
 * where that is a mere rim.
 */
function remainder(detection: Detection, others: readonly Mask[]): Detection | undefined {
  const { mask } = detection;
  const data = mask.data.slice();
  for (const other of others) for (let i = 0; i < data.length; i++) if (other.data[i] === 1) data[i] = 0;
  const area = maskArea(mask);
  const left = maskArea({ ...mask, data });
  if (left > wholeShare * area) return detection;
  if (left < remainderShare * area) return undefined;
  const heatmap = { width: mask.width, height: mask.height, data: Float32Array.from(data) };
  const parts = instancesFromHeatmap(heatmap, mask, { threshold: 0.5 }).map((part) => ({
    part,
    area: maskArea(part.mask),
  }));
  const largest = parts.reduce<(typeof parts)[number] | undefined>(
    (best, other) => (best === undefined || other.area > best.area ? other : best),
    undefined,
  );
  if (largest === undefined || largest.area < remainderShare * area) return undefined;
  const { part } = largest;
  const isRim = largest.area < rimFill * boxArea(part.box);
  return isRim ? undefined : { ...part, score: detection.score };
}

/** Ranks by geometry where the landmarks are found, with the model's own answer to break ties. */
function byRelation(
  candidates: readonly Scored[],
  plan: TargetPlan,
  answers: Answers,
  own: Grounding,
  { width, depth }: CombineOptions,
): Scored[] {
  const { relation } = plan.target;
  if (relation === undefined) return [...candidates];
  const landmarks = findLandmarks(pick(answers, plan.landmarks), relation.kind === "between", depth);
  if (landmarks === undefined)
    return candidates.map((candidate) => scored(candidate, heatOn(own, candidate.detection)));
  const { geometry, own: weight, kind } = relationWeights;
  return candidates
    .filter(({ detection }) => !landmarks.some(({ box }) => boxIou(box, detection.box) >= landmarkIou))
    .map((candidate) => {
      const place = relationScore(relation.kind, placed(candidate), landmarks, width);
      const total = geometry * place + weight * heatOn(own, candidate.detection) + kind * candidate.score;
      return scored(candidate, total / (geometry + weight + kind));
    });
}

const placed = ({ detection, depth }: Candidate): Placed => ({
  box: detection.box,
  ...(depth !== undefined && { depth }),
});

/** The landmarks where they were found; "between the two cans" has its two in one answer. */
function findLandmarks(
  answers: readonly Grounding[],
  between: boolean,
  depth: DepthImage | undefined,
): readonly Placed[] | undefined {
  const places = answers.flatMap(({ found, detections }) =>
    found ? detections.slice(0, between && answers.length === 1 ? 2 : 1) : [],
  );
  if (places.length < (between ? 2 : 1)) return undefined;
  return places.map((detection) => placed(withDepth(detection, depth)));
}
