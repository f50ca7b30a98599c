import type { HubFamily } from "../../src/grounding/index.js";
import { removeFolder, scratchFolder } from "../children.js";
import { familyParity, familyReference, paritySubject } from "./parity.js";
import { trueRepository } from "./random-repository.js";

/**
 * Each family of the hub's layout with random weights of the true size on onnxruntime-node, against transformers'
 * PyTorch in fp32 on the same weights: processors, tokens, graphs and boxes.
 * @param repositories folder where the models stay for another run; default: they are removed
 */
export async function benchFamilies(families: readonly HubFamily[], repositories?: string): Promise<object> {
  const results: Record<string, object> = {};
  for (const family of families) {
    const folder = await scratchFolder("families");
    try {
      const repository = await trueRepository(family, repositories ?? folder, "weights");
      const image = paritySubject(640, 480);
      const reference = await familyReference(family, repository, image);
      results[family] = {
        fp32: await familyParity(family, repository, reference, image, "fp32"),
        int8: await familyParity(family, repository, reference, image, "int8"),
      };
    } finally {
      removeFolder(folder);
    }
  }
  return {
    what: "models of the hub's layout, random weights of true size, against PyTorch",
    ...results,
    goal: "fp32: logits within 1e-3, boxes within 0.5 px, masks >= 0.999; int8: masks >= 0.99",
  };
}
