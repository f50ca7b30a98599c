import type { CameraModel, Pixels, Pose } from "../../geometry/index.js";
import type { ViewError } from "../types.js";

export type DistortionModel = "plumb_bob" | "rational_polynomial" | "equidistant";

export interface IntrinsicsOptions {
  /** Default plumb_bob. */
  readonly model?: DistortionModel;
  /** Holds k3 of plumb_bob at zero: few or narrow images do not determine it. */
  readonly fixK3?: boolean;
}

export interface IntrinsicsResult {
  readonly camera: CameraModel;
  /** Root mean square distance of all corners of the images that were used, in pixels. */
  readonly rms: Pixels;
  /** Standard deviations of fx, fy, cx, cy in pixels, from the residuals. */
  readonly deviations: readonly [Pixels, Pixels, Pixels, Pixels];
  readonly views: readonly ViewError[];
  /** Pose of the target in the camera, by view; undefined where the image was rejected. */
  readonly poses: readonly (Pose | undefined)[];
  /** Seen minus expected, u, v, …, by view. */
  readonly residuals: readonly Float64Array[];
  /** Share of the image, in a grid of 8 × 6 cells, that holds a corner. */
  readonly coverage: number;
  /** Remedies that would improve the result, one line each. */
  readonly warnings: readonly string[];
}
