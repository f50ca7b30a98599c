/** Figures for Prometheus, by option: counted in process, read from an HTTP endpoint. */
export { type MetricsEndpoint, parseEndpoint, type RunningMetrics, startMetrics } from "./endpoint.js";
export { Metrics } from "./metrics.js";
