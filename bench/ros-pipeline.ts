import type { RgbdFrame } from "../src/geometry/index.js";
import { GraspPipeline, type PipelineResult } from "../src/pipeline/index.js";

/** Shared with the process that measures: number of frames, then the latency of each in milliseconds. */
export interface RosBenchOptions {
  readonly latencies: SharedArrayBuffer;
  /** Whether an image without depth does not count: it would be half the work. */
  readonly depth: boolean;
}

/** A pipeline that ends where a model would begin: it notes the time at which a decoded frame arrives. */
class Gauge extends GraspPipeline {
  readonly #latencies: Float64Array;
  readonly #depth: boolean;

  constructor({ latencies, depth }: RosBenchOptions) {
    super({ grounder: { model: "none", ground: async () => [], close: async () => {} } });
    this.#latencies = new Float64Array(latencies);
    this.#depth = depth;
  }

  override process(frame: RgbdFrame, queries: readonly string[]): Promise<readonly PipelineResult[]> {
    const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1_000n;
    const values = this.#latencies;
    const at = (values[0] ?? 0) + 1;
    if (this.#depth && frame.depth === undefined) return super.process(frame, queries);
    if (at < values.length) values[at] = Number(now - frame.stamp) / 1e6;
    values[0] = at;
    return super.process(frame, queries);
  }
}

export const createPipeline = async (options: RosBenchOptions): Promise<GraspPipeline> => new Gauge(options);
