import type { PipelineResult } from "../pipeline/index.js";

export type Cell = string | number | undefined;

/** Text table with aligned columns; numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const text = rows.map((row) => row.map((cell) => (cell === undefined ? "" : String(cell))));
  const widths = header.map((title, c) =>
    Math.max(title.length, ...text.map((row) => (row[c] ?? "").length)),
  );
  const line = (cells: readonly string[], numeric: readonly boolean[]) =>
    cells
      .map((cell, c) => (numeric[c] ? cell.padStart(widths[c] ?? 0) : cell.padEnd(widths[c] ?? 0)))
      .join("  ")
      .trimEnd();
  const numeric = header.map(
    (_, c) => rows.length > 0 && rows.every((row) => typeof row[c] === "number" || row[c] === undefined),
  );
  const rule = widths.map((w) => "─".repeat(w)).join("──");
  return [line(header, numeric), rule, ...text.map((row) => line(row, numeric))].join("\n");
}

const resultHeader = [
  "query",
  "found",
  "box (x1 y1 x2 y2)",
  "score",
  "grasp at (m)",
  "opening",
  "ms",
] as const;

/** The table people read; why an object has no grasp stands below it, where it widens no column. */
export function resultTable(results: readonly PipelineResult[]): string {
  const reasons = results.flatMap(({ grounding, grasps, graspFailure }) =>
    grasps.length === 0 && graspFailure !== undefined
      ? [`no grasp for "${shortened(grounding.query)}": ${graspFailure}`]
      : [],
  );
  return [table(resultHeader, results.map(resultRow)), ...new Set(reasons)].join("\n");
}

const longestQuery = 40;

const shortened = (query: string): string =>
  query.length > longestQuery ? `${query.slice(0, longestQuery - 1)}…` : query;

function resultRow(result: PipelineResult): readonly Cell[] {
  const { grounding, grasps } = result;
  const best = grounding.detections[0];
  const grasp = grasps[0];
  const total = Object.values(result.timings).reduce((sum, ms) => sum + ms, 0);
  return [
    shortened(grounding.query),
    grounding.found
      ? grounding.detections.length > 1
        ? `yes, ${grounding.detections.length}`
        : "yes"
      : "not found",
    best?.box.map((v) => Math.round(v)).join(" "),
    best?.score.toFixed(2),
    grasp === undefined
      ? result.graspFailure && "none"
      : grasp.pose.position.map((v) => v.toFixed(3)).join(" "),
    grasp === undefined ? undefined : `${(grasp.width * 1000).toFixed(0)} mm`,
    total.toFixed(0),
  ];
}
