import { basename } from "node:path";
import { type BagReader, type FrameHandle, openBag, rgbdFrames } from "../../bags/index.js";
import { describe } from "../../errors/index.js";
import type { ConsoleSource, Playback, PlaybackState, SourceListener } from "../types.js";

/** Recorded topics and tolerance, as for `replay`. */
export interface BagSourceOptions {
  readonly colour?: string;
  readonly depth?: string;
  readonly cameraInfo?: string;
  readonly depthInfo?: string;
  readonly depthRegistered?: boolean;
  readonly rectified?: boolean;
  readonly tolerance?: number;
  /** Starts paused on the first frame. Default false. */
  readonly paused?: boolean;
  /** Default true. */
  readonly loop?: boolean;
}

/** A frame this much behind its time is dropped, in milliseconds. */
const late = 40;

/** However far behind: after this many milliseconds without an image one is shown, and time counts from there. */
const longest = 500;

/** Plays a recording in real time: paced by its log times, at a chosen speed, in a loop when asked to. */
export class BagSource implements ConsoleSource, Playback {
  readonly kind = "bag";
  readonly name: string;
  readonly #bag: BagReader;
  readonly #options: BagSourceOptions;
  readonly #start: bigint;
  readonly #duration: number;
  #listener: SourceListener | undefined;
  #playing: boolean;
  #loop: boolean;
  #rate = 1;
  #position = 0;
  #dropped = 0;
  #failures: string | undefined;
  /** Bumped by whatever makes the frames in hand stale. */
  #epoch = 0;
  /** Shows one frame although paused. */
  #peek = true;
  #wake: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  private constructor(bag: BagReader, options: BagSourceOptions) {
    this.#bag = bag;
    this.#options = options;
    this.name = basename(bag.path);
    this.#start = bag.startTime ?? 0n;
    this.#duration = Number((bag.endTime ?? this.#start) - this.#start) / 1e9;
    this.#playing = options.paused !== true;
    this.#loop = options.loop ?? true;
  }

  /** @throws GraspGroundingError BAG_*, DEPTH_WITHOUT_CAMERA: the choice of topics is tried at once */
  static async open(path: string, options: BagSourceOptions = {}): Promise<BagSource> {
    const bag = await openBag(path);
    try {
      await rgbdFrames(bag, frameOptions(options));
    } catch (error) {
      await bag.close();
      throw error;
    }
    return new BagSource(bag, options);
  }

  get dropped(): number {
    return this.#dropped;
  }

  get problems(): readonly string[] {
    return this.#failures === undefined ? this.#bag.damage : [...this.#bag.damage, this.#failures];
  }

  get playback(): Playback {
    return this;
  }

  get state(): PlaybackState {
    return {
      playing: this.#playing,
      position: this.#position,
      duration: this.#duration,
      rate: this.#rate,
      loop: this.#loop,
    };
  }

  start(listener: SourceListener): void {
    this.#listener = listener;
    this.#running ??= this.#run();
  }

  play(): void {
    if (this.#position >= this.#duration - 1e-6) this.#position = 0;
    this.#playing = true;
    this.#interrupt();
  }

  pause(): void {
    this.#playing = false;
    this.#interrupt();
  }

  seek(position: number): void {
    this.#position = Math.min(Math.max(position, 0), this.#duration);
    this.#peek = true;
    this.#interrupt();
  }

  async step(frames: number): Promise<void> {
    this.pause();
    const target = await this.#neighbour(frames);
    if (target !== undefined) this.seek(target);
  }

  setRate(rate: number): void {
    this.#rate = rate;
    this.#interrupt();
  }

  setLoop(loop: boolean): void {
    this.#loop = loop;
    this.#listener?.changed();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#interrupt();
    await this.#running;
    await this.#bag.close();
  }

  #interrupt(): void {
    this.#epoch++;
    this.#wake?.();
    this.#listener?.changed();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (!this.#playing && !this.#peek) {
        await this.#sleep(undefined);
        continue;
      }
      try {
        await this.#play(this.#epoch);
      } catch (error) {
        // One unusable stretch must not end the console; it is said, and playing stops.
        this.#failures = describe(error);
        this.#playing = false;
        this.#peek = false;
        this.#listener?.changed();
      }
    }
  }

  /** Frames from the present position on, until something changes or the recording ends. */
  async #play(epoch: number): Promise<void> {
    let began: { readonly wall: number; readonly at: number } | undefined;
    let shown = 0;
    let lastShown = Number.NEGATIVE_INFINITY;
    for await (const handle of await this.#frames(this.#position)) {
      if (epoch !== this.#epoch) return;
      const at = this.#seconds(handle);
      began ??= { wall: performance.now(), at };
      const wait = began.wall + ((at - began.at) * 1000) / this.#rate - performance.now();
      if (wait > 1) await this.#sleep(wait);
      if (epoch !== this.#epoch) return;
      const now = performance.now();
      if (wait < -late && now - lastShown < longest) {
        this.#dropped++;
        continue;
      }
      if (wait < -late) began = { wall: now, at };
      lastShown = now;
      const frame = await handle.load();
      if (epoch !== this.#epoch) return;
      this.#position = at;
      this.#peek = false;
      shown++;
      this.#listener?.frame({ frame, position: at });
      if (!this.#playing) return;
    }
    this.#peek = false;
    if (this.#loop && this.#playing && this.#duration > 0) {
      this.#position = 0;
      // A recording of one frame must not spin.
      if (shown < 2) await this.#sleep(200);
    } else {
      this.#playing = false;
      this.#position = this.#duration;
    }
    this.#listener?.changed();
  }

  #frames(position: number, to?: number) {
    return rgbdFrames(this.#bag, {
      ...frameOptions(this.#options),
      from: this.#time(position),
      ...(to !== undefined && { to: this.#time(to) }),
    });
  }

  /** Position of the frame `frames` after the present one (before it when negative), where there is one. */
  async #neighbour(frames: number): Promise<number | undefined> {
    if (frames >= 0) {
      let left = frames;
      for await (const handle of await this.#frames(this.#position + 1e-6)) {
        if (--left <= 0) return this.#seconds(handle);
      }
      return undefined;
    }
    // Back: a window that grows until it holds enough frames, so that no index of the whole bag is needed.
    for (let window = 1; ; window *= 4) {
      const from = Math.max(0, this.#position - window);
      const found: number[] = [];
      for await (const handle of await this.#frames(from, this.#position)) {
        const at = this.#seconds(handle);
        if (at < this.#position - 1e-6) found.push(at);
      }
      const target = found.at(frames);
      if (target !== undefined || from === 0) return target ?? found[0];
    }
  }

  #seconds(handle: FrameHandle): number {
    return Number(handle.logTime - this.#start) / 1e9;
  }

  #time(position: number): bigint {
    return this.#start + BigInt(Math.round(position * 1e9));
  }

  /** Until `ms` have passed or something changed; the pending frames of a bag are not read meanwhile. */
  #sleep(ms: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(done, ms);
      const previous = this.#wake;
      const self = this;
      function done(): void {
        clearTimeout(timer);
        self.#wake = undefined;
        resolve();
      }
      this.#wake = () => {
        previous?.();
        done();
      };
    });
  }
}

const frameOptions = ({ paused: _, loop: __, ...frames }: BagSourceOptions) => frames;
