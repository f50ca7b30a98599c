import { Command, Option } from "commander";
import { type DatasetOptions, layouts, readDataset } from "../evaluation/datasets/index.js";
import { evaluate } from "../evaluation/evaluate.js";
import type { EvalRow } from "../evaluation/metrics.js";
import { evalPage } from "../evaluation/page.js";
import { summaryJson, summaryText } from "../evaluation/summary-text.js";
import { WorstCases } from "../evaluation/worst.js";
import { openGrounder, type PipelineOptions } from "../pipeline/index.js";
import { imageFile, outputFile, Progress, positiveInteger, writeWhole } from "../system/index.js";
import { pipelineFlags } from "./pipeline-flags.js";

interface EvalOptions extends PipelineOptions, DatasetOptions {
  readonly json?: boolean;
  readonly rows?: string;
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
    .option("--images <folder>", "RefCOCO's images, when they are not in or above the data set's folder")
    .option("--json", "print everything as JSON")
    .option("--rows <file>", "write one JSON line a query")
    .option(
      "--worst <file>",
      "the worst cases in one image (.png, .jpg): answers in colour, truth in white",
      imageFile,
    )
    .option(
      "--report <file>",
      "one HTML page with tables, plots and the worst cases",
      outputFile(".html", ".htm"),
    )
    .option("--limit <n>", "only the first lines", positiveInteger)
    .optionsGroup("Model:");
  for (const flag of pipelineFlags("careful")) command.addOption(flag);
  return command.action(run);
}

async function run(path: string, options: EvalOptions): Promise<void> {
  const lines = await readDataset(path, options);
  const grounder = await openGrounder(options);
  const worst = options.worst === undefined && options.report === undefined ? undefined : new WorstCases();
  const progress = new Progress("eval");
  const started = performance.now();
  let rows: readonly EvalRow[];
  try {
    rows = await evaluate(lines, grounder, {
      worst,
      effort: options.effort,
      onProgress: (n, total) => progress.update(n, total),
    });
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
  process.stdout.write(`${options.json ? summaryJson(rows, grounder.model) : summaryText(rows, seconds)}\n`);
}
