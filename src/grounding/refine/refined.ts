import type { RgbdFrame } from "../../geometry/index.js";
import type { BackendReport } from "../../inference/index.js";
import type { Grounder, Grounding, GroundOptions } from "../types.js";
import type { Refiner } from "./types.js";

/** Any grounder, its masks drawn anew by a refiner. */
export class RefinedGrounder implements Grounder {
  readonly #grounder: Grounder;
  readonly #refiner: Refiner;

  constructor(grounder: Grounder, refiner: Refiner) {
    this.#grounder = grounder;
    this.#refiner = refiner;
  }

  get model(): string {
    return `${this.#grounder.model} + ${this.#refiner.name}`;
  }

  get runsOn(): string {
    return this.#grounder.runsOn ?? "";
  }

  get backendReport(): BackendReport {
    return this.#grounder.backendReport ?? {};
  }

  async ground(
    frame: Pick<RgbdFrame, "colour" | "depth">,
    queries: readonly string[],
    options?: GroundOptions,
  ): Promise<readonly Grounding[]> {
    const groundings = await this.#grounder.ground(frame, queries, options);
    const refined: Grounding[] = [];
    for (const grounding of groundings) {
      const started = performance.now();
      const detections = grounding.found
        ? await this.#refiner.refine(frame.colour, grounding, options)
        : grounding.detections;
      const timings = { ...grounding.timings, refine: performance.now() - started };
      refined.push({ ...grounding, model: this.model, detections, timings });
    }
    return refined;
  }

  async close(): Promise<void> {
    await Promise.all([this.#grounder.close(), this.#refiner.close()]);
  }
}
