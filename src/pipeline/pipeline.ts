import { GraspGroundingError } from "../errors/index.js";
import type { RgbdFrame } from "../geometry/index.js";
import type { GraspPlan, GraspPlanner, GraspTarget } from "../grasping/index.js";
import type { Effort, Grounder, Grounding, GroundOptions } from "../grounding/index.js";
import type { BackendReport } from "../inference/index.js";
import { offerBlocker, withBlockerName } from "./blocker.js";
import { type PlaceOptions, placesFor } from "./places.js";
import type { PipelineResult } from "./result.js";

export interface ProcessOptions extends Pick<GroundOptions, "ask" | "client" | "clients">, PlaceOptions {
  /** Reachability of a tool pose in the camera's optical frame, 0 to 1: grasps within reach come first. */
  readonly reachability?: NonNullable<GraspTarget["reachability"]>;
  /** How much work the answers are worth; default: the pipeline's own. */
  readonly effort?: Effort | undefined;
  /** Cancels the rest of the work, which fails with INFERENCE_CANCELLED. */
  readonly signal?: AbortSignal;
}

export interface GraspPipelineOptions {
  readonly grounder: Grounder;
  /** Without a planner, results have only boxes and masks. */
  readonly planner?: GraspPlanner;
  /** Limit of grasps for each query. Default 5. */
  readonly grasps?: number;
  /** How much work an answer is worth where `process` does not say. Default `fast`. */
  readonly effort?: Effort | undefined;
}

/**
 * The one pipeline: a frame and queries in, groundings and grasps out. Knows no ROS, HTTP or files: sources hand it
 * frames, sinks take its results.
 */
export class GraspPipeline {
  readonly #grounder: Grounder;
  readonly #planner: GraspPlanner | undefined;
  readonly #grasps: number;
  readonly #effort: Effort;

  constructor(options: GraspPipelineOptions) {
    this.#grounder = options.grounder;
    this.#planner = options.planner;
    this.#grasps = options.grasps ?? 5;
    this.#effort = options.effort ?? "fast";
  }

  get model(): string {
    return this.#grounder.model;
  }

  /** Back end, provider and counters of the model, for diagnostics. */
  get backend(): { readonly description: string; readonly report: BackendReport } {
    return { description: this.#grounder.runsOn ?? "", report: this.#grounder.backendReport ?? {} };
  }

  /**
   * One result for each query, in their order; no grasp is a reason in the result.
   * @throws GraspGroundingError of the grounder
   */
  async process(
    frame: RgbdFrame,
    queries: readonly string[],
    options: ProcessOptions = {},
  ): Promise<readonly PipelineResult[]> {
    const { signal, ask, client, clients } = options;
    const groundings = await this.#grounder.ground(frame, queries, {
      signal,
      ...(ask !== undefined && { ask }),
      ...(client !== undefined && { client }),
      ...(clients !== undefined && { clients }),
      effort: options.effort ?? this.#effort,
    });
    const results: PipelineResult[] = [];
    for (const [i, grounding] of groundings.entries()) {
      if (signal?.aborted) throw new GraspGroundingError("INFERENCE_CANCELLED");
      results.push(await this.#plan(frame, grounding, options, clients?.[i] ?? client));
    }
    return results;
  }

  /** Only groundings, one for each query. @throws GraspGroundingError of the grounder */
  ground(frame: RgbdFrame, queries: readonly string[]): Promise<readonly Grounding[]> {
    return this.#grounder.ground(frame, queries);
  }

  /** Grasps of a detection that a person chose; undefined without a planner or without depth. */
  async plan(frame: RgbdFrame, target: GraspTarget): Promise<GraspPlan | undefined> {
    if (this.#planner === undefined || frame.depth === undefined) return undefined;
    const unnamed = await this.#planner.plan(frame, target);
    const plan = await withBlockerName(this.#grounder, frame, unnamed, undefined);
    return { ...plan, grasps: plan.grasps.slice(0, this.#grasps) };
  }

  async close(): Promise<void> {
    await this.#planner?.close?.();
    await this.#grounder.close();
  }

  async #plan(
    frame: RgbdFrame,
    grounding: Grounding,
    options: ProcessOptions,
    client: string | undefined,
  ): Promise<PipelineResult> {
    const base = {
      image: { width: frame.colour.width, height: frame.colour.height },
      stamp: frame.stamp,
      frameId: frame.frameId,
      grounding,
    };
    const best = grounding.detections[0];
    if (this.#planner === undefined || frame.depth === undefined) {
      return { ...base, grasps: [], timings: grounding.timings };
    }
    if (best === undefined) {
      const places = placesFor(frame, grounding, [], options);
      return { ...base, grasps: [], ...(places && { places }), timings: grounding.timings };
    }
    const start = performance.now();
    const { ask, reachability, signal } = options;
    let plan = await this.#planner.plan(frame, { ...best, ...(reachability && { reachability }) });
    // Images that follow each other fast are not worth it.
    if ((options.effort ?? this.#effort) === "careful")
      plan = await withBlockerName(this.#grounder, frame, plan, signal);
    const question =
      grounding.question ??
      offerBlocker(this.#grounder, frame, plan, { ...(ask && { ask }), ...(client && { client }) });
    const planned = performance.now();
    const places = placesFor(frame, grounding, plan.grasps, options);
    return {
      ...base,
      ...(question && { grounding: { ...grounding, question } }),
      grasps: plan.grasps.slice(0, this.#grasps),
      ...(plan.grasps.length === 0 && { graspFailure: plan.reason ?? "no grasp found" }),
      ...(plan.blocker && { blocker: plan.blocker }),
      ...(plan.unseen !== undefined && { unseen: plan.unseen }),
      ...(plan.nextViews && { nextViews: plan.nextViews }),
      ...(places && { places }),
      timings: {
        ...grounding.timings,
        plan: planned - start,
        ...(places && { place: performance.now() - planned }),
      },
    };
  }
}
