import { describe, GraspGroundingError } from "../errors/index.js";
import type { FrameId } from "../geometry/index.js";
import { armSetup } from "./arm/arm-model.js";
import type { ConfiguredArm } from "./arm/configured-arm.js";
import { NodeArm } from "./arm/node-arm.js";
import { CameraInput, type ReadyFrame } from "./camera/camera-input.js";
import type { Diagnostics } from "./diagnostics.js";
import { HandEyeBroadcaster } from "./hand-eye.js";
import { type NodeObserver, ObservedImage } from "./observer.js";
import type { Parameters } from "./parameters/index.js";
import type { PipelineHost, PipelineSource } from "./pipeline-host.js";
import { PipelineRunner } from "./pipeline-runner.js";
import type { Rcl, RclNode } from "./rcl.js";
import { type GraspPlacementDependencies, placeFrame, placeGrasps } from "./requests/grasp-placement.js";
import type { Origin, Origins } from "./requests/origin.js";
import { Outputs, type PlacedGrasps } from "./results/outputs.js";
import { stopAnswer } from "./results/stop-answer.js";
import { type Answer, type Finished, Scheduler, topicClient } from "./scheduler.js";
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
  /** Why images cannot be stamped or compared with the time now: the clock does not run. */
  readonly clockProblem: () => string | undefined;
  /** Numbers the queries, also over a cleanup. */
  readonly origins: Origins;
}

/** Everything that lives between configure and cleanup: the pipeline, the camera, the results and the arm. */
export class NodeResources {
  readonly camera: CameraInput;
  readonly scheduler: Scheduler;
  readonly transforms: Transforms;
  /** Undefined when the parameter `arm` is none. */
  readonly arm: NodeArm | undefined;
  readonly #dependencies: NodeResourcesDependencies;
  readonly #outputs: Outputs;
  readonly #handEye: HandEyeBroadcaster | undefined;
  readonly #runner: PipelineRunner;
  #query: string | undefined;
  /** Of `#query`. */
  #origin: Origin;
  #active = false;

