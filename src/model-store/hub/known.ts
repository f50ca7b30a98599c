import type { HubFamily } from "../../grounding/index.js";
import type { ModelPrecision } from "../convert.js";

/** A model that `models pull` knows by a name of its own. */
export interface KnownHubModel {
  readonly name: string;
  readonly description: string;
  readonly family: HubFamily;
  readonly repository: string;
  /** Commit, or branch that is resolved to a commit when it is pulled. */
  readonly revision: string;
  /** Licence of the original weights, for a repository whose card names none. */
  readonly licence: string;
  /** Approximate bytes by precision, for the list; the hub states the exact ones. */
  readonly bytes: Readonly<Record<ModelPrecision, number>>;
}

export const knownHubModels: readonly KnownHubModel[] = [
  {
    name: "clipseg-rd64-refined",
    description: "CLIPSeg over CLIP ViT-B/16: masks from a phrase",
    family: "clipseg",
    repository: "Xenova/clipseg-rd64-refined",
    revision: "4a31ff79ba9051a89ed0aa98b60395e5d25dce17",
    licence: "apache-2.0",
    bytes: { fp32: 547e6, fp16: 275e6, int8: 141e6 },
  },
  {
    name: "owlv2-base",
    description: "OWLv2 base, ensemble: boxes from phrases",
    family: "owlv2",
    repository: "Xenova/owlv2-base-patch16-ensemble",
    revision: "1e23c8ff034f811c2ca2ce47c38c51e1e4072f6a",
    licence: "apache-2.0",
    bytes: { fp32: 616e6, fp16: 310e6, int8: 157e6 },
  },
  {
    name: "grounding-dino-tiny",
    description: "Grounding DINO, Swin-T: boxes from phrases",
    family: "grounding-dino",
    repository: "onnx-community/grounding-dino-tiny-ONNX",
    revision: "main",
    licence: "apache-2.0",
    bytes: { fp32: 720e6, fp16: 361e6, int8: 205e6 },
  },
  {
    name: "sam",
    description: "SlimSAM-77: the mask of a box or point, for --refine",
    family: "sam",
    repository: "Xenova/slimsam-77-uniform",
    // The main branch takes points alone.
    revision: "points-and-boxes",
    licence: "apache-2.0",
    bytes: { fp32: 40e6, fp16: 40e6, int8: 14e6 },
  },
];
