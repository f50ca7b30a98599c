import { describe, GraspGroundingError } from "../errors/index.js";
import { compose } from "../geometry/index.js";
import { armSetup } from "./arm/arm-model.js";
import type { ConfiguredArm } from "./arm/configured-arm.js";
import { NodeArm } from "./arm/node-arm.js";
import { CameraInput } from "./camera/camera-input.js";
import type { Diagnostics } from "./diagnostics.js";
import { GraspAction } from "./grasp-action.js";
import { createGroundService } from "./ground-service.js";
import { HandEyeBroadcaster } from "./hand-eye.js";
import type { QueryResult } from "./job.js";
import { type NodeObserver, ObservedImage } from "./observer.js";
import type { Parameters } from "./parameters/index.js";
import { PipelineHost, type PipelineSource } from "./pipeline-host.js";
import type { Rcl, RclNode, RclService } from "./rcl.js";
import { Outputs, type PlacedGrasps } from "./results/outputs.js";
import { type Finished, Scheduler } from "./scheduler.js";
import { Transforms } from "./transforms.js";

export interface NodeResourcesDependencies {
  readonly rcl: Rcl;
  readonly node: RclNode;
  readonly parameters: () => Parameters;
  readonly diagnostics: Diagnostics;
  readonly pipeline: (parameters: Parameters) => PipelineSource;
  readonly observer?: NodeObserver | undefined;
  /** Called when there is an arm to move, or none any more. */
  readonly onArm: ((arm: ConfiguredArm | undefined) => void) | undefined;
  readonly refusal: () => GraspGroundingError | undefined;
}

/** Everything that lives between configure and cleanup: the pipeline, the topics, the service and the action. */
export class NodeResources {
  readonly camera: CameraInput;
  readonly scheduler: Scheduler;
  readonly transforms: Transforms;
  /** Undefined when the parameter `arm` is none. */
  readonly arm: NodeArm | undefined;
  readonly #dependencies: NodeResourcesDependencies;
  readonly #outputs: Outputs;
  readonly #service: RclService;
  readonly #action: GraspAction;
  readonly #handEye: HandEyeBroadcaster | undefined;
  #host: PipelineHost;
  #hostProblem: string | undefined;
  #restartAt = 0;
  #query: string | undefined;
  #active = false;

