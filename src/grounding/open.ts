import { GraspGroundingError } from "../errors/index.js";
import type { ModelFiles } from "../inference/index.js";
import { BoxGrounder } from "./boxes/grounder.js";
import type { BoxFinder } from "./boxes/types.js";
import { ClipSeg } from "./clipseg/clipseg.js";
import { GroundingDino } from "./grounding-dino/grounding-dino.js";
import { HifiCs } from "./hifics/hifics.js";
import { modelFiles } from "./hifics/manifest.js";
import type { BackendFactory, HubOptions } from "./hub/engine.js";
import { hubModelFiles } from "./hub/files.js";
import { isHubManifest, openHubModel, readModelManifest, verifyModel } from "./hub/manifest.js";
import { Owlv2 } from "./owlv2/owlv2.js";
import type { Grounder } from "./types.js";

export interface OpenOptions extends HubOptions {
  /** Instead of the model's own: probability from which a pixel counts, or for a detector the least score of a box. */
  readonly threshold?: number;
}

/**
 * Opens a model folder as what its manifest says it is: HiFi-CS and its relatives, CLIPSeg, OWLv2 or Grounding DINO.
 * @throws GraspGroundingError MODEL_*, PROVIDER_UNAVAILABLE, and MODEL_FAMILY for a model that only refines
 */
export async function openModel(
  folder: string,
  createBackend: BackendFactory,
  options: OpenOptions = {},
): Promise<Grounder> {
  const manifest = await readModelManifest(folder);
  if (!isHubManifest(manifest)) return HifiCs.open(folder, createBackend, options);
  if (manifest.family === "clipseg") return ClipSeg.open(folder, createBackend, options);
  return new BoxGrounder(await openDetector(folder, createBackend, options));
}

/**
 * Opens a model folder as a detector: OWLv2 or Grounding DINO.
 * @throws GraspGroundingError MODEL_*, PROVIDER_UNAVAILABLE, and MODEL_FAMILY for a model that finds no boxes
 */
export async function openDetector(
  folder: string,
  createBackend: BackendFactory,
  options: OpenOptions = {},
): Promise<BoxFinder> {
  const { family, name } = await readModelManifest(folder);
  switch (family) {
    case "owlv2":
      return Owlv2.open(folder, createBackend, options);
    case "grounding-dino":
      return GroundingDino.open(folder, createBackend, options);
    default:
      throw new GraspGroundingError("MODEL_FAMILY", { name, family, wanted: "a detector" });
  }
}

/** A model as a worker or a server runs it: its graphs, without the grounder around them. */
export interface ServedModel {
  readonly files: ModelFiles;
  /** Compares every file with its hash. @throws GraspGroundingError MODEL_CORRUPT, FILE_MISSING */
  verify(): Promise<void>;
}

/** Reads a model folder of any family. @throws GraspGroundingError MODEL_MISSING, MODEL_MANIFEST, MODEL_CORRUPT */
export async function servedModel(folder: string): Promise<ServedModel> {
  const manifest = await readModelManifest(folder);
  const files = isHubManifest(manifest)
    ? hubModelFiles(await openHubModel(folder, "settings"))
    : modelFiles(folder, manifest);
  return { files, verify: () => verifyModel(folder, manifest) };
}
