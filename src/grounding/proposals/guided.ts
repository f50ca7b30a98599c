import type { RgbdFrame } from "../../geometry/index.js";
import type { BackendReport } from "../../inference/index.js";
import type { Grounder, Grounding, GroundOptions } from "../index.js";
import { type PickOptions, pickProposals } from "./pick.js";
import type { ProposalSource } from "./types.js";

/**
 * The paper's method for an open vocabulary: HiFi-CS gives the place that the query names, another source gives the
 * objects there. Where no proposal fits, the grounder's own detections are the result.
 */
export class GuidedGrounder implements Grounder {
  readonly #grounder: Grounder;
  readonly #source: ProposalSource;
  readonly #options: PickOptions;

  constructor(grounder: Grounder, source: ProposalSource, options: PickOptions = {}) {
    this.#grounder = grounder;
    this.#source = source;
    this.#options = options;
  }

  get model(): string {
    return `${this.#grounder.model} + ${this.#source.name}`;
  }

  get runsOn(): string {
    return this.#grounder.runsOn ?? "";
  }

  get backendReport(): BackendReport {
    return this.#grounder.backendReport ?? {};
  }

  async ground(
    frame: RgbdFrame,
    queries: readonly string[],
    options?: GroundOptions,
  ): Promise<readonly Grounding[]> {
    const groundings = await this.#grounder.ground(frame, queries, options);
    // One after the other: each query's time is then its own.
    const guided: Grounding[] = [];
    for (const grounding of groundings) guided.push(await this.#guide(frame, grounding));
    return guided;
  }

  async close(): Promise<void> {
    await Promise.all([this.#grounder.close(), this.#source.close()]);
  }

  async #guide(frame: RgbdFrame, grounding: Grounding): Promise<Grounding> {
    if (!grounding.found) return grounding;
    const started = performance.now();
    const proposals = await this.#source.propose(frame, grounding.query);
    const picked = pickProposals(grounding.heatmap, proposals, frame.colour, this.#options);
    const timings = { ...grounding.timings, proposals: performance.now() - started };
    return {
      ...grounding,
      model: this.model,
      detections: picked.length > 0 ? picked : grounding.detections,
      timings,
    };
  }
}
