import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { asCatalogued, catalogue } from "../errors/index.js";

export type Outcome = "found" | "not_found" | "failed";

const prefix = "grasp_grounding_";

/**
 * Counters of one process. Labels take values from fixed lists only (outcomes, codes of the catalogue, states), never
 * from queries, topics or names, so that the number of series is bounded.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #answers: Counter<"outcome">;
  readonly #errors: Counter<"code">;
  readonly #seconds: Histogram<"stage">;

  /** @param part `node`, `console` or `worker`; a label of `grasp_grounding_info` */
  constructor(part: string, version: string) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 20 });
    new Gauge({
      name: `${prefix}info`,
      help: "1, with the part of the software and its version",
      labelNames: ["part", "version"],
      registers,
    }).set({ part, version }, 1);
    this.#answers = new Counter({
      name: `${prefix}answers_total`,
      help: "Queries answered, by outcome",
      labelNames: ["outcome"],
      registers,
    });
    for (const outcome of ["found", "not_found", "failed"]) this.#answers.inc({ outcome }, 0);
    this.#errors = new Counter({
      name: `${prefix}errors_total`,
      help: "Errors shown to somebody, by code (docs/errors.md)",
      labelNames: ["code"],
      registers,
    });
    this.#seconds = new Histogram({
      name: `${prefix}seconds`,
      help: "Seconds a stage took",
      labelNames: ["stage"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
  }

  answered(outcome: Outcome): void {
    this.#answers.inc({ outcome });
  }

  /** Counts an error, or a problem with a `code`, by its code; any other counts as INTERNAL. */
  failed(error: unknown): void {
    const { code } = (error ?? {}) as { code?: unknown };
    const known = typeof code === "string" && Object.hasOwn(catalogue, code);
    this.#errors.inc({ code: known ? (code as string) : asCatalogued(error).code });
  }

  /** @param stage a name from the code, never from input */
  took(stage: string, seconds: number): void {
    this.#seconds.observe({ stage }, Math.max(0, seconds));
  }

  /** A value that is read on each request. @param kind `counter` for a value that only grows */
  watch(name: string, help: string, kind: "counter" | "gauge", read: () => number): void {
    const Kind = kind === "counter" ? Counter : Gauge;
    new Kind({
      name: `${prefix}${name}`,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(Math.max(0, read()));
      },
    });
  }

  /** A state of a fixed list: one series for each, 1 for the one that holds. */
  watchState(name: string, help: string, states: readonly string[], read: () => string): void {
    new Gauge({
      name: `${prefix}${name}`,
      help,
      labelNames: ["state"],
      registers: [this.#registry],
      collect() {
        const now = read();
        for (const state of states) this.set({ state }, state === now ? 1 : 0);
      },
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
