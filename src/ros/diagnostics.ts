import { describe, levelOf } from "../errors/index.js";
import type { Seconds } from "../geometry/index.js";
import { timeOf } from "../messages/index.js";
import type { Metrics } from "../metrics/index.js";
import type { CameraInput } from "./camera/camera-input.js";
import type { BackendStatus } from "./job.js";
import type { RclNode, RclPublisher } from "./rcl.js";
import type { Finished, SchedulerCounts } from "./scheduler.js";
import type { Transforms } from "./transforms.js";

/** diagnostic_msgs/msg/DiagnosticStatus */
export const level = { ok: 0, warn: 1, error: 2, stale: 3 } as const;
type Level = (typeof level)[keyof typeof level];

export interface Status {
  readonly level: Level;
  readonly name: string;
  readonly message: string;
  readonly values: Readonly<Record<string, string | number>>;
}

export interface DiagnosticsDependencies {
  readonly state: string;
  readonly model: string | undefined;
  readonly provider: string;
  /** Where the model runs, and the back end's report of itself; undefined before the pipeline's first report. */
  readonly backend: BackendStatus["backend"] | undefined;
  /** Why the pipeline is not there. */
  readonly pipelineProblem: string | undefined;
  /** Simulated time; undefined where the system's is used. */
  readonly clock: { readonly problem: string | undefined } | undefined;
  readonly camera: CameraInput | undefined;
  readonly scheduler: SchedulerCounts;
  readonly transforms: Transforms | undefined;
  /** Undefined without an arm. */
  readonly arm: Status | undefined;
  readonly targetFrame: string;
  readonly refusedQueries: number;
}

/** Publishes /diagnostics: state, rates, latencies, counts of drops, and each problem with its remedy. */
export class Diagnostics {
  readonly #node: RclNode;
  readonly #metrics: Metrics;
  readonly #publisher: RclPublisher;
  readonly #handOver = new Latencies();
  readonly #pipeline = new Latencies();
  #lastFailure: { readonly message: string; readonly level: Level; readonly at: number } | undefined;
  #window = { at: performance.now(), received: 0, processed: 0 };

  constructor(node: RclNode, metrics: Metrics) {
    this.#node = node;
    this.#metrics = metrics;
    this.#publisher = node.createPublisher("diagnostic_msgs/msg/DiagnosticArray", "/diagnostics");
  }

  close(): void {
    this.#node.destroyPublisher(this.#publisher);
  }

  finished({ latency, done }: Finished): void {
    this.#handOver.add(latency.handOver);
    this.#pipeline.add(latency.pipeline);
    this.#metrics.took("hand_over", latency.handOver / 1e3);
    this.#metrics.took("pipeline", latency.pipeline / 1e3);
    for (const { found } of done.results) this.#metrics.answered(found ? "found" : "not_found");
    const problem = done.problems[0];
    if (problem !== undefined) this.failed(problem);
  }

  /** Shows an error, or a problem by its code and message, for a while and at the catalogue's level. */
  failed(error: unknown): void {
    this.#metrics.failed(error);
    this.#lastFailure = { message: describe(error), level: level[levelOf(error)], at: performance.now() };
  }

  /** @returns the statuses that were published */
  publish(dependencies: DiagnosticsDependencies): readonly Status[] {
    const name = this.#node.getFullyQualifiedName();
    const statuses = this.statuses(dependencies);
    this.#publisher.publish({
      header: { stamp: timeOf(this.#node.now().nanoseconds), frame_id: "" },
      status: statuses.map((status) => ({
        level: status.level,
        name: `${name}: ${status.name}`,
        message: status.message,
        hardware_id: "grasp_grounding",
        values: Object.entries(status.values).map(([key, value]) => ({ key, value: String(value) })),
      })),
    });
    return statuses;
  }

