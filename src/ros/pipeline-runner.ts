import { describe } from "../errors/index.js";
import type { HeldObject } from "../grasping/index.js";
import type { ReadyFrame } from "./camera/camera-input.js";
import type { Job, JobResult, Reach } from "./job.js";
import type { Parameters } from "./parameters/index.js";
import { PipelineHost, type PipelineSource } from "./pipeline-host.js";
import type { RclLogger } from "./rcl.js";
import type { JobOrder } from "./scheduler.js";

export interface PipelineRunnerDependencies {
  readonly source: (parameters: Parameters) => PipelineSource;
  readonly parameters: () => Parameters;
  readonly logger: RclLogger;
  /** Images to encode, and whether an observer wants the decoded image and the whole results. */
  readonly outputs: () => Job["requestedOutputs"];
  /** The arm as an image's grasps have to be reached; undefined where none is known. */
  readonly reach: (frame: ReadyFrame) => Reach | undefined;
  /** Whether the arm carries the camera of a frame, and may look from elsewhere. */
  readonly mayLookElsewhere: (frame: ReadyFrame) => boolean;
  /** What the gripper holds, in the axes of the arm's base. */
  readonly holding: () => HeldObject | undefined;
}

/** Seconds between attempts to start a pipeline that ended. */
const restartPause = 5;

/** The pipeline's thread: turns orders into jobs, and starts a thread again that ended by itself. */
export class PipelineRunner {
  readonly #dependencies: PipelineRunnerDependencies;
  #host: PipelineHost;
  #problem: string | undefined;
  #restartAt = 0;

  /** Loads the model (blocking). @throws the reason why the pipeline cannot be made */
  constructor(dependencies: PipelineRunnerDependencies) {
    this.#dependencies = dependencies;
    this.#host = this.#startHost();
  }

  get host(): PipelineHost {
    return this.#host;
  }

  /** Why there is no pipeline now. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Hands a job over; undefined while there is no pipeline. */
  start(
    { candidate, queries, published, scenePoints, requested }: JobOrder,
    signal: AbortSignal,
  ): Promise<JobResult> | undefined {
    if (this.#host.ended) return undefined;
    const { rectified, max_detections, publish_masks, overlay_quality, effort, ask } =
      this.#dependencies.parameters();
    const { frame, fresh } = candidate;
    const reach = this.#dependencies.reach(frame);
    const holding = this.#dependencies.holding();
    const job: Job = {
      requestedOutputs: this.#dependencies.outputs(),
      rectified,
      maxDetections: max_detections,
      masks: publish_masks,
      overlayQuality: overlay_quality,
      queries: queries.map(({ query }) => query),
      clients: queries.map(({ client }) => client),
      ask,
      published,
      scenePoints,
      view: scenePoints && this.#dependencies.mayLookElsewhere(frame),
      effort: requested && effort === "careful" ? "careful" : "fast",
      ...(reach !== undefined && { reach }),
      ...(holding !== undefined && { holding }),
      // The image's memory moves to the pipeline's thread, which holds it for the next request.
      ...(fresh && { frame: frame.bytes }),
    };
    return this.#host.run(job, signal);
  }

  /** About once a second. */
  refresh(): void {
    if (!this.#host.ended || performance.now() < this.#restartAt) return;
    try {
      this.#host = this.#startHost();
      this.#problem = undefined;
      this.#dependencies.logger.info("the pipeline runs again");
    } catch (error) {
      this.#failed(error);
    }
  }

  close(): Promise<void> {
    return this.#host.close();
  }

  #startHost(): PipelineHost {
    const values = this.#dependencies.parameters();
    const host = PipelineHost.startBlocking(this.#dependencies.source(values), values.load_timeout);
    host.onEnd = (error) => {
      this.#failed(error);
      this.#dependencies.logger.error(describe(error));
    };
    return host;
  }

  #failed(error: unknown): void {
    this.#problem = describe(error);
    this.#restartAt = performance.now() + restartPause * 1e3;
  }
}
