import { z } from "zod";
import { GraspGroundingError } from "../../errors/index.js";
import type { ImageFormat, Resample } from "../../inference/index.js";

const side = z.int().positive().max(4096);
const triple = z.tuple([z.number(), z.number(), z.number()]);

/** The entries of a preprocessor_config.json that are read; those of other processors are ignored. */
const schema = z.looseObject({
  size: z.union([
    side,
    z.looseObject({
      height: side.optional(),
      width: side.optional(),
      shortest_edge: side.optional(),
      longest_edge: side.optional(),
    }),
  ]),
  max_size: side.optional(),
  image_mean: triple.optional(),
  image_std: triple.optional(),
  do_normalize: z.boolean().optional(),
  rescale_factor: z.number().positive().optional(),
  resample: z.int().optional(),
  pad_size: z.looseObject({ height: side, width: side }).nullish(),
});

/** Pillow's numbers of its filters. */
const filters: Readonly<Record<number, Resample>> = { 2: "bilinear", 3: "bicubic" };

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const clip = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const;

/**
 * How a model of this family wants its images, by its preprocessor_config.json, as the processors of transformers
 * read it.
 * @param path of the file, for the error
 * @throws GraspGroundingError MODEL_MANIFEST
 */
export function imageFormat(family: string, preprocessor: unknown, path: string): ImageFormat {
  const parsed = schema.safeParse(preprocessor);
  const refuse = (detail: string) => new GraspGroundingError("MODEL_MANIFEST", { path, detail });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw refuse(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
  }
  const config = parsed.data;
  const resample = filters[config.resample ?? 2];
  if (resample === undefined)
    throw refuse(`resample ${config.resample} is neither 2 (bilinear) nor 3 (bicubic)`);
  const usual = family === "owlv2" ? clip : imagenet;
  const plain = config.do_normalize === false;
  const values = {
    scale: config.rescale_factor ?? 1 / 255,
    mean: plain ? [0, 0, 0] : (config.image_mean ?? usual.mean),
    std: plain ? [1, 1, 1] : (config.image_std ?? usual.std),
    resample,
  };
  const size = typeof config.size === "number" ? { shortest_edge: config.size } : config.size;
  const { height = size.shortest_edge, width = height, longest_edge = config.max_size } = size;
  if (family === "sam") {
    if (longest_edge === undefined) throw refuse("size: a longest_edge is wanted");
    const square = { width: longest_edge, height: longest_edge };
    return { ...values, ...square, fit: "longest-edge", padTo: config.pad_size ?? square };
  }
  if (height === undefined || width === undefined) throw refuse("size: height and width are wanted");
  if (family === "owlv2") return { ...values, fit: "pad-square", width, height };
  if (size.shortest_edge !== undefined && longest_edge !== undefined)
    return {
      ...values,
      fit: "shortest-edge",
      width: longest_edge,
      height,
      padTo: config.pad_size ?? undefined,
    };
  return { ...values, fit: "stretch", width, height };
}
