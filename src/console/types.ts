import type { RgbdFrame } from "../geometry/index.js";

/** A picture as the console's source gives it. */
export interface SourceFrame {
  readonly frame: RgbdFrame;
  /** Seconds from the start of the recording; absent for a live camera. */
  readonly position?: number;
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
  /** Playback, drops or damage changed. */
  changed(): void;
}

/** Where the console's pictures come from: a recording, or a live camera that another part adapts. */
export interface ConsoleSource {
  readonly kind: "bag" | "live";
  /** For people, e.g. the file's name. */
  readonly name: string;
  /** Frames left out because decoding them would have come too late. */
  readonly dropped: number;
  /** What is wrong with it, in words; empty when all is well. */
  readonly problems: readonly string[];
  readonly playback?: Playback;
  start(listener: SourceListener): void;
  close(): Promise<void>;
}
