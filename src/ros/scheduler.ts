import { GraspGroundingError } from "../errors/index.js";
import type { Seconds, Stamp } from "../geometry/index.js";
import type { ReadyFrame } from "./camera/camera-input.js";
import { type Candidate, FrameSlot } from "./frame-slot.js";
import type { JobResult, QueryResult } from "./job.js";
import { JobError } from "./pipeline-host.js";
import type { Origin } from "./requests/origin.js";

/** A finished job with the node's own figures of its frame. */
export interface Finished {
  readonly done: JobResult;
  readonly skew?: Seconds;
  readonly hasDepth: boolean;
  /** Why the image has no depth. */
  readonly depthProblem?: string;
  /** Every query that the job answers, with its origin; one result may answer several. */
  readonly answers: readonly { readonly result: QueryResult; readonly origin: Origin }[];
  /** Milliseconds from colour's arrival to the hand-over, and from there to the answer. */
  readonly latency: { readonly handOver: number; readonly pipeline: number };
}

export interface Answer {
  readonly finished: Finished;
  readonly result: QueryResult;
  readonly origin: Origin;
}

/** A query and whose it is; undefined for nobody's. */
export interface AskedQuery {
  readonly query: string;
  readonly client?: string | undefined;
}

export interface RequestOptions extends AskedQuery {
  readonly origin: Origin;
  readonly timeout: Seconds;
  readonly notBefore?: Stamp;
  readonly needDepth?: boolean;
  /** Give the seen surface as points: for a motion. */
  readonly scenePoints?: boolean;
  readonly onStart?: () => void;
}

/** The content of a job; the pipeline's side decides how it is carried out. */
export interface JobOrder {
  readonly candidate: Candidate;
  readonly queries: readonly AskedQuery[];
  /** Of each query, in their order: whether its result goes into images and clouds. */
  readonly published: readonly boolean[];
  /** Whether somebody waits for the answer. */
  readonly requested: boolean;
  readonly scenePoints: boolean;
}

export interface SchedulerDependencies {
  /** Hands a job to the pipeline; undefined while there is none. The signal cancels the job. */
  readonly start: (order: JobOrder, signal: AbortSignal) => Promise<JobResult> | undefined;
  readonly policy: () => SchedulingPolicy;
  readonly listener: {
    finished(finished: Finished): void;
    failed(error: Error): void;
  };
  /** The topic of the images, and why none come: for a request that runs out of time. */
  readonly camera: () => { readonly topic: string; readonly problem: string };
}

export interface SchedulingPolicy {
  /** The query grounded on every image. */
  readonly query: string | undefined;
  /** Of that query. */
  readonly origin: Origin;
  /** How often at most it is grounded, per second; 0: no limit. */
  readonly maxRate: number;
  /** Seconds for which an image that has arrived may answer a request. */
  readonly reuse: Seconds;
}

/** Figures for diagnostics and metrics. */
export interface SchedulerCounts {
  /** Images replaced by newer ones before their turn, while there was something to ground. */
  readonly dropped: number;
  readonly processed: number;
  readonly failed: number;
  /** Jobs cancelled before they were done. */
  readonly withdrawn: number;
  readonly queued: number;
}

export const noCounts: SchedulerCounts = { dropped: 0, processed: 0, failed: 0, withdrawn: 0, queued: 0 };

interface Request extends RequestOptions {
  /** When it came, by performance.now(). */
  readonly asked: number;
  readonly settle: (answer: Answer | Error) => void;
}

interface Running {
  /** Requests that wait for it. */
  readonly due: readonly Request[];
  /** All its queries, with their origins. */
  readonly asked: readonly (AskedQuery & { readonly origin: Origin })[];
  /** The query of continuous mode is in it. */
  readonly continuous: boolean;
  readonly stop: AbortController;
}

/** Whose the topics' own query is: the parameter `query` and ~/query. */
export const topicClient = "~/query";

const indexIn = (list: readonly AskedQuery[], { query, client }: AskedQuery): number =>
  list.findIndex((each) => each.query === query && each.client === client);

/**
 * Decides on the pipeline's next job: one job at a time, always on the newest image (an older one that waits is
 * replaced and counted), all requests that the image can answer in one job. A job is cancelled when no request waits
 * for it any more, and one of continuous mode when a request waits that an image at hand can answer.
 */
export class Scheduler implements SchedulerCounts {
  readonly #dependencies: SchedulerDependencies;
  readonly #frames = new FrameSlot();
  #requests: Request[] = [];
  #running: Running | undefined;
  #open = false;
  #lastStart = Number.NEGATIVE_INFINITY;
  #dropped = 0;
  #processed = 0;
  #failed = 0;
  #withdrawn = 0;

  constructor(dependencies: SchedulerDependencies) {
    this.#dependencies = dependencies;
  }

  get dropped(): number {
    return this.#dropped;
  }

  get processed(): number {
    return this.#processed;
  }

