/** The teleop console: a server with page, API and live transport over any source of images and the one bridge. */

export type { ConsoleArm } from "./motion/console-arm.js";
export type { HealthItem, ParameterView, RobotView } from "./protocol.js";
export { BagSource, type BagSourceOptions } from "./server/bag-source.js";
export { type ConsoleOptions, type RunningConsole, startConsole } from "./server/server.js";
export type {
  ConsolePipeline,
  ConsoleSource,
  Playback,
  PlaybackState,
  SourceFrame,
  SourceListener,
} from "./types.js";
