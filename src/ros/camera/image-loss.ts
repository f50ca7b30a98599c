import { type Seconds, type Stamp, secondsBetween } from "../../geometry/index.js";

/** Images of one topic that were sent, and those of them that arrived. */
export interface ImageLoss {
  readonly sent: number;
  readonly arrived: number;
}

/** Images younger than this may still be in transit when the camera info of the same stamp is there. */
const inFlight: Seconds = 0.5;
/** Fewer images say nothing about a rate. */
const minSent = 8;

/**
 * How many images of a topic arrived of those that were sent in the last `window` seconds, worked out from stamps
 * alone.
 * A driver gives an image and its camera info the same stamp: an info without its image is a lost image. Without such
 * infos, gaps that are a multiple of the shortest usual gap count as losses.
 * @param images stamps of the images that arrived, in order of arrival.
 * @param infos stamps of the camera infos that arrived; they are small and rarely lost.
 * @returns undefined when the stamps do not tell: too few, or at no regular rate.
 */
export function imageLoss(
  images: readonly Stamp[],
  infos: readonly Stamp[],
  window: Seconds = 5,
): ImageLoss | undefined {
  const newest = [...images, ...infos].reduce((a, b) => (b > a ? b : a), 0n);
  const recent = (stamps: readonly Stamp[]): Stamp[] =>
    [...new Set(stamps)].filter((each) => secondsBetween(newest, each) <= window).sort(ascending);
  return byInfos(new Set(images), recent(images), recent(infos), newest) ?? byGaps(recent(images));
}

function byInfos(
  arrived: ReadonlySet<Stamp>,
  images: readonly Stamp[],
  infos: readonly Stamp[],
  newest: Stamp,
): ImageLoss | undefined {
  const known = new Set(infos);
  const matched = images.filter((each) => known.has(each)).length;
  if (matched === 0 || matched < images.length * 0.8) return undefined;
  const due = infos.filter((each) => secondsBetween(newest, each) >= inFlight);
  if (due.length < minSent) return undefined;
  return { sent: due.length, arrived: due.filter((each) => arrived.has(each)).length };
}

function byGaps(stamps: readonly Stamp[]): ImageLoss | undefined {
  const gaps = stamps.slice(1).map((each, i) => secondsBetween(each, stamps[i]!));
  if (gaps.length < minSent) return undefined;
  const period = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 5)]!;
  const periods = gaps.map((gap) => gap / period);
  const regular = periods.filter((each) => Math.abs(each - Math.round(each)) < 0.2).length;
  if (regular < gaps.length * 0.7) return undefined;
  const sent = periods.reduce((sum, each) => sum + Math.max(1, Math.round(each)), 1);
  return { sent, arrived: stamps.length };
}

const ascending = (a: Stamp, b: Stamp): number => (a < b ? -1 : a > b ? 1 : 0);
