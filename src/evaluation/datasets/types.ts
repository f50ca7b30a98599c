import type { Mask } from "../../geometry/index.js";
import type { Truth } from "../metrics.js";

/** One query about one image of a data set. */
export interface EvalLine {
  /** As the data set calls the image. */
  readonly image: string;
  /** Where it is. */
  readonly path: string;
  readonly query: string;
  readonly truth: Omit<Truth, "mask">;
  /** Reads the mask of all named objects together; masks of a whole data set would not fit into memory. */
  readonly mask?: () => Promise<Mask>;
}
