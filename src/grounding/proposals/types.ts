import type { Box, Mask, RgbdFrame } from "../../geometry/index.js";

/** Something that may be an object, whoever says so. */
export interface Proposal {
  /** In pixels of the original image. */
  readonly box: Box;
  /** Of the original image's size; without one the box stands for the object. */
  readonly mask?: Mask;
  /** How sure the source is, 0..1. */
  readonly score: number;
}

/** Where proposals come from: depth clusters, or an open-set detector. */
export interface ProposalSource {
  readonly name: string;
  /** Candidates for what the query names; a source may ignore the query. @throws GraspGroundingError DEPTH_*, INFERENCE_FAILED */
  propose(frame: RgbdFrame, query: string): Promise<readonly Proposal[]>;
  close(): Promise<void>;
}
