import type { RgbdFrame } from "../geometry/index.js";
import type { GraspPlan, GraspTarget } from "../grasping/index.js";
import type { Grounding } from "../grounding/index.js";
import type { GraspPipeline, PipelineResult, ProcessOptions } from "../pipeline/index.js";
import type { PipelineHost } from "./pipeline-host.js";

/** The node's one pipeline, for others in this process: the model is loaded once, on its own thread. */
export class NodePipeline implements Pick<GraspPipeline, "model" | "process" | "ground" | "plan"> {
  readonly #host: () => PipelineHost;

  /** @param host the pipeline that runs now. @throws GraspGroundingError NODE_INACTIVE when there is none */
  constructor(host: () => PipelineHost) {
    this.#host = host;
  }

  get model(): string {
    try {
      return this.#host().model;
    } catch {
      return "";
    }
  }

  async process(
    frame: RgbdFrame,
    queries: readonly string[],
    { ask, client, effort }: ProcessOptions = {},
  ): Promise<readonly PipelineResult[]> {
    // Of the options these cross to the pipeline's thread.
    const options = {
      ...(ask !== undefined && { ask }),
      ...(client !== undefined && { client }),
      ...(effort !== undefined && { effort }),
    };
    return this.#host().call({ op: "process", frame, queries, options }) as Promise<
      readonly PipelineResult[]
    >;
  }

  async ground(frame: RgbdFrame, queries: readonly string[]): Promise<readonly Grounding[]> {
    return this.#host().call({ op: "ground", frame, queries }) as Promise<readonly Grounding[]>;
  }

  async plan(frame: RgbdFrame, target: GraspTarget): Promise<GraspPlan | undefined> {
    return this.#host().call({ op: "plan", frame, target }) as Promise<GraspPlan | undefined>;
  }
}