  /** Loads the model (blocking) and creates the interfaces. @throws the reason why the pipeline cannot be made */
  constructor(dependencies: NodeResourcesDependencies) {
    this.#dependencies = dependencies;
    const { rcl, node, parameters, observer } = dependencies;
    const values = parameters();
    this.#query = values.query || undefined;
    this.#origin = dependencies.origins.next("topic");
    // Before the model, which takes its time to load: errors of parameters and files show at once.
    this.camera = new CameraInput(rcl, node, parameters, {
      onFrame: (frame) => this.#onFrame(frame),
      onTimeJump: () => this.forget("the camera's stamps jumped back"),
      depthPose: (colour, depth, stamp) => this.transforms.now(colour, depth, stamp),
      coincide: (frame, other, stamp) => this.transforms.coincide(frame, other, stamp),
    });
    const setup = values.arm === "none" ? undefined : armSetup(values);
    const file = values.hand_eye_file;
    this.#outputs = new Outputs(rcl, node);
    try {
      this.#handEye = file === "" ? undefined : new HandEyeBroadcaster(rcl, node, file);
      this.#runner = new PipelineRunner({
        source: dependencies.pipeline,
        parameters,
        logger: node.getLogger(),
        outputs: () => ({ ...this.#outputs.wanted(), fullResult: observer?.wantsAnswers() === true }),
        reach: ({ frameId, stamp }) => this.arm?.reach(frameId, stamp),
        holding: () => this.arm?.held,
        mayLookElsewhere: ({ frameId }) => this.arm?.mayLookElsewhere(frameId) === true,
      });
    } catch (error) {
      this.#handEye?.close();
      this.#outputs.close();
      throw error;
    }
    this.transforms = new Transforms(rcl, node, values.tf_cache);
    if (this.#handEye !== undefined) this.transforms.buffer.add(this.#handEye.message, true);
    this.scheduler = new Scheduler({
      start: (order, signal) => this.#runner.start(order, signal),
      policy: () => {
        const { mode, max_rate, frame_reuse } = parameters();
        return {
          query: mode === "continuous" ? this.#query : undefined,
          origin: this.#origin,
          maxRate: max_rate,
          reuse: frame_reuse,
        };
      },
      listener: {
        finished: (finished) => void this.#publish(finished),
        failed: (error) => this.#failed(error),
      },
      camera: () => ({ topic: this.camera.colour.topic, problem: this.#whyNoImage() }),
    });
    if (setup !== undefined)
      this.arm = new NodeArm({
        setup,
        rcl,
        node,
        parameters,
        transforms: this.transforms,
        fuse: (request) => this.#runner.host.fuse(request),
        ...(dependencies.onArm !== undefined && { onChange: dependencies.onArm }),
      });
  }

  /** The pipeline that runs now. */
  get host(): PipelineHost {
    return this.#runner.host;
  }

  get model(): string {
    return this.host.model;
  }

  get backend(): PipelineHost["backend"] {
    return this.host.backend;
  }

  get pipelineProblem(): string | undefined {
    return this.#runner.problem;
  }

  get query(): string | undefined {
    return this.#query;
  }

  /** A query from ~/query: grounded from now on (continuous), or once (on demand). Empty stops grounding. */
  setQuery(query: string | undefined): void {
    const { mode, service_timeout } = this.#dependencies.parameters();
    if (query !== this.#query) this.#outputs.forget();
    if (query !== this.#query || mode === "on_demand")
      this.#origin = this.#dependencies.origins.next("topic");
    this.#query = query;
    if (query === undefined || !this.#active) return;
    if (mode === "continuous") this.scheduler.pump();
    else
      this.scheduler
        .request({ query, client: topicClient, origin: this.#origin, timeout: service_timeout })
        .answer.catch((error: Error) => this.#failed(error));
  }

  /** Answers an order to stop that came on ~/query. @param words what was done */
  tellStopped(query: string, words: string): void {
    if (this.#active)
      this.#outputs.answer(stopAnswer(query, this.#dependencies.origins.next("topic"), words));
  }

  /** A reply to the question about the topics' own query; its answer goes where that query's answers go. */
  clarify(reply: string): void {
    if (!this.#active || this.#query === undefined) return;
    const timeout = this.#dependencies.parameters().service_timeout;
    this.scheduler
      .request({ query: reply, client: topicClient, origin: this.#origin, timeout })
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
    // The arm first: nothing that takes longer may delay its stop.
    this.arm?.deactivate();
    this.camera.close();
    this.scheduler.close(reason);
    this.#outputs.forget();
  }

  /** Forgets images and transforms after a jump of time. @param why for the log */
  forget(why: string): void {
    this.scheduler.forget();
    this.transforms.buffer.clear();
    this.#dependencies.node.getLogger().warn(`${why}; images and transforms seen so far are forgotten`);
  }

  /** The grasps of an answer in a frame. */
  place(answer: Pick<Answer, "finished" | "result">, targetFrame: FrameId): Promise<PlacedGrasps> {
    return placeGrasps(this.#placement(), answer, targetFrame);
  }

  /** About once a second: follows publishers, and starts a pipeline again that ended by itself. */
  refresh(): void {
    if (this.#active) this.camera.refresh();
    this.arm?.refresh();
    this.#runner.refresh();
  }

  /** Several times a second. */
  tick(): void {
    if (!this.#active) return;
    this.camera.expire();
    this.scheduler.pump();
  }

  async close(): Promise<void> {
    this.deactivate(new GraspGroundingError("INTERNAL", { detail: "the node is shutting down" }));
    await this.arm?.close();
    this.#outputs.close();
    this.#handEye?.close();
    this.transforms.close();
    await this.#runner.close();
  }

  #onFrame(frame: ReadyFrame): void {
    const { observer, parameters } = this.#dependencies;
    if (observer?.wantsFrame() === true) observer.frame(new ObservedImage(frame, parameters().rectified));
    this.scheduler.offer(frame);
  }

  #whyNoImage(): string {
    return (
      this.#runner.problem ??
      this.#dependencies.clockProblem() ??
      this.camera.problem ??
      "no image arrived in that time"
    );
  }

  async #publish(finished: Finished): Promise<void> {
    this.#dependencies.diagnostics.finished(finished);
    const { fullResult: whole } = finished.done;
    if (whole !== undefined) this.#dependencies.observer?.answered(whole.frame, whole.results);
    if (!this.#active) return;
    const { target_frame, publish_requests, track_timeout } = this.#dependencies.parameters();
    try {
      await this.#outputs.publish(finished, {
        place: (result) => this.place({ finished, result }, target_frame),
        target: () => placeFrame(this.#placement(), finished, target_frame),
        requests: publish_requests,
        trackTimeout: track_timeout,
      });
    } catch (error) {
      this.#failed(error);
    }
  }

  #placement(): GraspPlacementDependencies {
    const { parameters } = this.#dependencies;
    return { transforms: this.transforms, parameters, onFailure: (error) => this.#failed(error) };
  }

  #failed(error: unknown): void {
    this.#dependencies.diagnostics.failed(error);
    this.#dependencies.node.getLogger().debug(describe(error));
  }
}