  get failed(): number {
    return this.#failed;
  }

  get withdrawn(): number {
    return this.#withdrawn;
  }

  get queued(): number {
    return this.#requests.length + (this.#frames.occupied ? 1 : 0);
  }

  open(): void {
    this.#open = true;
  }

  /** Refuses waiting requests with `reason`. */
  close(reason: Error): void {
    this.#open = false;
    this.#frames.clear();
    for (const request of this.#requests.splice(0)) request.settle(reason);
    this.#running?.stop.abort();
  }

  /** Forgets images, after a jump of their clock. */
  forget(): void {
    this.#frames.clear();
    this.#running?.stop.abort();
  }

  offer(frame: ReadyFrame): void {
    const replaced = this.#frames.put(frame);
    if (replaced && this.#dependencies.policy().query !== undefined) this.#dropped++;
    this.pump();
  }

  /** @throws (by rejecting) GraspGroundingError FRAME_TIMEOUT, or the pipeline's refusal of the query */
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
        const { topic, problem } = this.#dependencies.camera();
        const why = this.#tooOld(options.notBefore) ?? problem;
        const detail = this.#running ? `the pipeline is busy; ${why}` : why;
        request.settle(new GraspGroundingError("FRAME_TIMEOUT", { seconds, detail, topic }));
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
    const early = notBefore === undefined ? undefined : this.#frames.tooOldBy(notBefore);
    return early === undefined
      ? undefined
      : `the newest image was taken ${early.toFixed(1)} s too early; check that the camera's clock and this one's agree`;
  }

  #withdrawUnwanted(): void {
    if (this.#running === undefined) return;
    const { due, continuous, stop } = this.#running;
    if (due.some((each) => this.#requests.includes(each))) return;
    if (!continuous || (this.#candidate()?.due.length ?? 0) > 0) stop.abort();
  }

  /** The image to work on, and the requests that it can answer. */
  #candidate() {
    const { reuse } = this.#dependencies.policy();
    const candidate = this.#frames.candidate(this.#requests.length === 0 ? -1 : reuse);
    if (candidate === undefined) return undefined;
    const { frame, hasDepth } = candidate;
    const due = this.#requests.filter(
      (each) =>
        // One that waits since before the request may have been the camera's last.
        frame.arrived >= each.asked - reuse * 1e3 &&
        (each.notBefore ?? 0n) <= frame.stamp &&
        (hasDepth || each.needDepth !== true),
    );
    return { candidate, due };
  }

  /** Starts the next job if there is something to do. */
  pump(): void {
    if (this.#running !== undefined || !this.#open) return;
    const found = this.#candidate();
    if (found === undefined) return;
    const { candidate, due } = found;
    const { query, origin, maxRate } = this.#dependencies.policy();
    const mayRepeat = maxRate === 0 || performance.now() - this.#lastStart >= 1e3 / maxRate;
    const continuous = query !== undefined && candidate.fresh && mayRepeat;
    const requested = due.map(({ query, client, origin }) => ({ query, client, origin }));
    const repeated = continuous ? [{ query, client: topicClient, origin }] : [];
    const asked = [...repeated, ...requested];
    if (asked.length === 0) return;
    // One that several ask is answered once, requests first.
    const inOrder = [...requested, ...repeated];
    const queries = inOrder.filter((each, i) => indexIn(inOrder, each) === i);
    this.#start(candidate, queries, { due, asked, continuous, stop: new AbortController() });
  }

  #start(candidate: Candidate, queries: readonly AskedQuery[], job: Running): void {
    const { due, asked, stop } = job;
    const { listener } = this.#dependencies;
    const started = performance.now();
    const scenePoints = due.some((each) => each.scenePoints === true);
    const shown = asked.filter(({ origin }) => origin.source === "topic");
    const published = queries.map((each) => indexIn(shown, each) >= 0);
    const running = this.#dependencies.start(
      { candidate, queries, published, scenePoints, requested: due.length > 0 },
      stop.signal,
    );
    if (running === undefined) return;
    this.#frames.taken(candidate);
    this.#running = job;
    this.#lastStart = started;
    const { frame, hasDepth } = candidate;
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
            ...(frame.depthProblem !== undefined && { depthProblem: frame.depthProblem }),
            answers: asked.flatMap((each) => {
              const result = done.results[indexIn(queries, each)];
              return result === undefined ? [] : [{ result, origin: each.origin }];
            }),
          };
          for (const request of due) {
            const result = done.results[indexIn(queries, request)];
            if (result !== undefined) request.settle({ finished, result, origin: request.origin });
          }
          listener.finished(finished);
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
          if (badImage) this.#frames.forgetLast();
          else for (const request of due) request.settle(error);
          listener.failed(error);
        },
      )
      .catch((error: Error) => listener.failed(error))
      .finally(() => {
        this.#running = undefined;
        this.pump();
      });
  }
}

const codeOf = (error: Error): unknown => (error as { code?: unknown }).code;
