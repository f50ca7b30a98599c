import { GraspGroundingError } from "../errors/index.js";
import { type Seconds, type Stamp, secondsBetween } from "../geometry/index.js";
import type { ReadyFrame } from "./camera/camera-input.js";
import { discard } from "./discard.js";
import type { Job, JobResult, QueryResult, Reach } from "./job.js";
import { JobError } from "./pipeline-host.js";

/** A finished job with what the node knows of its frame. */
export interface Finished {
  readonly done: JobResult;
  readonly skew?: Seconds;
  readonly hasDepth: boolean;
  /** Milliseconds from colour's arrival to the hand-over, and from there to the answer. */
  readonly latency: { readonly handOver: number; readonly pipeline: number };
}

export interface Answer {
  readonly finished: Finished;
  readonly result: QueryResult;
}

export interface RequestOptions {
  readonly query: string;
  readonly timeout: Seconds;
  readonly notBefore?: Stamp;
  readonly needDepth?: boolean;
  /** Give what the camera saw, as points: for a motion. */
  readonly scenePoints?: boolean;
  readonly onStart?: () => void;
}

export interface SchedulerOptions {
  /** Runs a job; undefined while there is no pipeline. With the signal, what is not done of it is given up. */
  readonly run: (job: Job, signal: AbortSignal) => Promise<JobResult> | undefined;
  readonly settings: () => Omit<Job, "frame" | "queries" | "clouds" | "reach">;
  /** The arm as an image's grasps have to be reached; undefined where none is known. */
  readonly reach?: (frame: ReadyFrame) => Reach | undefined;
  /** The query grounded on every image, and how often at most (0: no limit). */
  readonly continuous: () => { readonly query: string | undefined; readonly maxRate: number };
  /** Seconds for which an image that has arrived may answer a request. */
  readonly reuse: () => Seconds;
  readonly onFinished: (finished: Finished) => void;
  readonly onFailure: (error: Error) => void;
  /** Why no images come, for the message of a request that ran out of time. */
  readonly why: () => string;
  readonly topic: () => string;
}

interface Request extends RequestOptions {
  /** When it came, by performance.now(). */
  readonly asked: number;
  readonly settle: (answer: Answer | Error) => void;
}

interface Running {
  /** Requests that wait for it. */
  readonly due: readonly Request[];
  /** The query of continuous mode is in it. */
  readonly continuous: boolean;
  readonly stop: AbortController;
}

