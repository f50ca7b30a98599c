import type { RgbdFrame } from "../geometry/index.js";
import type { GraspPipeline, PipelineResult } from "../pipeline/index.js";
import type { HealthItem, ParameterView } from "./protocol.js";

/** The pipeline's methods that the console calls, on the pipeline itself or on a proxy of it. */
export type ConsolePipeline = Pick<GraspPipeline, "model" | "process" | "ground" | "plan">;

/** An image as the console's source gives it. */
export interface SourceFrame {
  readonly frame: RgbdFrame;
  /** Seconds from the start of the recording; absent for a live camera. */
  readonly position?: number;
  /** The frame with its depth and camera, where `frame` is the image alone: decoded on demand. */
  readonly complete?: () => Promise<RgbdFrame>;
}

/** What a recording is doing. Times in seconds from its start. */
export interface PlaybackState {
  readonly playing: boolean;
  readonly position: number;
  readonly duration: number;
  /** 1 is the speed it was recorded at. */
  readonly rate: number;
  readonly loop: boolean;
}

/** The controls of a recording. Each takes effect at once; a seek while paused shows the frame at that time. */
export interface Playback {
  readonly state: PlaybackState;
  play(): void;
  pause(): void;
  /** @param position seconds from the start; held within the recording */
  seek(position: number): void;
  /** Pauses and goes `frames` frames on, or back when negative. */
  step(frames: number): Promise<void>;
  setRate(rate: number): void;
  setLoop(loop: boolean): void;
}

/** What a source tells the console. */
export interface SourceListener {
  frame(frame: SourceFrame): void;
  /** Playback, drops, damage, health or parameters changed. */
  changed(): void;
  /** Another client asked the pipeline, and these are the results. */
  answered?(source: SourceFrame, results: readonly PipelineResult[]): void;
  log?(level: "info" | "warn" | "error", text: string): void;
}

/** Where the console's images come from: a recording, or a live camera that another part adapts. */
export interface ConsoleSource {
  readonly kind: "bag" | "live";
  /** For people, e.g. the file's name. */
  readonly name: string;
  /** Frames dropped because decoding them would have come too late. */
  readonly dropped: number;
  /** What is wrong with it, in words; empty when all is well. */
  readonly problems: readonly string[];
  readonly playback?: Playback;
  /** How the parts behind it are; the console adds its own. */
  readonly health?: readonly HealthItem[];
  /** Parameters of the source. */
  readonly parameters?: readonly ParameterView[];
  /** @throws GraspGroundingError when it is refused, with the reason */
  setParameter?(name: string, value: boolean | number | string): void;
  /** Number of clients that watch: without one images need not come often. */
  watched?(clients: number): void;
  start(listener: SourceListener): void;
  close(): Promise<void>;
}
