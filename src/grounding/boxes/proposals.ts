import type { RgbdFrame } from "../../geometry/index.js";
import type { Proposal, ProposalSource } from "../proposals/types.js";
import { selectBoxes } from "./select.js";
import type { BoxFinder } from "./types.js";

/** A detector as a source of proposals: weaker boxes come too, because the heat map decides among them. */
export class BoxProposals implements ProposalSource {
  readonly #finder: BoxFinder;

  constructor(finder: BoxFinder) {
    this.#finder = finder;
  }

  get name(): string {
    return this.#finder.model;
  }

  async propose({ colour }: Pick<RgbdFrame, "colour">, query: string): Promise<readonly Proposal[]> {
    const [boxes = []] = await this.#finder.find(colour, [query]);
    const threshold = Math.min(0.1, this.#finder.threshold);
    return selectBoxes(boxes, { threshold, maxOverlap: 0.7, limit: 100 });
  }

  close(): Promise<void> {
    return this.#finder.close();
  }
}