/**
 * Decides what the pipeline works on next: one job at a time, always on the newest image (an older one that waits is
 * replaced and counted), all requests that the image can answer in one job. A job is given up when nobody waits for it any
 * more, and one of continuous mode when a request waits that an image at hand can answer.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #waiting: ReadyFrame | undefined;
  #last: { readonly frame: ReadyFrame; readonly hasDepth: boolean } | undefined;
  #requests: Request[] = [];
  #running: Running | undefined;
  #open = false;
  #lastStart = Number.NEGATIVE_INFINITY;
  #dropped = 0;
  #processed = 0;
  #failed = 0;
  #withdrawn = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Images replaced by newer ones before their turn, while there was something to ground. */
  get dropped(): number {
    return this.#dropped;
  }

  get processed(): number {
    return this.#processed;
  }

  get failed(): number {
    return this.#failed;
  }

  /** Jobs given up before they were done. */
  get withdrawn(): number {
    return this.#withdrawn;
  }

  get queued(): number {
    return this.#requests.length + (this.#waiting === undefined ? 0 : 1);
  }

  open(): void {
    this.#open = true;
  }

  /** Refuses what waits with `reason`. */
  close(reason: Error): void {
    this.#open = false;
    this.#waiting = undefined;
    this.#last = undefined;
    for (const request of this.#requests.splice(0)) request.settle(reason);
    this.#running?.stop.abort();
  }

  /** Forgets images, after a jump of their clock. */
  forget(): void {
    this.#waiting = undefined;
    this.#last = undefined;
    this.#running?.stop.abort();
  }

  offer(frame: ReadyFrame): void {
    const replaced = this.#waiting;
    if (replaced !== undefined && this.#options.continuous().query !== undefined) this.#dropped++;
    discard(replaced?.bytes.colour.cdr, replaced?.bytes.depth?.cdr);
    this.#waiting = frame;
    this.pump();
  }

  /** @throws (by rejecting) GraspGroundingError FRAME_TIMEOUT, or what the pipeline refused the query with */
  request(options: RequestOptions): { readonly answer: Promise<Answer>; readonly cancel: () => void } {
    let cancel = (): void => {};
    const answer = new Promise<Answer>((resolve, reject) => {
      const request: Request = {
        ...options,
        asked: performance.now(),
        settle: (outcome) => {
          clearTimeout(timer);
          this.#requests = this.#requests.filter((each) => each !== request);
          this.#withdrawUnwanted();
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        },
      };
      const timer = setTimeout(() => {
        const { timeout: seconds } = options;
        const why = this.#tooOld(options.notBefore) ?? this.#options.why();
        const detail = this.#running ? `the pipeline is busy; ${why}` : why;
        request.settle(
          new GraspGroundingError("FRAME_TIMEOUT", { seconds, detail, topic: this.#options.topic() }),
        );
      }, options.timeout * 1e3);
      cancel = () => request.settle(new GraspGroundingError("INTERNAL", { detail: "cancelled" }));
      this.#requests.push(request);
    });
    this.#withdrawUnwanted();
    this.pump();
    return { answer, cancel };
  }

  /** Says so when images do come, and all of them were taken too early. */
  #tooOld(notBefore: Stamp | undefined): string | undefined {
    const newest = this.#waiting?.stamp ?? this.#last?.frame.stamp;
    if (notBefore === undefined || newest === undefined || newest >= notBefore) return undefined;
    const seconds = secondsBetween(notBefore, newest).toFixed(1);
    return `the newest image was taken ${seconds} s too early; check that the camera's clock and this one's agree`;
  }

  #withdrawUnwanted(): void {
    if (this.#running === undefined) return;
    const { due, continuous, stop } = this.#running;
    if (due.some((each) => this.#requests.includes(each))) return;
    if (!continuous || (this.#candidate()?.due.length ?? 0) > 0) stop.abort();
  }

  /** The image to work on, and the requests that it can answer. */
  #candidate() {
    const fresh = this.#waiting;
    const frame = fresh ?? this.#reusable();
    if (frame === undefined) return undefined;
    const hasDepth = fresh ? fresh.bytes.depth !== undefined : this.#last!.hasDepth;
    const due = this.#requests.filter(
      (each) =>
        // One that waits since before the request may have been the camera's last.
        frame.arrived >= each.asked - this.#options.reuse() * 1e3 &&
        (each.notBefore ?? 0n) <= frame.stamp &&
        (hasDepth || each.needDepth !== true),
    );
    return { frame, fresh: fresh !== undefined, hasDepth, due };
  }

  /** Starts the next job if there is something to do. */
  pump(): void {
    if (this.#running !== undefined || !this.#open) return;
    const candidate = this.#candidate();
    if (candidate === undefined) return;
    const { frame, fresh, hasDepth, due } = candidate;
    const { query, maxRate } = this.#options.continuous();
    const mayRepeat = maxRate === 0 || performance.now() - this.#lastStart >= 1e3 / maxRate;
    const queries = [...new Set(due.map((each) => each.query))];
    const continuous = query !== undefined && fresh && mayRepeat;
    if (continuous && !queries.includes(query)) queries.push(query);
    if (queries.length === 0) return;
    this.#start(frame, fresh, hasDepth, queries, { due, continuous, stop: new AbortController() });
  }

  /** The image the pipeline had last, when it is recent enough to answer a request again. */
  #reusable(): ReadyFrame | undefined {
    if (this.#requests.length === 0 || this.#last === undefined) return undefined;
    return performance.now() - this.#last.frame.arrived <= this.#options.reuse() * 1e3
      ? this.#last.frame
      : undefined;
  }

  #start(
    frame: ReadyFrame,
    fresh: boolean,
    hasDepth: boolean,
    queries: readonly string[],
    job: Running,
  ): void {
    const { due, stop } = job;
    const started = performance.now();
    // Its memory moves to the pipeline's thread, which keeps the image for the next request.
    const reach = this.#options.reach?.(frame);
    const running = this.#options.run(
      {
        ...this.#options.settings(),
        ...(reach !== undefined && { reach }),
        queries,
        scenePoints: due.some((each) => each.scenePoints === true),
        ...(fresh && { frame: frame.bytes }),
      } as Job,
      stop.signal,
    );
    if (running === undefined) return;
    if (fresh) {
      this.#waiting = undefined;
      this.#last = { frame, hasDepth };
    }
    this.#running = job;
    this.#lastStart = started;
    const handOver = performance.now() - frame.arrived;
    for (const request of due) request.onStart?.();
    running
      .then(
        (done) => {
          this.#processed++;
          const finished: Finished = {
            done,
            hasDepth: hasDepth && done.problems.length === 0,
            latency: { handOver, pipeline: performance.now() - started },
            ...(frame.skew !== undefined && { skew: frame.skew }),
          };
          for (const request of due) {
            const result = done.results[queries.indexOf(request.query)];
            if (result !== undefined) request.settle({ finished, result });
          }
          this.#options.onFinished(finished);
        },
        (error: Error) => {
          if (stop.signal.aborted && codeOf(error) === "INFERENCE_CANCELLED") {
            this.#withdrawn++;
            // It counts for nothing: the next image of continuous mode need not wait its turn.
            this.#lastStart = Number.NEGATIVE_INFINITY;
            return;
          }
          this.#failed++;
          // A bad image is not the request's fault: it waits for the next one.
          const badImage = error instanceof JobError && /^(IMAGE|MESSAGE)_/.test(error.code);
          if (badImage) this.#last = undefined;
          else for (const request of due) request.settle(error);
          this.#options.onFailure(error);
        },
      )
      .catch((error: Error) => this.#options.onFailure(error))
      .finally(() => {
        this.#running = undefined;
        this.pump();
      });
  }
}

const codeOf = (error: Error): unknown => (error as { code?: unknown }).code;
