import { describe, GraspGroundingError } from "../errors/index.js";
import type { FrameId, Pose, Stamp } from "../geometry/index.js";
import { cleanQuery, isStopOrder } from "../grounding/index.js";
import { type Metrics, type RunningMetrics, startMetrics } from "../metrics/index.js";
import { within } from "./arm/action-client.js";
import type { ConfiguredArm } from "./arm/configured-arm.js";
import type { NodeArm } from "./arm/node-arm.js";
import { createNode } from "./create-node.js";
import { Diagnostics } from "./diagnostics.js";
import { guardNode } from "./guard.js";
import { listenToLog } from "./log-listener.js";
import { nodeMetrics } from "./node-metrics.js";
import { NodePipeline } from "./node-pipeline.js";
import { NodeResources } from "./node-resources.js";
import type { NodeObserver } from "./observer.js";
import type { Parameters } from "./parameters/index.js";
import type { OverrideValue } from "./parameters/overrides.js";
import { ParameterServer } from "./parameters/parameter-server.js";
import type { PipelineSource } from "./pipeline-host.js";
import type { Rcl, RclNode } from "./rcl.js";
import { Clarifications } from "./requests/clarifications.js";
import { GraspAction } from "./requests/grasp-action.js";
import { createGroundService } from "./requests/ground-service.js";
import { Origins } from "./requests/origin.js";
import { PlaceAction } from "./requests/place-action.js";
import { createPlanGraspsService } from "./requests/plan-grasps-service.js";
import { stopOnOrder } from "./requests/stop-order.js";
import { packageInstalled } from "./results/outputs.js";
import { noCounts } from "./scheduler.js";
import { SimClock } from "./sim-clock.js";
import { FollowedSubscription } from "./topics/followed-subscription.js";

export interface GroundingNodeOptions {
  readonly rcl: Rcl;
  /** Makes the pipeline for the node's parameters; called when the node is configured. */
  readonly pipeline: (parameters: Parameters) => PipelineSource;
  /** Sees images, answers, diagnostics and log lines, as the console does. */
  readonly observer?: NodeObserver;
  /** Called when there is an arm to move, or none any more. */
  readonly onArm?: (arm: ConfiguredArm | undefined) => void;
  /** Before remapping. */
  readonly name?: string;
  /** Values given at start, each of its parameter's type. */
  readonly overrides?: ReadonlyMap<string, OverrideValue>;
  /** Of this software, for its metrics. */
  readonly version?: string;
}

/** The node's name before remapping. */
export const defaultName = "grasp_grounding";
/** Seconds that goals and the arm may take to come to rest when the node ends, beyond `stop_timeout`. */
const endGrace = 1;

/** The managed node /grasp_grounding. */
export class GroundingNode {
  readonly node: RclNode;
  /** The pipeline, for others in this process. */
  readonly pipeline: NodePipeline;
  readonly #options: GroundingNodeOptions;
  readonly #parameters: ParameterServer;
  readonly #clock: SimClock;
  readonly #diagnostics: Diagnostics;
  readonly #action: GraspAction;
  readonly #placing: PlaceAction;
  readonly #queries: FollowedSubscription<{ data: string }>;
  readonly #clarifications: Clarifications;
  readonly #origins = new Origins();
  readonly #timers: NodeJS.Timeout[];
  readonly #endpoint: Promise<RunningMetrics | undefined>;
  #resources: NodeResources | undefined;
  #configureProblem: string | undefined;
  #refusedQueries = 0;
  #ending = false;
  /** The query that came last; a cleanup does not clear it. */
  #query: string | undefined;