  statuses(dependencies: DiagnosticsDependencies): readonly Status[] {
    const { camera, scheduler, transforms } = dependencies;
    const now = performance.now();
    const seconds = Math.max(1e-3, (now - this.#window.at) / 1e3);
    const received = camera?.colour.received ?? 0;
    const rate = Math.max(0, received - this.#window.received) / seconds;
    const processing = Math.max(0, scheduler.processed - this.#window.processed) / seconds;
    this.#window = { at: now, received, processed: scheduler.processed };
    const recent =
      this.#lastFailure && now - this.#lastFailure.at < failureShownFor * 1e3 ? this.#lastFailure : undefined;
    const statuses: Status[] = [
      {
        name: "pipeline",
        level: dependencies.pipelineProblem ? level.error : (recent?.level ?? level.ok),
        message: dependencies.pipelineProblem ?? recent?.message ?? dependencies.state,
        values: {
          state: dependencies.state,
          model: dependencies.model ?? "",
          execution_provider: dependencies.provider,
          processed: scheduler.processed,
          processed_hz: processing.toFixed(2),
          failed: scheduler.failed,
          dropped: scheduler.dropped,
          withdrawn: scheduler.withdrawn,
          queued: scheduler.queued,
          refused_queries: dependencies.refusedQueries,
          hand_over_ms_p50: this.#handOver.quantile(0.5).toFixed(2),
          hand_over_ms_p99: this.#handOver.quantile(0.99).toFixed(2),
          pipeline_ms_p50: this.#pipeline.quantile(0.5).toFixed(1),
          pipeline_ms_p99: this.#pipeline.quantile(0.99).toFixed(1),
        },
      },
    ];
    if (dependencies.backend !== undefined) statuses.push(backendStatus(dependencies.backend));
    const { clock } = dependencies;
    if (clock !== undefined)
      statuses.push({
        name: "clock",
        level: clock.problem === undefined ? level.ok : level.error,
        message: clock.problem ?? "follows /clock",
        values: {},
      });
    if (camera !== undefined) {
      const { problem, colourLoss: loss } = camera;
      const broken = camera.inputs.some((each) => each.problem !== undefined);
      statuses.push({
        name: "camera",
        level: broken ? level.error : problem ? level.warn : level.ok,
        message: problem ?? "images arrive",
        values: {
          colour_topic: camera.colour.topic,
          received,
          received_hz: rate.toFixed(2),
          reliability: camera.colour.reliability ?? "",
          publishers: camera.colour.publishers,
          malformed: camera.inputs.reduce((sum, each) => sum + each.malformed, 0),
          depth_received: camera.depth?.received ?? 0,
          images_sent: loss?.sent ?? "",
          images_arrived: loss?.arrived ?? "",
          skew_ms: camera.lastSkew === undefined ? "" : (camera.lastSkew * 1e3).toFixed(2),
          ...camera.counts,
        },
      });
    }
    if (transforms !== undefined)
      statuses.push({
        name: "transforms",
        level: dependencies.targetFrame !== "" && transforms.problem ? level.error : level.ok,
        message: transforms.problem ?? (dependencies.targetFrame === "" ? "not used" : "available"),
        values: {
          target_frame: dependencies.targetFrame,
          frames: transforms.buffer.size,
          tf_age_s: ageText(transforms.silence),
          refused: transforms.refused,
        },
      });
    if (dependencies.arm !== undefined) statuses.push(dependencies.arm);
    return statuses;
  }
}

/** `workers` reads `1 of 2 ready`: fewer than all is a warning, none an error. */
function backendStatus({ description, report }: BackendStatus["backend"]): Status {
  const [, ready = "1", all = "1"] = /^(\d+) of (\d+) ready$/.exec(String(report.workers ?? "")) ?? [];
  const worst = Number(ready) === 0 ? level.error : Number(ready) < Number(all) ? level.warn : level.ok;
  const message = report.workers === undefined ? description : `${description}, workers: ${report.workers}`;
  return { name: "inference", level: worst, message, values: { backend: description, ...report } };
}

/** Seconds a failure stays visible after it happened. */
const failureShownFor = 5;

const ageText = (age: Seconds | undefined): string => (age === undefined ? "" : age.toFixed(2));

/** The last few hundred latencies, for quantiles. */
class Latencies {
  readonly #values = new Float64Array(512);
  #count = 0;

  add(ms: number): void {
    this.#values[this.#count++ % this.#values.length] = ms;
  }

  quantile(q: number): number {
    const n = Math.min(this.#count, this.#values.length);
    if (n === 0) return 0;
    const sorted = this.#values.slice(0, n).sort();
    return sorted[Math.min(n - 1, Math.floor(q * n))]!;
  }
}
