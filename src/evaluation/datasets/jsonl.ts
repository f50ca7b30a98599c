import { dirname, join } from "node:path";
import { z } from "zod";
import { describe } from "../../errors/index.js";
import { type Box, maskBox, maskFromRle } from "../../geometry/index.js";
import { cleanQuery } from "../../grounding/index.js";
import { readText } from "../../system/index.js";
import { invalid } from "./files.js";
import type { EvalLine } from "./types.js";

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const rle = z.object({
  size: z.tuple([z.int().positive(), z.int().positive()]),
  counts: z.union([z.string(), z.array(z.int().min(0))]),
});
const lineSchema = z
  .looseObject({
    image: z.string().min(1),
    query: z.string().min(1),
    box: box.optional(),
    boxes: z.array(box).min(1).optional(),
    mask: rle.optional(),
    absent: z.boolean().optional(),
  })
  .refine((line) => line.absent === true || line.box || line.boxes || line.mask, {
    message: "needs box, boxes, mask or absent",
  });

/**
 * Our own layout: a JSON line a query, paths relative to the file, any other short string a category.
 * @throws GraspGroundingError FILE_MISSING, DATASET_INVALID naming the line
 */
export async function readJsonLines(path: string): Promise<readonly EvalLine[]> {
  const text = await readText(path);
  return text.split("\n").flatMap((raw, i) => (raw.trim() === "" ? [] : [readLine(path, i + 1, raw)]));
}

function readLine(path: string, line: number, raw: string): EvalLine {
  try {
    const parsed = lineSchema.safeParse(JSON.parse(raw));
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new RangeError(`${issue?.path.join(".") || "line"}: ${issue?.message ?? "invalid"}`);
    }
    const { image, query, box: one, boxes, mask, absent, ...rest } = parsed.data;
    cleanQuery(query);
    // Decoded now as a check, and again when it is scored.
    const decoded = mask && maskFromRle(mask);
    const fromMask = decoded && maskBox(decoded);
    const truthBoxes: readonly Box[] = boxes ?? (one ? [one] : fromMask ? [fromMask] : []);
    const truth = { absent: absent === true, boxes: truthBoxes, categories: shortStrings(rest) };
    const load = mask && !absent ? { mask: async () => maskFromRle(mask) } : {};
    const place = { file: path, line, boxesAs: "corners" } as const;
    return { image, path: join(dirname(path), image), query, ...place, truth, ...load };
  } catch (cause) {
    throw invalid(path, line, describe(cause), cause);
  }
}

/** Fields that may be categories: short strings. */
export const shortStrings = (fields: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).filter(
      (e): e is [string, string] => typeof e[1] === "string" && e[1].length <= 40,
    ),
  );
