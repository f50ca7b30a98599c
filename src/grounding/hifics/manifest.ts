import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { isAbsolute, join, normalize } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { GraspGroundingError } from "../../errors/index.js";
import type { ModelFiles } from "../../inference/index.js";
import { readManifestFile } from "./manifest-file.js";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const file = z.string().refine((path) => !isAbsolute(path) && !normalize(path).startsWith(".."), {
  message: "must stay inside the model's folder",
});
const triple = z.tuple([z.number(), z.number(), z.number()]);
const names = z.array(z.string().min(1)).min(1);

/** Format of models/NAME/manifest.json. Unknown keys are preserved for tools of other versions. */
export const manifestSchema = z.looseObject({
  format: z.literal(1),
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i),
  family: z.string(),
  description: z.string().optional(),
  licence: z.string(),
  source: z.string(),
  /**
   * Images are stretched to width × height; a channel's value is (pixel * scale - mean) / std, in the order R, G, B.
   */
  input: z.object({
    width: z.int().positive().max(4096),
    height: z.int().positive().max(4096),
    resize: z.literal("stretch"),
    scale: z.number().positive(),
    mean: triple,
    std: triple,
  }),
  encoder: z.looseObject({ file, sha256, input: z.string(), outputs: names }),
  text: z.looseObject({
    file,
    sha256,
    tokenizer: z.looseObject({
      kind: z.literal("huggingface"),
      file,
      sha256,
      config: z.record(z.string(), z.unknown()).optional(),
    }),
    max_tokens: z.int().min(4).max(512),
    /** Pad every query to max_tokens (CLIP's fixed context) instead of to the longest of the batch. */
    pad_to_max: z.boolean().optional(),
    outputs: names,
  }),
  decoder: z.looseObject({
    file,
    sha256,
    inputs: names,
    output: z.string(),
    presence: z.string().optional(),
    /**
     * Outputs of a decoder that draws whole instances: mask logits [queries, candidates, h, w], the share of the
     * place map in each mask and the logit of each mask's quality, both [queries, candidates].
     */
    candidates: z.object({ logits: z.string(), mass: z.string(), quality: z.string() }).optional(),
  }),
  mask: z.looseObject({
    /** `background`: the logits mark the background instead of the object, as in the published HiFi-CS. */
    polarity: z.enum(["object", "background"]),
    threshold: z.number().gt(0).lt(1),
    /** Smallest component that counts as an object, as a share of the image. */
    min_area: z.number().min(0).max(1).optional(),
    /** A component counts when its score reaches this share of the best one's. */
    relative_score: z.number().min(0).max(1).optional(),
  }),
  /** Weights of the calibrated score of an answer, fitted outside of the training data. */
  score: z.object({ bias: z.number(), mass: z.number(), presence: z.number() }).optional(),
  found: z.looseObject({ threshold: z.number().min(0).max(1) }),
  /** Session options of ONNX Runtime where its defaults do not fit; `config` takes entries by its names. */
  session: z
    .object({
      graph_optimization: z.enum(["disabled", "basic", "extended", "layout", "all"]).optional(),
      memory_pattern: z.boolean().optional(),
      cpu_arena: z.boolean().optional(),
      config: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  metrics: z.unknown().optional(),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** Reads and checks a manifest. @throws GraspGroundingError MODEL_MISSING, MODEL_MANIFEST */
export const readManifest = (folder: string): Promise<Manifest> =>
  readManifestFile(folder, "manifest.json", manifestSchema);

/** Every file of a manifest, with its expected hash. */
export function manifestFiles(
  manifest: Manifest,
): readonly { readonly file: string; readonly sha256: string }[] {
  const { encoder, text, decoder } = manifest;
  return [encoder, text, text.tokenizer, decoder].map(({ file, sha256 }) => ({ file, sha256 }));
}

/** Of the decoder's logits: 1 where high ones are the object's, -1 where they are the background's. */
export const signOf = ({ mask }: Manifest): 1 | -1 => (mask.polarity === "background" ? -1 : 1);

/** The files and options of a model in `folder`, for a back end. */
export function modelFiles(folder: string, manifest: Manifest): ModelFiles {
  const { name, encoder, text, decoder, session } = manifest;
  return {
    name,
    files: {
      encoder: join(folder, encoder.file),
      text: join(folder, text.file),
      decoder: join(folder, decoder.file),
    },
    hashes: { encoder: encoder.sha256, text: text.sha256, decoder: decoder.sha256 },
    input: { ...manifest.input, name: encoder.input },
    outputs: {
      encoder: encoder.outputs,
      text: text.outputs,
      decoder: [
        decoder.output,
        ...(decoder.presence === undefined ? [] : [decoder.presence]),
        ...Object.values(decoder.candidates ?? {}),
      ],
    },
    decoderInputs: decoder.inputs,
    probabilities: { [decoder.output]: signOf(manifest) },
    ...(session && { session }),
    ...(text.pad_to_max && { tokens: text.max_tokens }),
  };
}

/** Hashes every file, or only the tokenizer's, and compares. @throws GraspGroundingError MODEL_CORRUPT, FILE_MISSING */
export async function verifyFiles(
  folder: string,
  manifest: Manifest,
  which: "all" | "tokenizer" = "all",
): Promise<void> {
  const { tokenizer } = manifest.text;
  const files = manifestFiles(manifest).filter(({ file }) => which === "all" || file === tokenizer.file);
  await Promise.all(
    files.map(async ({ file, sha256: wanted }) => {
      const path = join(folder, file);
      const found = await hashFile(path);
      if (found !== wanted) throw new GraspGroundingError("MODEL_CORRUPT", { path, found, wanted });
    }),
  );
}

/** SHA-256 of a file as lower-case hex. @throws GraspGroundingError FILE_MISSING */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  } catch (cause) {
    throw new GraspGroundingError("FILE_MISSING", { path }, { cause });
  }
  return hash.digest("hex");
}
