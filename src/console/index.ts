/** The teleop console: a server with page, API and live transport over any source of images and the one bridge. */

export type { ConsoleArm } from "./motion/console-arm.js";
export type { HealthItem, ParameterView } from "./protocol.js";
export { BagSource } from "./server/bag-source.js";
export { type ConsoleOptions, type RunningConsole, startConsole } from "./server/server.js";
export type {
  ConsoleSource,
  SourceListener,
} from "./types.js";
