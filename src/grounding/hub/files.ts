import { GraspGroundingError } from "../../errors/index.js";
import {
  elementCount,
  type ImageInput,
  type ModelFiles,
  type ModelPart,
  type Tensor,
  type Tensors,
} from "../../inference/index.js";
import { imageFormat } from "./image-format.js";
import type { HubFamily, HubModel, HubRole } from "./manifest.js";

interface Graph {
  readonly role: HubRole;
  readonly outputs: readonly string[];
}

interface Family {
  readonly graphs: Readonly<Partial<Record<ModelPart, Graph>>>;
  readonly decoderInputs: readonly string[];
  readonly pixelMask?: string;
}

const tokens = ["input_ids", "attention_mask"];

/** The graphs of each family by the names of the published ONNX files. */
const families: Readonly<Record<HubFamily, Family>> = {
  clipseg: {
    graphs: { decoder: { role: "model", outputs: ["logits"] } },
    decoderInputs: [...tokens, "pixel_values"],
  },
  owlv2: {
    graphs: { decoder: { role: "model", outputs: ["logits", "pred_boxes"] } },
    decoderInputs: [...tokens, "pixel_values"],
  },
  "grounding-dino": {
    graphs: { decoder: { role: "model", outputs: ["logits", "pred_boxes"] } },
    decoderInputs: [...tokens, "token_type_ids", "pixel_values", "pixel_mask"],
    pixelMask: "pixel_mask",
  },
  sam: {
    graphs: {
      encoder: { role: "vision", outputs: ["image_embeddings", "image_positional_embeddings"] },
      decoder: { role: "prompt-decoder", outputs: ["iou_scores", "pred_masks"] },
    },
    decoderInputs: [
      ...["input_points", "input_labels", "input_boxes"],
      ...["image_embeddings", "image_positional_embeddings"],
    ],
  },
};

/**
 * The files of a model in the hub's layout, for a back end.
 * @throws GraspGroundingError MODEL_MANIFEST for a preprocessor_config.json that does not fit
 */
export function hubModelFiles(model: HubModel): ModelFiles {
  const { manifest, preprocessor } = model;
  const family = families[manifest.family];
  const path = model.file("preprocessor") ?? model.folder;
  const input: ImageInput = {
    ...imageFormat(manifest.family, preprocessor, path),
    name: "pixel_values",
    ...(family.pixelMask !== undefined && { pixelMask: family.pixelMask }),
  };
  const graphs = Object.entries(family.graphs);
  return {
    name: manifest.name,
    files: Object.fromEntries(graphs.map(([part, { role }]) => [part, fileOf(model, role)])),
    hashes: Object.fromEntries(graphs.map(([part, { role }]) => [part, manifest.files[role]?.sha256 ?? ""])),
    outputs: Object.fromEntries(graphs.map(([part, { outputs }]) => [part, outputs])),
    input,
    decoderInputs: family.decoderInputs,
    warmUpFeeds: warmUpFeeds(manifest.family, input),
  };
}

function fileOf(model: HubModel, role: HubRole): string {
  const path = model.file(role);
  if (path !== undefined) return path;
  const detail = `files.${role}: is missing`;
  throw new GraspGroundingError("MODEL_MANIFEST", { path: model.folder, detail });
}

/** Zeros for an image, a short text and a point. */
function warmUpFeeds(family: HubFamily, { name, pixelMask, width, height, padTo }: ImageInput): Tensors {
  const size = padTo ?? { width, height };
  const pixels: Tensor = zeros([1, 3, size.height, size.width]);
  if (family === "sam")
    return {
      [name]: pixels,
      input_points: zeros([1, 1, 1, 2]),
      input_labels: ones([1, 1, 1]),
      input_boxes: zeros([1, 1, 4]),
    };
  const length = family === "owlv2" ? 16 : 4;
  return {
    [name]: pixels,
    ...(pixelMask !== undefined && { [pixelMask]: ones([1, size.height, size.width]) }),
    input_ids: ones([1, length]),
    attention_mask: ones([1, length]),
    token_type_ids: { type: "int64", dims: [1, length], data: new BigInt64Array(length) },
  };
}

const zeros = (dims: readonly number[]): Tensor => ({
  type: "float32",
  dims,
  data: new Float32Array(elementCount(dims)),
});

const ones = (dims: readonly number[]): Tensor => ({
  type: "int64",
  dims,
  data: new BigInt64Array(elementCount(dims)).fill(1n),
});
