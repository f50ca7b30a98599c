import type { Grounding } from "./types.js";

/**
 * How sure an answer is. `unsure` and found: somebody should confirm it before a motion. `unsure` and not found: it may
 * be there, and the place that resembles it most is worth a look.
 */
export const certainties = ["sure", "unsure", "not_found"] as const;
export type Certainty = (typeof certainties)[number];

/** Least score of the best object of a sure answer: below it, three in ten answers are wrong. */
const sureScore = 0.7;
/** Least presence at which an object that was not found may be there all the same. */
const maybePresence = 0.25;
/** Below this probability nothing in the image resembles the object. */
const resembles = 0.1;

/**
 * How sure an answer is, by the score of its best object: the calibrated probability that it is right. The only place
 * that decides it: results, pages and commands read the outcome.
 */
export function certaintyOf({
  found,
  presence,
  detections,
}: Pick<Grounding, "found" | "presence" | "detections">): Certainty {
  const [best] = detections;
  if (!found || best === undefined) return presence >= maybePresence ? "unsure" : "not_found";
  return best.score >= sureScore ? "sure" : "unsure";
}

/** The place that resembles an object most. */
export interface ClosestPlace {
  /** Shares of the image's width and height, 0 to 1 from the upper left corner. */
  readonly x: number;
  readonly y: number;
  /** Of the object, given that it is in the image, 0..1. */
  readonly probability: number;
  /** Index in the heat map. */
  readonly index: number;
}

/** Where the object's probability is highest; undefined where nothing in the image resembles the object. */
export function closestPlace({ heatmap }: Pick<Grounding, "heatmap">): ClosestPlace | undefined {
  const { width, height, data } = heatmap;
  let best = 0;
  for (let i = 1; i < data.length; i++) if (data[i]! > data[best]!) best = i;
  const probability = data[best] ?? 0;
  if (!(probability >= resembles)) return undefined;
  return {
    x: ((best % width) + 0.5) / width,
    y: (Math.floor(best / width) + 0.5) / height,
    probability,
    index: best,
  };
}

/** The place of an image that resembles an object most that was not found. */
export interface ClosestPixel {
  /** x, y in pixels of the original image. */
  readonly point: readonly [x: number, y: number];
  /** Of the object there, given that it is in the image, 0..1. */
  readonly probability: number;
}

/** `closestPlace` in pixels; undefined where the object was found, or where nothing resembles it. */
export function closestPixel(
  grounding: Pick<Grounding, "found" | "heatmap">,
  image: { readonly width: number; readonly height: number },
): ClosestPixel | undefined {
  const place = grounding.found ? undefined : closestPlace(grounding);
  return place && { point: [place.x * image.width, place.y * image.height], probability: place.probability };
}
