import { join } from "node:path";
import { GraspGroundingError } from "../src/errors/index.js";
import { importCheckpoint, type ModelPrecision, runLines } from "../src/model-store/index.js";
import { interrupted } from "./children.js";
import { checkout, referencePython } from "./python.js";

/** Eight queries as people ask them. */
export const sampleQueries = [
  "the red mug on the left",
  "green bottle behind the box",
  "banana",
  "the second largest screwdriver",
  "a bowl next to the plate",
  "the blue box nearest to me",
  "scissors with orange handles",
  "the can that stands on the right",
] as const;

/**
 * HiFi-CS over CLIP ViT-B/16 at full size with random weights, in `folder`: a checkpoint for PyTorch and the models
 * imported from it. Gives the checkpoint's path and the folder of each precision's model.
 * @throws GraspGroundingError USAGE, IMPORT_FAILED
 */
export async function makeRandomModel<P extends ModelPrecision>(
  folder: string,
  precisions: readonly P[],
): Promise<{ readonly checkpoint: string; readonly models: Readonly<Record<P, string>> }> {
  const checkpoint = join(folder, "random.pth");
  const args = [
    "-m",
    "export.random_weights",
    "--out",
    checkpoint,
    "--clip",
    "vit-b16",
    "--variant",
    "per-level",
  ];
  const run = await runLines(referencePython(), args, { cwd: join(checkout, "models"), signal: interrupted });
  if (run.code !== 0)
    throw new GraspGroundingError("USAGE", {
      detail: `random weights could not be made (${run.last}); run \`npm test\` once in a checkout`,
    });
  await importCheckpoint({
    ...{ checkpoint, name: "random", store: folder, packages: join(checkout, "models"), precisions },
    ...{ interpreter: referencePython(), signal: interrupted },
  });
  const models = precisions.map((precision) => [precision, join(folder, "random", precision)]);
  return { checkpoint, models: Object.fromEntries(models) as Record<P, string> };
}
