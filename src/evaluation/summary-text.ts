import { table } from "../report/text-table.js";
import { byCategory, type EvalRow, type Summary, summarise, thresholds } from "./metrics.js";

/** The whole evaluation as `eval --json` prints it. */
export function summaryJson(rows: readonly EvalRow[], model: string): string {
  return JSON.stringify(
    { model, ...summarise(rows, true), by_category: byCategory(rows, true), rows },
    undefined,
    2,
  );
}

/** The tables of `eval` for people: boxes and, where the data set has them, masks. */
export function summaryText(rows: readonly EvalRow[], seconds: number): string {
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
