import { access } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { GraspGroundingError } from "../../errors/index.js";
import {
  type Box,
  boxArea,
  boxIou,
  type ColourImage,
  clipBox,
  type RgbdFrame,
} from "../../geometry/index.js";
import { type InProcessOptions, SingleModel, type Tensor } from "../../inference/index.js";
import { cleanQuery, hashFile, readManifestFile, resizeBilinear, TextTokenizer, toTensor } from "../index.js";
import type { Proposal, ProposalSource } from "./types.js";

const triple = z.tuple([z.number(), z.number(), z.number()]);
const file = z.string().regex(/^[^/\\]+$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Format of a detector's detector.json, as models/export/detector.py writes it. */
const detectorSchema = z.object({
  format: z.literal(1),
  family: z.enum(["owlv2", "grounding-dino"]),
  file,
  sha256,
  inputs: z.array(z.enum(["pixel_values", "input_ids", "attention_mask", "token_type_ids"])),
  input: z.object({
    width: z.int().positive().max(4096),
    height: z.int().positive().max(4096),
    /** `pad-square`: grey is added to the right or below before the image is resized. */
    resize: z.enum(["stretch", "pad-square"]),
    scale: z.number().positive(),
    mean: triple,
    std: triple,
  }),
  text: z.object({
    tokenizer: file,
    sha256,
    max_tokens: z.int().positive(),
    pad_to_max: z.boolean(),
    pad_id: z.int(),
    /** Appended to the query: Grounding DINO separates phrases by full stops. */
    suffix: z.string(),
  }),
});

type DetectorManifest = z.infer<typeof detectorSchema>;

export interface DetectorOptions extends InProcessOptions {
  /** Least score of a proposal. Default 0.1: the heat map decides among the proposals. */
  readonly minScore?: number;
  /** Overlap (IoU) above which the weaker of two proposals is dropped. Default 0.7. */
  readonly maxOverlap?: number;
  /** Limit of proposals. Default 100. */
  readonly limit?: number;
}

/** Whether a folder holds a detector as models/export/detector.py writes it. */
export const isExportedDetector = (folder: string): Promise<boolean> =>
  access(join(folder, "detector.json")).then(
    () => true,
    () => false,
  );

/** An open-set detector (OWLv2 or Grounding DINO of transformers, exported to ONNX). */
export class OnnxDetector implements ProposalSource {
  readonly name: string;
  readonly #manifest: DetectorManifest;
  readonly #model: SingleModel;
  readonly #tokenizer: TextTokenizer;
  readonly #options: DetectorOptions;

  private constructor(
    manifest: DetectorManifest,
    model: SingleModel,
    tokenizer: TextTokenizer,
    options: DetectorOptions,
  ) {
    this.name = manifest.family;
    this.#manifest = manifest;
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#options = options;
  }

  /** @throws GraspGroundingError MODEL_MISSING, MODEL_MANIFEST, MODEL_CORRUPT, MODEL_MISMATCH */
  static async open(folder: string, options: DetectorOptions = {}): Promise<OnnxDetector> {
    const manifest = await readManifestFile(folder, "detector.json", detectorSchema);
    const { text } = manifest;
    for (const [name, wanted] of [
      [manifest.file, manifest.sha256],
      [text.tokenizer, text.sha256],
    ] as const) {
      const path = join(folder, name);
      const found = await hashFile(path);
      if (found !== wanted) throw new GraspGroundingError("MODEL_CORRUPT", { path, found, wanted });
    }
    const tokenizer = await TextTokenizer.load(folder, {
      tokenizer: { file: text.tokenizer, pad_id: text.pad_id },
      max_tokens: text.max_tokens,
      pad_to_max: text.pad_to_max,
    });
    const model = await SingleModel.create(manifest.family, join(folder, manifest.file), options);
    return new OnnxDetector(manifest, model, tokenizer, options);
  }

  async propose({ colour }: Pick<RgbdFrame, "colour">, query: string): Promise<readonly Proposal[]> {
    const { minScore = 0.1, maxOverlap = 0.7, limit = 100 } = this.#options;
    const all = await this.detect(colour, query);
    const sorted = all
      .filter((p) => p.score >= minScore && boxArea(p.box) > 0)
      .sort((a, b) => b.score - a.score);
    const selected: Proposal[] = [];
    for (const proposal of sorted) {
      if (selected.length >= limit) break;
      if (selected.every(({ box }) => boxIou(box, proposal.box) <= maxOverlap)) selected.push(proposal);
    }
    return selected;
  }

  /** Every box of the model, in its order, clipped to the image. */
  async detect(colour: ColourImage, query: string): Promise<readonly Proposal[]> {
    const { input, text, inputs } = this.#manifest;
    const square = input.resize === "pad-square";
    const source = square ? padToSquare(colour) : colour;
    const resized = resizeBilinear(source.data, source.width, source.height, input.width, input.height);
    const { input_ids, attention_mask } = this.#tokenizer.batch([`${cleanQuery(query)}${text.suffix}`]);
    const ids = input_ids as Tensor;
    const all: Record<(typeof inputs)[number], Tensor> = {
      pixel_values: toTensor(resized, input),
      input_ids: ids,
      attention_mask: attention_mask as Tensor,
      token_type_ids: { type: "int64", dims: ids.dims, data: new BigInt64Array(ids.data.length) },
    };
    const { scores, boxes } = await this.#model.run(
      Object.fromEntries(inputs.map((name) => [name, all[name]])),
    );
    if (scores === undefined || boxes === undefined || boxes.data.length !== 4 * scores.data.length) {
      throw new GraspGroundingError("MODEL_MISMATCH", {
        name: this.name,
        detail: "wanted outputs scores [Q] and boxes [Q, 4]",
      });
    }
    return Array.from(scores.data as Float32Array, (score, i) => {
      const [cx = 0, cy = 0, w = 0, h = 0] = boxes.data.slice(4 * i, 4 * i + 4) as Float32Array;
      const box: Box = [
        (cx - w / 2) * source.width,
        (cy - h / 2) * source.height,
        (cx + w / 2) * source.width,
        (cy + h / 2) * source.height,
      ];
      return { score, box: clipBox(box, colour.width, colour.height) };
    });
  }

  close(): Promise<void> {
    return this.#model.close();
  }
}

/** Pads with grey to the right or below, as OWLv2's preprocessing. */
function padToSquare({ width, height, data }: ColourImage): ColourImage {
  const side = Math.max(width, height);
  if (width === height) return { width, height, data };
  const padded = new Uint8Array(side * side * 3).fill(128);
  for (let y = 0; y < height; y++)
    padded.set(data.subarray(y * width * 3, (y + 1) * width * 3), y * side * 3);
  return { width: side, height: side, data: padded };
}
