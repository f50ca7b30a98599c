import { rename, rm, stat, writeFile } from "node:fs/promises";
import type { BridgeResult } from "../bridge/index.js";
import { describe, GraspGroundingError } from "../errors/index.js";

/** Whether a path is there and is a pipe or a device. */
export const isSpecial = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => !found.isFile() && !found.isDirectory(),
    () => false,
  );

/**
 * Writes a file whole or not at all: under a temporary name beside it, then renamed. A pipe or a device is written to as it is.
 * @throws OUTPUT_UNWRITABLE
 */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  try {
    if (await isSpecial(path)) return await writeFile(path, content);
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path, detail: describe(cause) }, { cause });
  }
}

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
export function resultTable(results: readonly BridgeResult[]): string {
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

function resultRow(result: BridgeResult): readonly Cell[] {
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

/** Progress on one line of stderr: a bar drawn over itself on a terminal, every tenth of the way otherwise. */
export class Progress {
  readonly #label: string;
  readonly #started = performance.now();
  #lastDrawn = Number.NEGATIVE_INFINITY;
  #lastTenth = -1;

  constructor(label: string) {
    this.#label = label;
  }

  update(done: number, total: number | undefined): void {
    const seconds = (performance.now() - this.#started) / 1000;
    const rate = done / Math.max(seconds, 1e-3);
    if (process.stderr.isTTY) {
      if (performance.now() - this.#lastDrawn < 100 && done !== total) return;
      this.#lastDrawn = performance.now();
      process.stderr.write(`\r\x1b[K${progressText(this.#label, done, total, rate)}`);
    } else if (total !== undefined && Math.floor((done / total) * 10) > this.#lastTenth) {
      this.#lastTenth = Math.floor((done / total) * 10);
      process.stderr.write(`${progressText(this.#label, done, total, rate)}\n`);
    }
  }

  done(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
}

const barWidth = 24;

/** `demo.mcap ████████░░░░  42 % 126/300, 12.3/s, 0:14 left`; without a total what is done and how fast. */
export function progressText(label: string, done: number, total: number | undefined, rate: number): string {
  if (total === undefined) return `${label} ${done}, ${rate.toFixed(1)}/s`;
  const share = Math.min(1, done / Math.max(1, total));
  const full = Math.round(share * barWidth);
  const bar = "█".repeat(full) + "░".repeat(barWidth - full);
  const left = rate > 0 ? `, ${clock(Math.max(0, total - done) / rate)} left` : "";
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  return `${label} ${bar} ${percent} ${done}/${total}, ${rate.toFixed(1)}/s${left}`;
}

function clock(seconds: number): string {
  const all = Math.ceil(seconds);
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
