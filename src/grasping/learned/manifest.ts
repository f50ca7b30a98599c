import { z } from "zod";
import { readManifestFile } from "../../grounding/index.js";

const file = z.string().regex(/^[^/\\]+$/);
const mean = z.union([z.literal("picture"), z.number()]);

/** Format of a grasp network's grasp.json, as models/export/grasp.py writes it. */
const graspModelSchema = z.object({
  format: z.literal(1),
  family: z.literal("gr-convnet"),
  file,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  input: z.object({
    name: z.string(),
    /** Side of the network's square input, in pixels. */
    size: z.int().min(32).max(1024),
    /** In the network's order. */
    channels: z.array(z.enum(["depth", "red", "green", "blue"])).min(1),
    /** (value / 255 - mean); `picture`: the mean over all pixels and colours of the crop. */
    colour: z.object({ mean }),
    /** Metres less the mean, cut to ± limit. */
    depth: z.object({ mean, limit: z.number().positive() }),
  }),
  /** Names of the maps, each [1, 1, size, size]: quality 0..1, cos 2θ, sin 2θ, and the opening's width. */
  outputs: z.object({ quality: z.string(), cos: z.string(), sin: z.string(), width: z.string() }),
  /** Pixels of the network's image for a width of 1. */
  width_pixels: z.number().positive(),
  licence: z.string().optional(),
  source: z.string().optional(),
});

export type GraspModelManifest = z.infer<typeof graspModelSchema>;

/** @throws GraspGroundingError MODEL_MISSING, MODEL_MANIFEST */
export const readGraspManifest = (folder: string): Promise<GraspModelManifest> =>
  readManifestFile(folder, "grasp.json", graspModelSchema);
