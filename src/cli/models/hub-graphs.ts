import { join } from "node:path";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { HubFamily, HubManifest, HubRole } from "../../grounding/index.js";

interface Signature {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

const detector: Signature = {
  inputs: ["pixel_values", "input_ids", "attention_mask"],
  outputs: ["logits", "pred_boxes"],
};

/** Names that every published graph of a family has. */
const signatures: Readonly<Record<HubFamily, Readonly<Partial<Record<HubRole, Signature>>>>> = {
  clipseg: { model: { inputs: ["pixel_values", "input_ids", "attention_mask"], outputs: ["logits"] } },
  owlv2: { model: detector },
  "grounding-dino": { model: detector },
  sam: {
    vision: {
      inputs: ["pixel_values"],
      outputs: ["image_embeddings", "image_positional_embeddings"],
    },
    "prompt-decoder": {
      inputs: ["image_embeddings", "image_positional_embeddings"],
      outputs: ["iou_scores", "pred_masks"],
    },
  },
};

/**
 * Loads each graph of a hub model and looks for the inputs and outputs of its family.
 * @throws GraspGroundingError MODEL_MISMATCH
 */
export async function checkHubGraphs(folder: string, manifest: HubManifest): Promise<void> {
  const { InferenceSession } = await import("onnxruntime-node");
  for (const [role, wanted] of Object.entries(signatures[manifest.family])) {
    const file = manifest.files[role as HubRole]?.file ?? "";
    const fail = (detail: string, cause?: unknown) =>
      new GraspGroundingError("MODEL_MISMATCH", { name: manifest.name, detail }, { cause });
    const session = await InferenceSession.create(join(folder, file), {
      graphOptimizationLevel: "disabled",
    }).catch((cause) => {
      throw fail(`${file} cannot be loaded (${describe(cause)})`, cause);
    });
    const { inputNames, outputNames } = session;
    await session.release();
    const missing =
      wanted.inputs.find((name) => !inputNames.includes(name)) ??
      wanted.outputs.find((name) => !outputNames.includes(name));
    if (missing !== undefined)
      throw fail(`${file} has no ${missing}; it has ${[...inputNames, ...outputNames].join(", ")}`);
  }
}
