import { rename, rm, writeFile } from "node:fs/promises";
import type { BridgeResult } from "../bridge/index.js";
import { describe, GraspGroundingError } from "../errors/index.js";

/** Writes a file whole or not at all: under a temporary name beside it, then renamed. @throws OUTPUT_UNWRITABLE */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  try {
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

export const resultHeader = [
  "query",
  "found",
  "box (x1 y1 x2 y2)",
  "score",
  "grasp at (m)",
  "opening",
  "ms",
] as const;

/** One row of the table people read. */
export function resultRow(result: BridgeResult): readonly Cell[] {
  const { grounding, grasps } = result;
  const best = grounding.detections[0];
  const grasp = grasps[0];
  const total = Object.values(result.timings).reduce((sum, ms) => sum + ms, 0);
  return [
    grounding.query,
    grounding.found
      ? grounding.detections.length > 1
        ? `yes, ${grounding.detections.length}`
        : "yes"
      : "not found",
    best?.box.map((v) => Math.round(v)).join(" "),
    best?.score.toFixed(2),
    grasp === undefined ? result.graspFailure : grasp.pose.position.map((v) => v.toFixed(3)).join(" "),
    grasp === undefined ? undefined : `${(grasp.width * 1000).toFixed(0)} mm`,
    total.toFixed(0),
  ];
}

/** Progress on one line of stderr: drawn over itself on a terminal, every tenth of the way otherwise. */
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
    const left = total === undefined || done === 0 ? "" : `, ${Math.ceil((total - done) / rate)} s left`;
    const share = total === undefined ? `${done}` : `${done}/${total}`;
    const text = `${this.#label} ${share} (${rate.toFixed(1)}/s${left})`;
    if (process.stderr.isTTY) {
      if (performance.now() - this.#lastDrawn < 100 && done !== total) return;
      this.#lastDrawn = performance.now();
      process.stderr.write(`\r\x1b[K${text}`);
    } else if (total !== undefined && Math.floor((done / total) * 10) > this.#lastTenth) {
      this.#lastTenth = Math.floor((done / total) * 10);
      process.stderr.write(`${text}\n`);
    }
  }

  done(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
}
