import type { ParameterGroup } from "./spec.js";

/** What the node tells of itself. */
export const healthParameters = {
  diagnostics_period: {
    type: "double",
    default: 1,
    range: [0.1, 60],
    readOnly: true,
    description: "Seconds from one message on /diagnostics to the next.",
  },
  metrics_port: {
    type: "integer",
    default: 0,
    range: [0, 65535],
    readOnly: true,
    description: "Port of the Prometheus endpoint /metrics; 0 opens none.",
  },
  metrics_host: {
    type: "string",
    default: "127.0.0.1",
    readOnly: true,
    description: "Address the Prometheus endpoint listens on; it has no access control, so stay on loopback.",
  },
} as const satisfies ParameterGroup;
