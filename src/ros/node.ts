import { describe, GraspGroundingError } from "../errors/index.js";
import type { FrameId, Pose, Stamp } from "../geometry/index.js";
import { cleanQuery } from "../grounding/index.js";
import { Metrics, type RunningMetrics, startMetrics } from "../metrics/index.js";
import type { ConfiguredArm } from "./arm/configured-arm.js";
import type { NodeArm } from "./arm/node-arm.js";
import { Diagnostics } from "./diagnostics.js";
import { NodePipeline } from "./node-bridge.js";
import { NodeResources } from "./node-resources.js";
import type { NodeObserver } from "./observer.js";
import type { Parameters } from "./parameters/index.js";
import { ParameterServer } from "./parameters/parameter-server.js";
import type { PipelineSource } from "./pipeline-host.js";
import { makeQos } from "./qos.js";
import type { Rcl, RclNode } from "./rcl.js";
import { Scheduler } from "./scheduler.js";

export interface GroundingNodeOptions {
  readonly rcl: Rcl;
  /** Makes the pipeline for the node's parameters; called when the node is configured. */
  readonly pipeline: (parameters: Parameters) => PipelineSource;
  /** Sees images, answers, diagnostics and log lines, as the console does. */
  readonly observer?: NodeObserver;
  /** Called when there is an arm to move, or none any more. */
  readonly onArm?: (arm: ConfiguredArm | undefined) => void;
  readonly name?: string;
  /** Of this software, for its metrics. */
  readonly version?: string;
}

/** The managed node /grasp_grounding. */
export class GroundingNode {
  readonly node: RclNode;
  /** The pipeline, for others in this process. */
  readonly pipeline: NodePipeline;
  readonly #options: GroundingNodeOptions;
  readonly #parameters: ParameterServer;
  readonly #diagnostics: Diagnostics;
  readonly #timers: NodeJS.Timeout[];
  readonly #idle = idleScheduler();
  readonly #endpoint: Promise<RunningMetrics | undefined>;
  #session: NodeResources | undefined;
  #configureProblem: string | undefined;
  #refusedQueries = 0;
  /** The query that came last, kept over a cleanup. */
  #query: string | undefined;

