import { Command, Option } from "commander";
import { GraspGroundingError } from "../errors/index.js";
import { type DatasetOptions, layouts, readDataset } from "../evaluation/datasets/index.js";
import type { EvalLine } from "../evaluation/datasets/types.js";
import {
  byCategory,
  type EvalRow,
  type Summary,
  scoreRow,
  summarise,
  thresholds,
} from "../evaluation/metrics.js";
import { evalPage } from "../evaluation/page.js";
import { WorstCases } from "../evaluation/worst.js";
import type { Mask } from "../geometry/index.js";
import type { Grounding } from "../grounding/index.js";
import { openGrounder, type PipelineOptions, readColour } from "../pipeline/index.js";
import { table } from "../report/text-table.js";
import { Progress, positiveInteger, writeWhole } from "../system/index.js";
import { pipelineFlags } from "./pipeline-flags.js";

interface EvalOptions extends PipelineOptions, DatasetOptions {
  readonly json?: boolean;
  readonly rows?: string;
  readonly limit?: number;
  readonly worst?: string;
  readonly report?: string;
}

/** `eval`: accuracy on a data set of queries about images. */
export function evalCommand(): Command {
  const command = new Command("eval")
    .description("measure accuracy on a data set: boxes and masks, by category, with intervals")
    .argument(
      "<dataset>",
      "JSON lines of {image, query, box or mask, absent?}, any other short string a category; or RoboRefIt, OCID-VLG or RefCOCO: their folder or list",
    )
    .addOption(new Option("--layout <name>", "how the data set is laid out").choices(layouts).default("auto"))
    .option("--split <name>", "split of the data set, such as testA")
    .option("--images <folder>", "RefCOCO's images, when they are not beside or above the data set")
    .option("--json", "print everything as JSON")
    .option("--rows <file>", "write one JSON line a query")
    .option("--worst <file>", "the worst cases in one image (.png, .jpg): answers in colour, truth in white")
    .option("--report <file>", "one HTML page with tables, plots and the worst cases")
    .option("--limit <n>", "only the first lines", positiveInteger)
    .optionsGroup("Model:");
  for (const flag of pipelineFlags("careful")) command.addOption(flag);
  return command.action(run);
}

async function run(path: string, options: EvalOptions): Promise<void> {
  const lines = (await readDataset(path, options)).slice(0, options.limit);
  const grounder = await openGrounder(options);
  const rows: EvalRow[] = [];
  const worst = options.worst === undefined && options.report === undefined ? undefined : new WorstCases();
  const progress = new Progress("eval");
  const started = performance.now();
  try {
    // Lines of one image are answered together: it is decoded and encoded once.
    for (const [image, group] of groupByImage(lines)) {
      const colour = await readColour(image);
      const groundings = await grounder.ground(
        { colour },
        group.map((line) => line.query),
        { effort: options.effort },
      );
      for (const [i, line] of group.entries()) {
        const grounding = groundings[i] as Grounding;
        const mask = await maskOf(line, colour);
        const truth = { ...line.truth, ...(mask !== undefined && { mask }) };
        const row = scoreRow(line.image, line.query, truth, toAnswer(grounding));
        rows.push(row);
        await worst?.offer(row, colour, line.truth.boxes, grounding);
      }
      progress.update(rows.length, lines.length);
    }
  } finally {
    progress.done();
    await grounder.close();
  }
  const seconds = (performance.now() - started) / 1000;
  if (options.rows !== undefined)
    await writeWhole(options.rows, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  if (worst !== undefined && options.worst !== undefined)
    await writeWhole(options.worst, await worst.sheet(options.worst));
  if (worst !== undefined && options.report !== undefined)
    await writeWhole(
      options.report,
      evalPage({ title: path, model: grounder.model, rows, worst: worst.all() }),
    );
  process.stdout.write(`${options.json ? toJson(rows, grounder.model) : toText(rows, seconds)}\n`);
}

/** @throws GraspGroundingError DATASET_INVALID when the mask is not of the image's size */
async function maskOf(line: EvalLine, image: { width: number; height: number }): Promise<Mask | undefined> {
  const mask = await line.mask?.();
  if (mask === undefined || (mask.width === image.width && mask.height === image.height)) return mask;
  const detail = `the mask is ${mask.width}×${mask.height} and the image ${image.width}×${image.height}`;
  throw new GraspGroundingError("DATASET_INVALID", { path: line.path, line: 1, detail });
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
    { model, ...summarise(rows, true), by_category: byCategory(rows, true), rows },
    undefined,
    2,
  );
}

function toText(rows: readonly EvalRow[], seconds: number): string {
  const all = summarise(rows, true);
  const masks = all.mean_mask_iou !== undefined;
  const header = ["", "n", "mean IoU", ...thresholds.map((t) => `P@${t}`), "found", "false finds"];
  const line = (name: string, s: Summary) => [
    name,
    s.n,
    s.mean_iou.toFixed(3),
    ...thresholds.map((t) => (s.precision_at[t.toFixed(1)] ?? 0).toFixed(3)),
    s.found_rate.toFixed(3),
    s.false_find_rate?.toFixed(3),
  ];
  const maskLine = (name: string, s: Summary) => [
    name,
    s.n,
    s.mean_mask_iou?.toFixed(3),
    ...thresholds.map((t) => s.mask_precision_at?.[t.toFixed(1)]?.toFixed(3)),
    undefined,
    undefined,
  ];
  const interval = (key: string) =>
    all.intervals?.[key]?.map((value) => value.toFixed(2).replace(/^0/, "")).join("–");
  const within = (prefix: string, mean: string) => [
    "  95 % interval",
    undefined,
    interval(mean),
    ...thresholds.map((t) => interval(`${prefix}_${t.toFixed(1)}`)),
    ...(prefix === "precision_at"
      ? [interval("found_rate"), interval("false_find_rate")]
      : [undefined, undefined]),
  ];
  const groups = Object.entries(byCategory(rows)).flatMap(([category, values]) =>
    Object.entries(values).map(([value, summary]) => [`${category}=${value}`, summary] as const),
  );
  const tables = [
    `boxes\n${table(header, [line("all", all), within("precision_at", "mean_iou"), ...groups.map((g) => line(...g))])}`,
    ...(masks
      ? [
          `masks\n${table(
            header.slice(0, -2),
            [
              maskLine("all", all),
              within("mask_precision_at", "mean_mask_iou"),
              ...groups.filter(([, s]) => s.mean_mask_iou !== undefined).map((g) => maskLine(...g)),
            ].map((row) => row.slice(0, -2)),
          )}`,
        ]
      : []),
  ];
  return `${tables.join("\n\n")}\n${rows.length} queries in ${seconds.toFixed(1)} s`;
}
