import { Metrics } from "../metrics/index.js";
import type { NodeResources } from "./node-resources.js";
import { noCounts } from "./scheduler.js";

export interface NodeMetricsSources {
  readonly resources: () => NodeResources | undefined;
  readonly refusedQueries: () => number;
  /** The lifecycle state. */
  readonly state: () => string;
}

/** The figures of the node, for /metrics. The names are public. */
export function nodeMetrics(
  version: string,
  { resources, refusedQueries, state }: NodeMetricsSources,
): Metrics {
  const metrics = new Metrics("node", version);
  const scheduler = () => resources()?.scheduler ?? noCounts;
  const inputs = () => resources()?.camera.inputs ?? [];
  metrics.watch("pictures_total", "Images grounded", "counter", () => scheduler().processed);
  metrics.watch("pictures_failed_total", "Images that failed", "counter", () => scheduler().failed);
  metrics.watch(
    "pictures_dropped_total",
    "Images replaced by newer ones before their turn",
    "counter",
    () => scheduler().dropped,
  );
  metrics.watch("pictures_received_total", "Colour images that arrived", "counter", () =>
    Number(resources()?.camera.colour.received ?? 0),
  );
  metrics.watch("messages_malformed_total", "Messages that could not be read", "counter", () =>
    inputs().reduce((sum, { malformed }) => sum + malformed, 0),
  );
  metrics.watch("queued", "Requests and images that wait", "gauge", () => scheduler().queued);
  metrics.watch("queries_refused_total", "Queries refused", "counter", refusedQueries);
  metrics.watchState(
    "node_state",
    "Lifecycle state",
    ["unconfigured", "inactive", "active", "finalized"],
    state,
  );
  return metrics;
}