  /** Loads the model (blocking) and creates the interfaces. @throws what the pipeline cannot be made for */
  constructor(dependencies: NodeResourcesDependencies) {
    this.#dependencies = dependencies;
    const { rcl, node, parameters } = dependencies;
    const values = parameters();
    this.#query = values.query || undefined;
    // Before the model is loaded: what is wrong with the arm's parameters is known at once.
    const setup = values.arm === "none" ? undefined : armSetup(values);
    // Before the model, which takes its time: a file that cannot be read ends configuring at once.
    const file = values.hand_eye_file;
    this.#handEye = file === "" ? undefined : new HandEyeBroadcaster(rcl, node, file);
    try {
      this.#host = this.#startPipeline();
    } catch (error) {
      this.#handEye?.close();
      throw error;
    }
    this.transforms = new Transforms(rcl, node, values.tf_cache);
    if (this.#handEye !== undefined) this.transforms.buffer.add(this.#handEye.message, true);
    this.#outputs = new Outputs(rcl, node);
    this.scheduler = new Scheduler({
      run: (job, signal) => (this.#host.ended ? undefined : this.#host.run(job, signal)),
      settings: () => {
        const { rectified, max_detections, publish_masks, overlay_quality } = parameters();
        return {
          requestedOutputs: {
            ...this.#outputs.wanted(),
            fullResult: dependencies.observer?.wantsAnswers() === true,
          },
          rectified,
          maxDetections: max_detections,
          masks: publish_masks,
          overlayQuality: overlay_quality,
        };
      },
      continuous: () => {
        const { mode, max_rate } = parameters();
        return { query: mode === "continuous" ? this.#query : undefined, maxRate: max_rate };
      },
      reach: ({ frameId, stamp }) => this.arm?.reach(frameId, stamp),
      reuse: () => parameters().frame_reuse,
      onFinished: (finished) => void this.#publish(finished),
      onFailure: (error) => this.#failed(error),
      why: () => this.#hostProblem ?? this.camera.problem ?? "no image arrived in that time",
      topic: () => this.camera.colour.topic,
    });
    this.camera = new CameraInput(rcl, node, parameters, {
      onFrame: (frame) => {
        const { observer } = dependencies;
        if (observer?.wantsFrame() === true) observer.frame(new ObservedImage(frame, parameters().rectified));
        this.scheduler.offer(frame);
      },
      onTimeJump: () => {
        this.scheduler.forget();
        this.transforms.buffer.clear();
        node
          .getLogger()
          .warn("the camera's stamps jumped back; images and transforms seen so far are forgotten");
      },
      depthPose: (colour, depth, stamp) => this.transforms.now(colour, depth, stamp),
    });
    if (setup !== undefined)
      this.arm = new NodeArm({
        setup,
        rcl,
        node,
        parameters,
        transforms: this.transforms,
        ...(dependencies.onArm !== undefined && { onChange: dependencies.onArm }),
      });
    const shared = {
      node,
      scheduler: this.scheduler,
      parameters,
      refusal: dependencies.refusal,
      place: ({ finished, result }: { finished: Finished; result: QueryResult }, frame: string) =>
        this.#place(finished, result, frame),
    };
    this.#service = createGroundService(shared);
    this.#action = new GraspAction({ ...shared, rcl, arm: this.arm });
  }

  /** The pipeline that runs now. */
  get host(): PipelineHost {
    return this.#host;
  }

  get model(): string {
    return this.#host.model;
  }

  get backend(): PipelineHost["backend"] {
    return this.#host.backend;
  }

  get pipelineProblem(): string | undefined {
    return this.#hostProblem;
  }

  get query(): string | undefined {
    return this.#query;
  }

  /** A query from ~/query: grounded from now on (continuous), or once (on demand). Empty stops grounding. */
  setQuery(query: string | undefined): void {
    const { mode, service_timeout } = this.#dependencies.parameters();
    this.#query = query;
    if (query === undefined || !this.#active) return;
    if (mode === "continuous") this.scheduler.pump();
    else
      this.scheduler
        .request({ query, timeout: service_timeout })
        .answer.catch((error: Error) => this.#failed(error));
  }

  activate(): void {
    this.#active = true;
    this.scheduler.open();
    this.camera.open();
    this.arm?.activate();
  }

  deactivate(reason: Error): void {
    this.#active = false;
    // First of all the arm: what takes longer must not keep it moving.
    this.arm?.deactivate();
    this.camera.close();
    this.#action.stop();
    this.scheduler.close(reason);
  }

  /** About once a second: follows publishers, and starts a pipeline again that ended by itself. */
  refresh(): void {
    if (this.#active) this.camera.refresh();
    this.arm?.refresh();
    if (!this.#host.ended || performance.now() < this.#restartAt) return;
    try {
      this.#host = this.#startPipeline();
      this.#hostProblem = undefined;
      this.#dependencies.node.getLogger().info("the pipeline runs again");
    } catch (error) {
      this.#hostProblem = describe(error);
      this.#restartAt = performance.now() + restartPause * 1e3;
    }
  }

  /** Several times a second. */
  tick(): void {
    if (!this.#active) return;
    this.camera.expire();
    this.scheduler.pump();
  }

  async close(): Promise<void> {
    const { node } = this.#dependencies;
    this.deactivate(new GraspGroundingError("INTERNAL", { detail: "the node is shutting down" }));
    this.#action.close();
    await this.arm?.close();
    node.destroyService(this.#service);
    this.#outputs.close();
    this.#handEye?.close();
    this.transforms.close();
    await this.#host.close();
  }

  #startPipeline(): PipelineHost {
    const values = this.#dependencies.parameters();
    const host = PipelineHost.startBlocking(this.#dependencies.pipeline(values), values.load_timeout);
    host.onEnd = (error) => {
      this.#hostProblem = describe(error);
      this.#restartAt = performance.now() + restartPause * 1e3;
      this.#dependencies.node.getLogger().error(describe(error));
    };
    return host;
  }

  async #publish(finished: Finished): Promise<void> {
    this.#dependencies.diagnostics.finished(finished);
    const { fullResult: whole } = finished.done;
    if (whole !== undefined) this.#dependencies.observer?.answered(whole.frame, whole.results);
    if (!this.#active) return;
    const { target_frame } = this.#dependencies.parameters();
    try {
      await this.#outputs.publish(finished, (result) => this.#place(finished, result, target_frame));
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  /** The grasps in `targetFrame` (empty: as they are). A transform that is missing is a reason, no guess. */
  async #place(finished: Finished, result: QueryResult, targetFrame: string): Promise<PlacedGrasps> {
    const { done, hasDepth } = finished;
    const first = result.grasps[0];
    if (first === undefined) {
      const why = !result.found
        ? ""
        : (result.graspFailure ??
          done.problems[0]?.message ??
          (hasDepth ? "grasp planning is off" : new GraspGroundingError("GRASP_NO_DEPTH").message));
      return { grasps: [], reason: why };
    }
    if (targetFrame === "" || targetFrame === first.frame) return { grasps: result.grasps, reason: "" };
    try {
      const { tf_timeout } = this.#dependencies.parameters();
      const pose = await this.transforms.lookup(targetFrame, first.frame, done.stamp, tf_timeout);
      const grasps = result.grasps.map((each) => ({
        ...each,
        frame: targetFrame,
        pose: compose(pose, each.pose),
      }));
      return { grasps, reason: "" };
    } catch (error) {
      this.#failed(error as Error);
      return { grasps: [], reason: describe(error) };
    }
  }

  #failed(error: Error): void {
    this.#dependencies.diagnostics.failed(error);
    this.#dependencies.node.getLogger().debug(describe(error));
  }
}

/** Seconds between attempts to start a pipeline that ended. */
const restartPause = 5;
