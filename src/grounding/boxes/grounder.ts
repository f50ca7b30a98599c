import type { RgbdFrame } from "../../geometry/index.js";
import type { BackendReport } from "../../inference/index.js";
import { cleanQuery } from "../query/clean.js";
import { stopwatch } from "../stopwatch.js";
import type { Grounder, Grounding, GroundOptions } from "../types.js";
import { detectionsOfBoxes } from "./box-masks.js";
import { paintBoxes } from "./paint.js";
import { selectBoxes } from "./select.js";
import type { BoxFinder } from "./types.js";

/** Boxes below this share of the best one's score are no further objects of the query. */
const relativeScore = 0.6;

/** A detector as a grounder. Masks are the boxes, cut by depth where there is some. */
export class BoxGrounder implements Grounder {
  readonly #finder: BoxFinder;

  constructor(finder: BoxFinder) {
    this.#finder = finder;
  }

  get model(): string {
    return this.#finder.model;
  }

  get runsOn(): string {
    return this.#finder.runsOn;
  }

  get backendReport(): BackendReport {
    return this.#finder.backendReport;
  }

  async ground(
    frame: Pick<RgbdFrame, "colour" | "depth" | "camera">,
    queries: readonly string[],
    options: GroundOptions = {},
  ): Promise<readonly Grounding[]> {
    const cleaned = queries.map(cleanQuery);
    if (cleaned.length === 0) return [];
    const clock = stopwatch();
    const found = await this.#finder.find(frame.colour, cleaned, options);
    const detect = clock() / cleaned.length;
    return found.map((boxes, i) => {
      const { threshold } = this.#finder;
      const selected = selectBoxes(boxes, { threshold, relativeScore });
      return {
        query: cleaned[i] as string,
        model: this.model,
        backend: this.runsOn,
        found: selected.length > 0,
        detections: detectionsOfBoxes(frame, selected),
        presence: boxes.reduce((best, { score }) => Math.max(best, score), 0),
        heatmap: paintBoxes(selectBoxes(boxes, { threshold: threshold / 2, limit: 100 }), frame.colour),
        timings: { detect, instances: clock() },
      };
    });
  }

  close(): Promise<void> {
    return this.#finder.close();
  }
}
