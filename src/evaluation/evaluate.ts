import { GraspGroundingError } from "../errors/index.js";
import { type Mask, maskUnion } from "../geometry/index.js";
import type { Effort, Grounder, Grounding } from "../grounding/index.js";
import { readColour } from "../pipeline/index.js";
import type { EvalLine } from "./datasets/types.js";
import { type Answer, type EvalRow, scoreRow } from "./metrics.js";
import type { WorstCases } from "./worst.js";

export interface EvaluationOptions {
  /** Gets every case, and draws the worst. */
  readonly worst?: WorstCases | undefined;
  /** How much work an answer is worth. Default `fast`. */
  readonly effort?: Effort | undefined;
  /** After each image: how many queries are answered, and of how many. */
  readonly onProgress?: (answered: number, total: number) => void;
}

/**
 * Answers every query of a data set and scores it. Queries of one image are answered together: the image is decoded and
 * encoded once.
 * @returns one row a query, grouped by image in the order of the images' first lines
 * @throws GraspGroundingError of images and of the grounder; DATASET_INVALID for a mask of another size than its image
 */
export async function evaluate(
  lines: readonly EvalLine[],
  grounder: Grounder,
  { worst, effort, onProgress }: EvaluationOptions = {},
): Promise<readonly EvalRow[]> {
  const rows: EvalRow[] = [];
  for (const [image, group] of groupByImage(lines)) {
    const colour = await readColour(image);
    const groundings = await grounder.ground(
      { colour },
      group.map((line) => line.query),
      { effort },
    );
    for (const [i, line] of group.entries()) {
      const grounding = groundings[i] as Grounding;
      const mask = await maskOf(line, colour);
      const truth = { ...line.truth, ...(mask !== undefined && { mask }) };
      const row = scoreRow(line.image, line.query, truth, toAnswer(grounding));
      rows.push(row);
      await worst?.offer(row, colour, line.truth.boxes, grounding);
    }
    onProgress?.(rows.length, lines.length);
  }
  return rows;
}

/** @throws GraspGroundingError DATASET_INVALID when the mask is not of the image's size */
async function maskOf(line: EvalLine, image: { width: number; height: number }): Promise<Mask | undefined> {
  const mask = await line.mask?.();
  if (mask === undefined || (mask.width === image.width && mask.height === image.height)) return mask;
  const detail = `the mask is ${mask.width}×${mask.height} and the image ${image.width}×${image.height}`;
  throw new GraspGroundingError("DATASET_INVALID", { path: line.file, line: line.line, detail });
}

function groupByImage(lines: readonly EvalLine[]): Map<string, EvalLine[]> {
  const groups = new Map<string, EvalLine[]>();
  for (const line of lines) {
    const group = groups.get(line.path);
    if (group === undefined) groups.set(line.path, [line]);
    else group.push(line);
  }
  return groups;
}

function toAnswer({ found, detections }: Grounding): Answer {
  const masks = detections.map((detection) => detection.mask);
  const mask = masks[0] && maskUnion(masks[0].width, masks[0].height, masks);
  return {
    found,
    boxes: detections.map((detection) => detection.box),
    score: detections[0]?.score ?? 0,
    ...(mask && { mask }),
  };
}