  /** @throws GraspGroundingError ROS_PARAMETER */
  constructor(options: GroundingNodeOptions) {
    this.#options = options;
    const { rcl } = options;
    const { node, simTime } = createNode({ ...options, name: options.name ?? defaultName });
    this.node = node;
    guardNode(node, (error) => this.#onError(error));
    this.#clock = new SimClock(rcl, node);
    this.#parameters = new ParameterServer(rcl, node);
    if (simTime) this.#clock.follow(rcl);
    const metrics = nodeMetrics(options.version ?? "", {
      resources: () => this.#resources,
      refusedQueries: () => this.#refusedQueries,
      state: () => this.state,
    });
    this.#diagnostics = new Diagnostics(node, metrics);
    this.#endpoint = this.#serve(metrics);
    this.pipeline = new NodePipeline(() => this.#active().host);
    this.#registerTransitions();
    this.#clarifications = new Clarifications({
      rcl,
      node,
      stops: (text) => this.#stopsBy(text),
      onReply: (text) => this.#guard(() => this.#resources?.clarify(cleanQuery(text))),
    });
    const requests = {
      node,
      clarifications: this.#clarifications,
      parameters: () => this.#parameters.values,
      origins: this.#origins,
      resources: () => this.#active(),
      stop: (query: string) => this.#stopOnOrder(query),
      onError: (error: unknown) => this.#onError(error),
    };
    createGroundService(requests);
    if (packageInstalled("moveit_msgs")) createPlanGraspsService({ ...requests, rcl });
    this.#action = new GraspAction({ ...requests, rcl });
    this.#placing = new PlaceAction({ ...requests, rcl });
    if (options.observer !== undefined) listenToLog(rcl, node, options.observer);
    this.#queries = new FollowedSubscription(rcl, node, {
      type: "std_msgs/msg/String",
      topic: "~/query",
      depth: 10,
      reliability: "auto",
      unknown: "reliable",
      raw: false,
      onMessage: (message: { data: string }) => this.#onQuery(message.data),
    });
    this.#queries.open();
    this.#parameters.onChange = (names) => {
      if (names.includes("query")) this.#onQuery(this.#parameters.values.query);
      else this.#resources?.tick();
      options.observer?.parametersChanged();
      this.#resources?.arm?.parametersChanged();
    };
    const period = this.#parameters.values.diagnostics_period * 1e3;
    this.#timers = [
      setInterval(() => this.#guard(() => this.#publishDiagnostics()), period),
      setInterval(() => this.#guard(() => this.#resources?.refresh()), 1_000),
      setInterval(() => this.#guard(() => this.#resources?.tick()), 100),
      // `ros2 topic pub --once` waits for a subscription that matches it.
      setInterval(() => this.#guard(() => this.#followPublishers()), 500),
    ];
  }

  get state(): string {
    return this.node.currentState.label;
  }

  get parameters(): Parameters {
    return this.#parameters.values;
  }

  /** Where `source` is in `target` at a stamp, or why that is not known. */
  transform(target: FrameId, source: FrameId, stamp: Stamp): Pose | string {
    return this.#resources?.transforms.now(target, source, stamp) ?? "the node is not configured";
  }

  /** Sets a parameter as a ROS client would. @throws GraspGroundingError ROS_PARAMETER */
  setParameter(name: string, value: unknown): void {
    this.#parameters.set(name, value);
  }

  /** The arm; undefined while the node is not configured, or with the parameter `arm` none. */
  get arm(): NodeArm | undefined {
    return this.#resources?.arm;
  }

  spin(): void {
    this.node.spin();
  }

  /** Configures and activates, as `autostart` asks. @throws Error with the reason */
  start(): void {
    this.node.configure();
    if (this.state !== "inactive")
      throw new GraspGroundingError("ROS_CONFIGURE", {
        detail: this.#configureProblem ?? "a transition failed",
      });
    this.node.activate();
  }

  /**
   * Stops the arm and ends goals and requests with the reason, all within this call; from now on the node refuses both.
   * `close` waits for the arm to rest.
   */
  stop(): void {
    if (this.#ending) return;
    this.#ending = true;
    const reason = new GraspGroundingError("NODE_STOPPING");
    this.#resources?.deactivate(reason);
    this.#endGoals("the node is shutting down");
  }

  async close(): Promise<void> {
    this.stop();
    await this.#endMotion();
    for (const timer of this.#timers) clearInterval(timer);
    await (await this.#endpoint)?.close();
    await this.#release();
    this.#action.close();
    this.#placing.close();
    this.#diagnostics.close();
  }

  /** Waits until goals have ended, their clients have the results and the arm rests. */
  async #endMotion(): Promise<void> {
    const restTimeout = this.#parameters.values.stop_timeout + endGrace;
    const goals = this.#goals > 0;
    await within(this.#goalsEnded(), restTimeout);
    const rests = (await this.#resources?.arm?.atRest(restTimeout * 1e3)) ?? true;
    if (!rests) this.node.getLogger().error("the arm has not come to rest; check its controller");
    // The client has the result only after it has crossed DDS; the process must not end before.
    if (goals) await pause(resultDelivery);
  }

  /** Opens the endpoint that the parameters ask for; a port that is taken is a diagnostic, no reason to stop. */
  async #serve(metrics: Metrics): Promise<RunningMetrics | undefined> {
    const { metrics_host: host, metrics_port: port } = this.#parameters.values;
    if (port === 0) return undefined;
    try {
      const running = await startMetrics(metrics, { host, port });
      this.node.getLogger().info(`metrics: ${running.url}`);
      return running;
    } catch (error) {
      this.#diagnostics.failed(error);
      this.node.getLogger().error(describe(error));
      return undefined;
    }
  }

  #registerTransitions(): void {
    const { SUCCESS, FAILURE } = this.#options.rcl.lifecycle.CallbackReturnCode;
    const transition = (action: () => void) => () => {
      try {
        action();
        return SUCCESS;
      } catch (error) {
        this.#configureProblem = describe(error);
        this.node.getLogger().error(describe(error));
        return FAILURE;
      }
    };
    const { node } = this;
    node.registerOnConfigure(transition(() => this.#configure()));
    node.registerOnActivate(transition(() => this.#activate()));
    node.registerOnDeactivate(transition(() => this.#deactivate("inactive")));
    node.registerOnCleanup(transition(() => void this.#release()));
    node.registerOnShutdown(transition(() => this.#shutDown()));
    node.registerOnError(transition(() => this.#shutDown()));
  }

  #configure(): void {
    this.#configureProblem = undefined;
    this.#resources = new NodeResources({
      rcl: this.#options.rcl,
      node: this.node,
      parameters: () => this.#parameters.values,
      diagnostics: this.#diagnostics,
      pipeline: this.#options.pipeline,
      observer: this.#options.observer,
      onArm: this.#options.onArm,
      clockProblem: () => this.#clock.problem,
      origins: this.#origins,
    });
    if (this.#query !== undefined) this.#resources.setQuery(this.#query);
    this.node.getLogger().info(`configured with model ${this.#resources.model}`);
  }

  #activate(): void {
    if (this.#ending) throw new GraspGroundingError("NODE_STOPPING");
    this.#resources?.activate();
  }

  #deactivate(state: string): void {
    this.#resources?.deactivate(this.#inactive(state));
    this.#endGoals(state === "inactive" ? "the node was deactivated" : "the node was shut down");
  }

  #shutDown(): void {
    this.#deactivate("finalized");
    void this.#release();
  }

  /** What answers requests now. @throws GraspGroundingError NODE_INACTIVE, NODE_STOPPING */
  #active(): NodeResources {
    if (this.#ending) throw new GraspGroundingError("NODE_STOPPING");
    const { state } = this;
    if (this.#resources === undefined || state !== "active") throw this.#inactive(state);
    return this.#resources;
  }

  #inactive(state: string): GraspGroundingError {
    const transition = state === "unconfigured" ? "configure" : "activate";
    return new GraspGroundingError("NODE_INACTIVE", {
      state,
      transition,
      node: this.node.getFullyQualifiedName(),
    });
  }

  /** Ends what was configured, once goals have ended that still use it. */
  async #release(): Promise<void> {
    const resources = this.#resources;
    this.#resources = undefined;
    try {
      if (this.#goals > 0) await within(this.#goalsEnded(), endGrace);
      await resources?.close();
    } catch (error) {
      this.#onError(error);
    }
  }

  get #goals(): number {
    return this.#action.active + this.#placing.active;
  }

  #goalsEnded(): Promise<unknown> {
    return Promise.all([this.#action.idle(), this.#placing.idle()]);
  }

  #endGoals(reason: string): void {
    this.#action.stop(reason);
    this.#placing.stop(reason);
  }

  #followPublishers(): void {
    this.#queries.refresh();
    this.#clarifications.refresh();
  }

  /** Does what a text says when it is an order to stop. @returns whether it is one */
  #stopsBy(text: string): boolean {
    if (!isStopOrder(text)) return false;
    this.#stopOnOrder(text.trim());
    return true;
  }

  #onQuery(text: string): void {
    this.#guard(() => {
      try {
        this.#query = text.trim() === "" ? undefined : cleanQuery(text);
      } catch (error) {
        this.#refusedQueries++;
        throw error;
      }
      const order = this.#query;
      if (order === undefined || !isStopOrder(order)) return this.#resources?.setQuery(this.#query);
      // It stops the arm and, as an empty query does, grounding.
      this.#query = undefined;
      const words = this.#stopOnOrder(order);
      this.#resources?.setQuery(undefined);
      this.#resources?.tellStopped(order, words);
    });
  }

  #stopOnOrder(query: string): string {
    const words = stopOnOrder(query, [this.#action, this.#placing], this.arm);
    this.node.getLogger().info(`"${query}": ${words}`);
    return words;
  }

  #publishDiagnostics(): void {
    const resources = this.#resources;
    const values = this.#parameters.values;
    const statuses = this.#diagnostics.publish({
      state: this.state,
      model: resources?.model,
      provider: values.provider,
      backend: resources?.backend,
      pipelineProblem: resources?.pipelineProblem ?? this.#configureProblem,
      clock: this.#clock.active ? { problem: this.#clock.problem } : undefined,
      camera: this.state === "active" ? resources?.camera : undefined,
      scheduler: resources?.scheduler ?? noCounts,
      transforms: resources?.transforms,
      arm: resources?.arm?.status(),
      targetFrame: values.target_frame,
      refusedQueries: this.#refusedQueries,
    });
    this.#options.observer?.diagnostics(statuses);
  }

  /** An exception that leaves a timer ends the process; here it becomes a line and a diagnostic. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#onError(error);
    }
  }

  #onError(error: unknown): void {
    this.#diagnostics?.failed(error);
    this.node.getLogger().warn(describe(error));
  }
}

/** Milliseconds that a goal's result gets to reach its client. */
const resultDelivery = 200;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
