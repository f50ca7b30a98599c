/** The teleop console: a server with page, API and live transport over any source of pictures and the one bridge. */
export { BagSource, type BagSourceOptions } from "./bag-source.js";
export type { ConsoleArm } from "./console-arm.js";
export type { HealthItem, ParameterView, RobotView } from "./protocol.js";
export { type ConsoleOptions, type RunningConsole, startConsole } from "./server.js";
export type {
  ConsoleBridge,
  ConsoleSource,
  Playback,
  PlaybackState,
  SourceFrame,
  SourceListener,
} from "./types.js";
