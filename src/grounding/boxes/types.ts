import type { Box, ColourImage } from "../../geometry/index.js";
import type { BackendReport, CallOptions } from "../../inference/index.js";

/** A box that a detector found for a phrase. */
export interface ScoredBox {
  /** In pixels of the original image, inside it. */
  readonly box: Box;
  /** The detector's confidence, 0..1. */
  readonly score: number;
}

/** An open-vocabulary detector: boxes with scores for phrases, and no masks. */
export interface BoxFinder {
  readonly model: string;
  readonly runsOn: string;
  readonly backendReport: BackendReport;
  /** Least score of a box that counts as found, 0..1. */
  readonly threshold: number;
  /**
   * Every box of the model for each phrase, in the order of the phrases.
   * @throws GraspGroundingError IMAGE_TOO_SMALL, INFERENCE_FAILED, INFERENCE_CANCELLED, MODEL_MISMATCH
   */
  find(
    image: ColourImage,
    phrases: readonly string[],
    options?: CallOptions,
  ): Promise<readonly (readonly ScoredBox[])[]>;
  close(): Promise<void>;
}
