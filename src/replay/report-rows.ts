import type { ResultJson } from "../pipeline/index.js";

/** One answer in a compact form, because a page has ten thousand. */
export interface Row {
  readonly time: number;
  readonly query: number;
  readonly topic: number;
  readonly source: number;
  readonly found: boolean;
  readonly score: number;
  readonly box: readonly number[] | undefined;
  readonly grasps: number;
  /** Milliseconds of the answer; undefined for answers of an earlier run. */
  readonly ms: number | undefined;
  readonly failure: string | undefined;
}

/** Limit of rows on a page: beyond it every second answer is dropped, and the page reports that. */
const largest = 40_000;

/** Data of the report. Bounded, however long the recording is. */
export class ReportRows {
  readonly queries: string[] = [];
  readonly topics: string[] = [];
  readonly sources: string[] = [];
  rows: Row[] = [];
  total = 0;
  #stride = 1;

  add(...lines: readonly ResultJson[]): void {
    for (const line of lines) {
      if (this.total++ % this.#stride !== 0) continue;
      this.rows.push(this.#row(line));
    }
    if (this.rows.length <= largest) return;
    this.#stride *= 2;
    this.rows = this.rows.filter((_, i) => i % 2 === 0);
  }

  #row(line: ResultJson): Row {
    const stages = Object.values(line.timings_ms);
    const best = line.detections[0];
    return {
      time: line.time ?? 0,
      query: indexOf(this.queries, line.query),
      topic: indexOf(this.topics, line.topic ?? ""),
      source: indexOf(this.sources, line.source ?? ""),
      found: line.found,
      score: best?.score ?? 0,
      box: best?.box.map((v) => Math.round(v)),
      grasps: line.grasps.length,
      ms: stages.length === 0 ? undefined : stages.reduce((sum, ms) => sum + ms, 0),
      failure: line.grasp_failure,
    };
  }
}

function indexOf(list: string[], text: string): number {
  const index = list.indexOf(text);
  return index < 0 ? list.push(text) - 1 : index;
}
