/** Optional metrics for Prometheus: counted in process, served on an HTTP endpoint. */
export { type MetricsEndpoint, parseEndpoint, type RunningMetrics, startMetrics } from "./endpoint.js";
export { Metrics } from "./metrics.js";
