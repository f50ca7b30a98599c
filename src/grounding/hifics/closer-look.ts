import {
  type Box,
  boxArea,
  boxHeight,
  boxIou,
  boxWidth,
  type ColourImage,
  cropColour,
  type Pixels,
} from "../../geometry/index.js";
import type { Detection } from "../types.js";
import { instancesFromCandidates } from "./candidates.js";
import type { Decoded } from "./outputs.js";
import { logit } from "./score.js";

/** Candidates that are looked at again. */
export const closerCandidates = 3;
/** A first look this sure of one candidate, with this little on the next, is not repeated. */
const sure = { first: 0.8, second: 0.1 };
/** Share of a crop that the candidate's box covers. */
const cropShare = 0.15;
/** Least length of a crop's sides, as a multiple of the box's. */
const minGrowth = 1.15;
const aspect = 4 / 3;
/** Instances of a crop among which the candidate is looked for, and the least overlap (IoU) of its box. */
const own = { limit: 4, minIou: 0.3 };
/** How much the crop's presence logit counts next to the logarithms of the masses. */
const presenceWeight = 0.6;

/**
 * Decodes crops of the best candidates, at the image's own resolution with some of their surroundings. A crop shows the
 * kind of an object better than the full image, but not its place among others: both looks are weighed.
 * Masks stay those of the first look. docs/decisions/0009-lite-weights.md has what was measured.
 * @param candidates of the first look, best first; `score` is the mass of the place map on each, 0..1
 * @param look what the model says of a crop and the query
 * @returns the candidates in their new order, their scores unchanged
 */
export async function lookCloser(
  image: ColourImage,
  candidates: readonly Detection[],
  look: (crop: ColourImage) => Promise<Decoded>,
): Promise<readonly Detection[]> {
  const [first, second] = candidates;
  if (first === undefined || second === undefined) return candidates;
  if (first.score >= sure.first && second.score <= sure.second) return candidates;
  const weigh = async (detection: Detection) => {
    const region = closeUp(detection.box, image);
    const seen = await look(cropColour(image, region));
    const mass = ownMass(detection.box, seen, region);
    const weight =
      Math.log(detection.score + 0.001) + presenceWeight * logit(seen.presence, 1e-6) + Math.log(mass + 0.01);
    return { detection, weight };
  };
  const weighed = await inPairs(candidates.slice(0, closerCandidates), weigh);
  weighed.sort((a, b) => b.weight - a.weight);
  return [...weighed.map(({ detection }) => detection), ...candidates.slice(closerCandidates)];
}

/**
 * Calls in order, the next one begun while one runs: a crop is resized while the one before it is encoded. No more than
 * two, so that calls of other images and a cancellation do not wait long.
 */
async function inPairs<Item, Value>(
  items: readonly Item[],
  call: (item: Item) => Promise<Value>,
): Promise<Value[]> {
  const begun: Promise<Value>[] = [];
  const begin = () => {
    const item = items[begun.length];
    if (item === undefined) return;
    const value = call(item);
    // It is awaited later, or not at all when the one before it fails.
    value.catch(() => undefined);
    begun.push(value);
  };
  begin();
  const values: Value[] = [];
  for (const i of items.keys()) {
    begin();
    values.push(await (begun[i] as Promise<Value>));
  }
  return values;
}

/** A box with its surroundings, at the model's aspect where the image allows it; whole pixels inside the image. */
export function closeUp(box: Box, { width, height }: { width: Pixels; height: Pixels }): Box {
  const area = boxArea(box) / cropShare;
  const wide = Math.max(Math.sqrt(area * aspect), minGrowth * boxWidth(box));
  const high = Math.max(wide / aspect, minGrowth * boxHeight(box));
  const w = Math.max(1, Math.round(Math.min(width, Math.max(wide, high * aspect))));
  const h = Math.max(1, Math.round(Math.min(height, high)));
  const x = Math.round(Math.min(Math.max(0, (box[0] + box[2] - w) / 2), width - w));
  const y = Math.round(Math.min(Math.max(0, (box[1] + box[3] - h) / 2), height - h));
  return [x, y, x + w, y + h];
}

/** The crop's mass on the instance that is the candidate; 0 where no instance of the crop is. */
function ownMass(box: Box, { candidates }: Decoded, region: Box): number {
  if (candidates === undefined) return 0;
  const size = { width: region[2] - region[0], height: region[3] - region[1] };
  let best = { iou: own.minIou, mass: 0 };
  for (const { box: seen, score } of instancesFromCandidates(candidates, size, {
    relativeMass: 0,
    limit: own.limit,
  })) {
    const placed: Box = [seen[0] + region[0], seen[1] + region[1], seen[2] + region[0], seen[3] + region[1]];
    const iou = boxIou(placed, box);
    if (iou > best.iou) best = { iou, mass: score };
  }
  return best.mass;
}
