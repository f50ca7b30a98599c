import type { ColourImage } from "../../geometry/index.js";
import type { CallOptions } from "../../inference/index.js";
import type { Detection, Grounding } from "../types.js";

/** Draws the masks of detections anew, on the image itself. */
export interface Refiner {
  readonly name: string;
  /**
   * The grounding's detections, in their order; one whose refined mask contradicts what the grounder saw stays as
   * it is.
   * @throws GraspGroundingError IMAGE_TOO_SMALL, INFERENCE_FAILED, INFERENCE_CANCELLED, MODEL_MISMATCH
   */
  refine(image: ColourImage, grounding: Grounding, options?: CallOptions): Promise<readonly Detection[]>;
  close(): Promise<void>;
}
