import type { Pixels } from "../geometry/index.js";

/** What was found of a target in one image. */
export interface Sighting {
  /** File name, or time in the bag: what reports call it. */
  readonly name: string;
  readonly width: Pixels;
  readonly height: Pixels;
  /** Points of the target, x, y, z, …, in its own frame (z = 0, x right, y down, seen from the front). */
  readonly object: Float64Array;
  /** Where each was seen, u, v, …. */
  readonly pixels: Float64Array;
}

/** Root mean square and largest distance of the corners of one image from where they should be. */
export interface ViewError {
  readonly name: string;
  readonly corners: number;
  readonly rms: Pixels;
  readonly max: Pixels;
  /** Why the solution does not use it. */
  readonly rejected?: string;
}