  constructor(options: GroundingNodeOptions) {
    this.#options = options;
    const { rcl } = options;
    this.node = new rcl.lifecycle.LifecycleNode(options.name ?? "grasp_grounding");
    this.#parameters = new ParameterServer(rcl, this.node);
    const metrics = this.#metrics();
    this.#diagnostics = new Diagnostics(this.node, metrics);
    this.#endpoint = this.#serve(metrics);
    this.pipeline = new NodePipeline(() => {
      if (this.#session === undefined) throw this.#inactive(this.state);
      return this.#session.host;
    });
    this.#registerTransitions();
    if (options.observer !== undefined) this.#listenToLog(options.observer);
    this.node.createSubscription(
      "std_msgs/msg/String",
      "~/query",
      { qos: makeQos(rcl, 10, "reliable") },
      (message: { data: string }) => this.#onQuery(message.data),
    );
    this.#parameters.onChange = (names) => {
      if (names.includes("query")) this.#onQuery(this.#parameters.values.query);
      else this.#session?.tick();
      options.observer?.parametersChanged();
      this.#session?.arm?.parametersChanged();
    };
    const period = this.#parameters.values.diagnostics_period * 1e3;
    this.#timers = [
      setInterval(() => this.#guard(() => this.#publishDiagnostics()), period),
      setInterval(() => this.#guard(() => this.#session?.refresh()), 1_000),
      setInterval(() => this.#guard(() => this.#session?.tick()), 100),
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
    return this.#session?.transforms.now(target, source, stamp) ?? "the node is not configured";
  }

  /** Sets a parameter as a ROS client would. @throws GraspGroundingError ROS_PARAMETER */
  setParameter(name: string, value: unknown): void {
    this.#parameters.set(name, value);
  }

  /** The arm; undefined while the node is not configured, or with the parameter `arm` none. */
  get arm(): NodeArm | undefined {
    return this.#session?.arm;
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

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await (await this.#endpoint)?.close();
    await this.#endSession();
    this.#diagnostics.close();
  }

  #metrics(): Metrics {
    const metrics = new Metrics("node", this.#options.version ?? "");
    const scheduler = () => this.#session?.scheduler ?? this.#idle;
    const inputs = () => this.#session?.camera.inputs ?? [];
    metrics.watch("pictures_total", "Images grounded", "counter", () => scheduler().processed);
    metrics.watch("pictures_failed_total", "Images that failed", "counter", () => scheduler().failed);
    metrics.watch(
      "pictures_dropped_total",
      "Images replaced by newer ones before their turn",
      "counter",
      () => scheduler().dropped,
    );
    metrics.watch("pictures_received_total", "Colour images that arrived", "counter", () =>
      Number(this.#session?.camera.colour.received ?? 0),
    );
    metrics.watch("messages_malformed_total", "Messages that could not be read", "counter", () =>
      inputs().reduce((sum, { malformed }) => sum + malformed, 0),
    );
    metrics.watch("queued", "Requests and images that wait", "gauge", () => scheduler().queued);
    metrics.watch("queries_refused_total", "Queries refused", "counter", () => this.#refusedQueries);
    metrics.watchState(
      "node_state",
      "Lifecycle state",
      ["unconfigured", "inactive", "active", "finalized"],
      () => this.state,
    );
    return metrics;
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
    node.registerOnActivate(transition(() => this.#session?.activate()));
    node.registerOnDeactivate(transition(() => this.#session?.deactivate(this.#inactive("inactive"))));
    node.registerOnCleanup(transition(() => void this.#endSession()));
    node.registerOnShutdown(transition(() => void this.#endSession()));
    node.registerOnError(transition(() => void this.#endSession()));
  }

  #configure(): void {
    this.#configureProblem = undefined;
    this.#session = new NodeResources({
      rcl: this.#options.rcl,
      node: this.node,
      parameters: () => this.#parameters.values,
      diagnostics: this.#diagnostics,
      pipeline: this.#options.pipeline,
      observer: this.#options.observer,
      onArm: this.#options.onArm,
      refusal: () => (this.state === "active" ? undefined : this.#inactive(this.state)),
    });
    if (this.#query !== undefined) this.#session.setQuery(this.#query);
    this.node.getLogger().info(`configured with model ${this.#session.model}`);
  }

  #inactive(state: string): GraspGroundingError {
    const transition = state === "unconfigured" ? "configure" : "activate";
    return new GraspGroundingError("NODE_INACTIVE", {
      state,
      transition,
      node: this.node.getFullyQualifiedName(),
    });
  }

  async #endSession(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close().catch((error) => this.node.getLogger().error(describe(error)));
  }

  #onQuery(text: string): void {
    this.#guard(() => {
      try {
        this.#query = text.trim() === "" ? undefined : cleanQuery(text);
      } catch (error) {
        this.#refusedQueries++;
        throw error;
      }
      this.#session?.setQuery(this.#query);
    });
  }

  #publishDiagnostics(): void {
    const session = this.#session;
    const values = this.#parameters.values;
    const statuses = this.#diagnostics.publish({
      state: this.state,
      model: session?.model,
      provider: values.provider,
      backend: session?.backend,
      pipelineProblem: session?.pipelineProblem ?? this.#configureProblem,
      camera: this.state === "active" ? session?.camera : undefined,
      scheduler: session?.scheduler ?? this.#idle,
      transforms: session?.transforms,
      arm: session?.arm?.status(),
      targetFrame: values.target_frame,
      refusedQueries: this.#refusedQueries,
    });
    this.#options.observer?.diagnostics(statuses);
  }

  #listenToLog(observer: NodeObserver): void {
    const own = this.node.getFullyQualifiedName().slice(1).replaceAll("/", ".");
    this.node.createSubscription(
      "rcl_interfaces/msg/Log",
      "/rosout",
      { qos: makeQos(this.#options.rcl, 50, "reliable") },
      ({ level, name, msg }: { level: number; name: string; msg: string }) => {
        // rcl_interfaces/msg/Log: 20 info, 30 warn, 40 error, 50 fatal
        const mine = name === own;
        if (level < (mine ? 20 : 30)) return;
        const severity = level >= 40 ? "error" : level >= 30 ? "warn" : "info";
        observer.log(severity, mine ? msg : `${name}: ${msg}`);
      },
    );
  }

  /** rclnodejs ends the process on an exception that leaves a callback; here it becomes a line and a diagnostic. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#diagnostics.failed(error);
      this.node.getLogger().warn(describe(error));
    }
  }
}

/** What diagnostics count while there is no session: nothing. */
const idleScheduler = (): Scheduler =>
  new Scheduler({
    run: () => undefined,
    settings: () => {
      throw new RangeError("there is no pipeline");
    },
    continuous: () => ({ query: undefined, maxRate: 0 }),
    reuse: () => 0,
    onFinished: () => {},
    onFailure: () => {},
    why: () => "the node is not configured",
    topic: () => "",
  });
