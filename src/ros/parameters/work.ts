import { askPolicies } from "../../grounding/index.js";
import type { ParameterGroup } from "./spec.js";

/** Start of the node, queries and rates. */
export const workParameters = {
  autostart: {
    type: "boolean",
    default: true,
    readOnly: true,
    description: "Configure and activate at start; off when a lifecycle manager does it.",
  },
  load_timeout: {
    type: "double",
    default: 120,
    range: [1, 3600],
    readOnly: true,
    description: "Seconds that loading the model may take before configuring fails.",
  },
  mode: {
    type: "string",
    default: "continuous",
    options: ["continuous", "on_demand"],
    description:
      "continuous grounds the last query on every image; on_demand answers each query once, on the newest image.",
  },
  query: {
    type: "string",
    default: "",
    description: "Query to ground until one arrives on ~/query; empty grounds nothing.",
  },
  effort: {
    type: "string",
    default: "careful",
    options: ["fast", "careful"],
    description:
      "Work for an answer to a request: careful takes a closer look at the best candidates at the image's own resolution, and asks again without the answer. Continuous mode is always fast.",
  },
  ask: {
    type: "string",
    default: "never",
    options: askPolicies,
    description:
      "Ask back which object is meant: never, when_unsure (several fit equally well), or always. A goal of ~/grasp then waits for the reply on ~/clarify.",
  },
  clarify_timeout: {
    type: "double",
    default: 30,
    range: [1, 600],
    description: "Seconds for which a goal of ~/grasp waits for the reply to its question.",
  },
  frame_reuse: {
    type: "double",
    default: 1,
    range: [0, 86400],
    description:
      "Seconds for which an image that has arrived may answer a request; 0 always waits for the next one, as goals that execute do.",
  },
  max_rate: {
    type: "double",
    default: 0,
    range: [0, 1000],
    description: "Images per second at most in continuous mode; 0 for no limit.",
  },
} as const satisfies ParameterGroup;
