import {
  certaintyOf,
  closestPixel,
  describeCommand,
  type Grounding,
  isPlainQuery,
  languageName,
} from "../grounding/index.js";
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

/**
 * The table people read; what a query was understood as and why there is no grasp stand below, where they widen no
 * column.
 */
export function resultTable(results: readonly PipelineResult[]): string {
  const reasons = results.flatMap(({ grounding, grasps, graspFailure }) =>
    grasps.length === 0 && graspFailure !== undefined
      ? [`no grasp for "${shortened(grounding.query)}": ${graspFailure}`]
      : [],
  );
  const notes = [
    ...results.flatMap(({ grounding }) => understandingNotes(grounding)),
    ...results.flatMap(closestNotes),
  ];
  return [table(resultHeader, results.flatMap(resultRows)), ...new Set([...notes, ...reasons])].join("\n");
}

const longestQuery = 40;

const shortened = (query: string): string =>
  query.length > longestQuery ? `${query.slice(0, longestQuery - 1)}…` : query;

/** What a query was understood as, and what is asked back. */
function understandingNotes({ query, command, language, question }: Grounding): readonly string[] {
  const name = `"${shortened(query)}"`;
  if (language !== undefined && language.translated === undefined)
    return [`${name} is not understood: it is ${languageName(language.code)}, and only English is`];
  return [
    ...(language?.translated === undefined ? [] : [`${name} was translated: ${language.translated}`]),
    ...(command === undefined || isPlainQuery(command)
      ? []
      : [`${name} is understood as ${describeCommand(command)}`]),
    ...(question === undefined
      ? []
      : [
          question.labels.length === 0 ? question.text : `${name} may mean several objects. ${question.text}`,
        ]),
  ];
}

/** One row a query; one for the best object of each target where a query has several. */
function resultRows(result: PipelineResult): readonly (readonly Cell[])[] {
  const [first, ...others] = result.grounding.detections.filter(({ target }) => target !== undefined);
  const rows = others.map(({ box, score }) => [
    "",
    "",
    box.map((v) => Math.round(v)).join(" "),
    score.toFixed(2),
  ]);
  return [resultRow(result), ...(first === undefined ? [] : rows)];
}

function foundCell(grounding: Grounding): string {
  const certainty = certaintyOf(grounding);
  const count = grounding.detections.length > 1 ? `, ${grounding.detections.length}` : "";
  if (certainty === "not_found") return "not found";
  return `${certainty === "sure" ? "yes" : "not sure"}${count}`;
}

/** The place that resembles an object most that was not found but may be there. */
function closestNotes({ grounding, image }: PipelineResult): readonly string[] {
  const closest = closestPixel(grounding, image);
  if (closest === undefined || certaintyOf(grounding) !== "unsure") return [];
  const at = closest.point.map(Math.round).join(" ");
  const chance = Math.round(100 * grounding.presence);
  return [
    `not sure that "${shortened(grounding.query)}" is there (${chance} %); closest is the place at ${at}`,
  ];
}

function resultRow(result: PipelineResult): readonly Cell[] {
  const { grounding, grasps } = result;
  const best = grounding.detections[0];
  const grasp = grasps[0];
  const total = Object.values(result.timings).reduce((sum, ms) => sum + ms, 0);
  return [
    shortened(grounding.query),
    foundCell(grounding),
    best?.box.map((v) => Math.round(v)).join(" "),
    best?.score.toFixed(2),
    grasp === undefined
      ? result.graspFailure && "none"
      : grasp.pose.position.map((v) => v.toFixed(3)).join(" "),
    grasp === undefined ? undefined : `${(grasp.width * 1000).toFixed(0)} mm`,
    total.toFixed(0),
  ];
}
