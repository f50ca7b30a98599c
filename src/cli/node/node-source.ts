import type { ConsoleSource, HealthItem, ParameterView, SourceListener } from "../../console/index.js";
import { describe } from "../../errors/index.js";
import type { RgbdFrame } from "../../geometry/index.js";
import type { PipelineResult } from "../../pipeline/index.js";
import {
  type GroundingNode,
  type NodeObserver,
  type ObservedImage,
  parameterNames,
  parameterSpecs,
  type Status,
} from "../../ros/index.js";

/** Milliseconds between images handed to the console: with and without a client. */
const watchedEvery = 1000 / 15;
const unwatchedEvery = 1000;

const levels = ["ok", "warn", "error", "stale"] as const;

/** The ROS node as the console's source: its images, answers, health, log and parameters. */
export class NodeSource implements ConsoleSource, NodeObserver {
  readonly kind = "live";
  readonly name: string;
  #node: GroundingNode | undefined;
  #listener: SourceListener | undefined;
  #health: readonly HealthItem[] = [];
  #problem: string | undefined;
  #clients = 0;
  #dropped = 0;
  #lastFrame = 0;
  #decoding = false;

  constructor(name = "ROS 2") {
    this.name = name;
  }

  /** The node, once it is there. */
  attach(node: GroundingNode): void {
    this.#node = node;
  }

  get dropped(): number {
    return this.#dropped;
  }

  get problems(): readonly string[] {
    const camera = this.#health.find(({ name, level }) => name === "camera" && level !== "ok");
    return [camera?.text, this.#problem].filter((text) => text !== undefined);
  }

  get health(): readonly HealthItem[] {
    return this.#health;
  }

  get parameters(): readonly ParameterView[] {
    const values = this.#node?.parameters;
    if (values === undefined) return [];
    return parameterNames.map((name) => {
      const spec = parameterSpecs[name];
      return {
        name,
        type: spec.type,
        value: values[name],
        default: spec.default,
        description: spec.description,
        readOnly: "readOnly" in spec,
        ...("range" in spec && { range: [...spec.range] as [number, number] }),
        ...("options" in spec && { options: [...spec.options] }),
      };
    });
  }

  setParameter(name: string, value: boolean | number | string): void {
    this.#node?.setParameter(name, value);
  }

  start(listener: SourceListener): void {
    this.#listener = listener;
    listener.changed();
  }

  watched(clients: number): void {
    this.#clients = clients;
  }

  async close(): Promise<void> {
    this.#listener = undefined;
  }

  wantsFrame(): boolean {
    if (this.#listener === undefined) return false;
    const pause = this.#clients > 0 ? watchedEvery : unwatchedEvery;
    // A quarter of slack, or a camera just below the rate would lose every second image.
    if (performance.now() - this.#lastFrame < pause * 0.75) return false;
    if (!this.#decoding) return true;
    this.#dropped++;
    return false;
  }

  wantsAnswers(): boolean {
    return this.#listener !== undefined && this.#clients > 0;
  }

  frame(image: ObservedImage): void {
    this.#lastFrame = performance.now();
    this.#decoding = true;
    image
      .colour()
      .then(
        (frame) => {
          this.#problem = undefined;
          this.#listener?.frame({ frame, complete: () => image.fullFrame() });
        },
        (error) => {
          this.#problem = describe(error);
        },
      )
      .finally(() => {
        this.#decoding = false;
      });
  }

  answered(frame: RgbdFrame, results: readonly PipelineResult[]): void {
    this.#listener?.answered?.({ frame }, results);
  }

  diagnostics(statuses: readonly Status[]): void {
    this.#health = statuses.map(({ name, level, message, values }) => ({
      name,
      level: levels[level],
      text: message,
      values: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)])),
    }));
    this.#listener?.changed();
  }

  log(level: "info" | "warn" | "error", text: string): void {
    this.#listener?.log?.(level, text);
  }

  parametersChanged(): void {
    this.#listener?.changed();
  }
}
