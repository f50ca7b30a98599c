import { dirname, join } from "node:path";
import { Command } from "commander";
import { z } from "zod";
import { describe, GraspGroundingError } from "../errors/index.js";
import { type Box, type Mask, maskBox, maskFromRle } from "../geometry/index.js";
import { cleanQuery, type Grounding } from "../grounding/index.js";
import {
  byCategory,
  type EvalRow,
  type Summary,
  scoreRow,
  summarise,
  type Truth,
  thresholds,
} from "./eval-metrics.js";
import { Progress, table, writeWhole } from "./output.js";
import { readColour, readText } from "./pictures.js";
import { openGrounder, type PipelineOptions, pipelineFlags, positiveInteger } from "./pipeline.js";

interface EvalOptions extends PipelineOptions {
  readonly json?: boolean;
  readonly rows?: string;
  readonly limit?: number;
}

/** `eval`: accuracy on a data set of {image, query, box | boxes | mask | absent}. */
export function evalCommand(): Command {
  const command = new Command("eval")
    .description("measure accuracy on a data set: lines of {image, query, box or mask, absent?}")
    .argument(
      "<dataset>",
      "JSON lines; paths are relative to this file, any other short string is a category",
    )
    .option("--json", "print everything as JSON")
    .option("--rows <file>", "write one JSON line a query")
    .option("--limit <n>", "only the first lines", positiveInteger);
  for (const flag of pipelineFlags()) command.addOption(flag);
  return command.action(run);
}

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

interface Line {
  readonly image: string;
  readonly query: string;
  readonly truth: Truth;
}

async function run(path: string, options: EvalOptions): Promise<void> {
  const lines = (await readDataset(path)).slice(0, options.limit);
  const grounder = await openGrounder(options);
  const rows: EvalRow[] = [];
  const progress = new Progress("eval");
  const started = performance.now();
  try {
    // Lines of one picture are answered together: it is decoded and encoded once.
    for (const [image, group] of groupByImage(lines)) {
      const colour = await readColour(join(dirname(path), image));
      const groundings = await grounder.ground(
        { colour },
        group.map((line) => line.query),
      );
      group.forEach((line, i) => {
        rows.push(scoreRow(image, line.query, line.truth, toAnswer(groundings[i] as Grounding)));
      });
      progress.update(rows.length, lines.length);
    }
  } finally {
    progress.done();
    await grounder.close();
  }
  if (options.rows !== undefined)
    await writeWhole(options.rows, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(`${options.json ? toJson(rows, grounder.model) : toText(rows, seconds)}\n`);
}

/** @throws GraspGroundingError FILE_MISSING, DATASET_INVALID naming the line */
async function readDataset(path: string): Promise<readonly Line[]> {
  const text = await readText(path);
  const lines = text.split("\n").flatMap((raw, i) => (raw.trim() === "" ? [] : [readLine(path, i + 1, raw)]));
  if (lines.length === 0)
    throw new GraspGroundingError("DATASET_INVALID", { path, line: 1, detail: "holds no lines" });
  return lines;
}

function readLine(path: string, line: number, raw: string): Line {
  try {
    const parsed = lineSchema.safeParse(JSON.parse(raw));
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new RangeError(`${issue?.path.join(".") || "line"}: ${issue?.message ?? "invalid"}`);
    }
    const { image, query, box: one, boxes, mask, absent, ...rest } = parsed.data;
    cleanQuery(query);
    const decoded = mask && maskFromRle(mask);
    const categories = Object.fromEntries(
      Object.entries(rest).filter(
        (e): e is [string, string] => typeof e[1] === "string" && e[1].length <= 40,
      ),
    );
    const fromMask = decoded && maskBox(decoded);
    const truthBoxes: readonly Box[] = boxes ?? (one ? [one] : fromMask ? [fromMask] : []);
    const truth = {
      absent: absent === true,
      boxes: truthBoxes,
      categories,
      ...(decoded && !absent && { mask: decoded }),
    };
    return { image, query, truth };
  } catch (cause) {
    throw new GraspGroundingError("DATASET_INVALID", { path, line, detail: describe(cause) }, { cause });
  }
}

function groupByImage(lines: readonly Line[]): Map<string, Line[]> {
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    const group = groups.get(line.image);
    if (group === undefined) groups.set(line.image, [line]);
    else group.push(line);
  }
  return groups;
}

function toAnswer(grounding: Grounding) {
  const { found, detections } = grounding;
  const mask = unite(detections.map((d) => d.mask));
  return {
    found,
    boxes: detections.map((d) => d.box),
    score: detections[0]?.score ?? 0,
    ...(mask && { mask }),
  };
}

function unite(masks: readonly Mask[]): Mask | undefined {
  const [first, ...others] = masks;
  if (first === undefined) return undefined;
  const data = Uint8Array.from(first.data);
  for (const mask of others)
    for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) | (mask.data[i] as number);
  return { ...first, data };
}

function toJson(rows: readonly EvalRow[], model: string): string {
  return JSON.stringify(
    { model, ...summarise(rows, true), by_category: byCategory(rows), rows },
    undefined,
    2,
  );
}

function toText(rows: readonly EvalRow[], seconds: number): string {
  const header = [
    "",
    "n",
    "mean IoU",
    ...thresholds.map((t) => `P@${t}`),
    "mask IoU",
    "found",
    "false finds",
  ];
  const line = (name: string, s: Summary) => [
    name,
    s.n,
    s.mean_iou.toFixed(3),
    ...thresholds.map((t) => (s.precision_at[t.toFixed(1)] ?? 0).toFixed(3)),
    s.mean_mask_iou?.toFixed(3),
    s.found_rate.toFixed(3),
    s.false_find_rate?.toFixed(3),
  ];
  const groups = Object.entries(byCategory(rows)).flatMap(([category, values]) =>
    Object.entries(values).map(([value, summary]) => line(`${category}=${value}`, summary)),
  );
  return `${table(header, [line("all", summarise(rows)), ...groups])}\n${rows.length} queries in ${seconds.toFixed(1)} s`;
}
