import type { Box, Mask, RgbdFrame } from "../../geometry/index.js";

/** A region that may be an object. */
export interface Proposal {
  /** In pixels of the original image. */
  readonly box: Box;
  /** Of the original image's size; without a mask the box is the object. */
  readonly mask?: Mask;
  /** Confidence of the source, 0..1. */
  readonly score: number;
}

/** Source of proposals: depth clusters, or an open-set detector. */
export interface ProposalSource {
  readonly name: string;
  /**
   * Candidates for the object that the query names; a source may ignore the query.
   * @throws GraspGroundingError DEPTH_*, INFERENCE_FAILED
   */
  propose(frame: RgbdFrame, query: string): Promise<readonly Proposal[]>;
  close(): Promise<void>;
}
