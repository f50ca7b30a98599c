import type { Mask } from "../../geometry/index.js";
import type { Truth } from "../metrics.js";

/** One query about one image of a data set. */
export interface EvalLine {
  /** The image's name in the data set. */
  readonly image: string;
  /** The image's path. */
  readonly path: string;
  readonly query: string;
  /** Place in the data set: the list's file, and the line or the number of the entry, from 1. */
  readonly file: string;
  readonly line: number;
  /** How the layout writes the boxes that `truth` has as corners. */
  readonly boxesAs: "corners" | "x, y, width, height";
  readonly truth: Omit<Truth, "mask">;
  /**
   * Reads the mask of all named objects together, when it is needed: all masks of a data set would not fit into
   * memory.
   */
  readonly mask?: () => Promise<Mask>;
}
