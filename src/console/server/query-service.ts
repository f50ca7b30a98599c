import { GraspGroundingError } from "../../errors/index.js";
import { boxIou, type Pose, type RgbdFrame } from "../../geometry/index.js";
import {
  closestPlace,
  nameAt,
  namesAt,
  type PlaceName,
  readReply,
  vocabulary,
} from "../../grounding/index.js";
import type { PipelineResult, ProcessOptions } from "../../pipeline/index.js";
import { refused } from "../motion/refused.js";
import type { Answer } from "../protocol.js";
import type { ConsolePipeline, SourceFrame } from "../types.js";
import { type AnswerOptions, AnswerStore, type CompleteFrame } from "./answer-store.js";
import { sameObject } from "./queries/same-object.js";
import { WorkQueue } from "./queries/work-queue.js";

type Detection = PipelineResult["grounding"]["detections"][number];

export interface QueryServiceEvents {
  /** The answers shown have changed. */
  answers(answers: readonly Answer[]): void;
  /** `busy` or `waiting` has changed, or a question was answered. */
  changed(): void;
  failed(error: unknown): void;
  /** A question was answered. */
  answered?(result: PipelineResult): void;
  /** Where a frame's camera was in the robot's base, where that is known. */
  cameraInBase?(frame: RgbdFrame): Pose | undefined;
}

/** Puts questions to the pipeline one after the other, and follows one on every image the model has time for. */
export class QueryService {
  readonly store: AnswerStore;
  readonly #pipeline: ConsolePipeline;
  readonly #events: QueryServiceEvents;
  readonly #queue: WorkQueue;
  #current: SourceFrame | undefined;
  /** Those who wait for an image. */
  readonly #expected = new Set<(frame: RgbdFrame) => void>();
  #follow: string | undefined;
  #following = false;
  #missed = 0;
  #latency: Readonly<Record<string, number>> = {};

  constructor(pipeline: ConsolePipeline, events: QueryServiceEvents) {
    this.#pipeline = pipeline;
    this.#events = events;
    this.#queue = new WorkQueue(() => events.changed());
    this.store = new AnswerStore({
      changed: (answers) => events.answers(answers),
      cameraInBase: (frame) => events.cameraInBase?.(frame),
    });
  }

  get answers(): readonly Answer[] {
    return this.store.answers;
  }

  /** Questions asked and not answered yet, the running one included. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  get follow(): string | undefined {
    return this.#follow;
  }

  /** Images that came while the model was busy with a followed question. */
  get missed(): number {
    return this.#missed;
  }

  /** Milliseconds by stage, of the last answer. */
  get latency(): Readonly<Record<string, number>> {
    return this.#latency;
  }

  /** Stamp of the image shown now, in nanoseconds. */
  get stamp(): bigint | undefined {
    return this.#current?.frame.stamp;
  }

  /** The image shown now; a followed question is asked on it when the model is free. */
  frame(source: SourceFrame): void {
    this.#current = source;
    for (const take of [...this.#expected]) take(source.frame);
    if (this.#follow === undefined) return;
    if (this.#following) this.#missed++;
    else void this.#followUp(this.#follow);
  }

  /** The next image to come that `suits`. Rejects when `signal` is aborted. */
  nextFrame(suits: (frame: RgbdFrame) => boolean, signal: AbortSignal): Promise<RgbdFrame> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#expected.delete(take);
        signal.removeEventListener("abort", abort);
      };
      const abort = (): void => {
        end();
        reject(refused("it was cancelled"));
      };
      const take = (frame: RgbdFrame): void => {
        if (!suits(frame)) return;
        end();
        resolve(frame);
      };
      this.#expected.add(take);
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
    });
  }

  /**
   * @param client whose query it is: "it" and "the other one" mean that client's last answer
   * @throws GraspGroundingError QUERY_*, CONSOLE_NO_FRAME, CONSOLE_BUSY, INFERENCE_FAILED
   */
  async ask(query: string, client: string): Promise<Answer> {
    const replied = await this.#reply(query, client);
    if (replied !== undefined) return replied;
    const source = this.#frame();
    const { full, result, closest } = await this.#queue.run(async () => {
      const found = await this.#process(source, query, { ask: "when_unsure", client, effort: "careful" });
      return { ...found, closest: await this.#closest(found.full.frame, found.result) };
    });
    return this.#add(full, result, { closest });
  }

  /** Shows an answer that came from elsewhere, over ROS for one. */
  adopt(source: CompleteFrame, result: PipelineResult): void {
    this.#add(source, result, { asked: "ros" });
  }

  /**
   * Looks for an answer's object and all others of its kind on the image shown now, without showing what comes
   * out. What the query meant is asked, said out: "the other one" would mean another object now.
   * @throws as `ask`
   */
  async redetect(id: number): Promise<{ readonly frame: RgbdFrame; readonly result: PipelineResult }> {
    const { query, phrases = [] } = this.store.answerById(id).result.grounding;
    const [meant = query, ...kinds] = phrases;
    const source = this.#frame();
    return this.#queue.run(async () => {
      const { full, result } = await this.#process(source, meant, { effort: "careful" });
      const others = kinds.length === 0 ? [] : await this.#pipeline.ground(full.frame, kinds);
      const detections = distinct([result.grounding, ...others].flatMap((each) => each.detections));
      return { frame: full.frame, result: { ...result, grounding: { ...result.grounding, detections } } };
    });
  }

  /** Grasps of a detection on a frame. */
  async plan(frame: RgbdFrame, detection: Detection) {
    return this.#queue.run(async () => this.#pipeline.plan(frame, detection));
  }

  /** The image shown now, with depth and camera. @throws GraspGroundingError CONSOLE_NO_FRAME */
  async completeFrame(): Promise<RgbdFrame> {
    const source = this.#frame();
    return (await source.complete?.()) ?? source.frame;
  }

  /** Asks `query` on every image the model has time for; undefined ends it. */
  setFollow(query: string | undefined): void {
    this.#follow = query;
    this.#events.changed();
    if (query !== undefined && this.#current !== undefined && !this.#following) void this.#followUp(query);
  }

  /** Names what is at a pixel, most probable first. @throws as `ask` */
  async identify(x: number, y: number): Promise<readonly PlaceName[]> {
    const { frame } = this.#frame();
    const { width, height } = frame.colour;
    const groundings = await this.#queue.run(() => this.#pipeline.ground(frame, vocabulary));
    return namesAt(groundings, x / width, y / height).slice(0, 3);
  }

  /**
   * Takes another candidate and plans its grasp.
   * @param client as for `ask`. @throws GraspGroundingError CONSOLE_ANSWER_GONE
   */
  async choose(of: number, which: number, client: string): Promise<Answer> {
    const { id, candidate } = this.store.current(of, which);
    const { frame, result, answer } = this.store.answerById(id);
    const label = answer.confirmed ? undefined : result.grounding.question?.labels[candidate];
    const detection = this.store.detection(id, candidate);
    const planned = candidate === answer.chosen ? result : await this.#replan(frame, result, detection);
    const chosen = this.store.choose(id, candidate, planned);
    // The choice is the reply to the question: "it" and "the other one" go by it from now on.
    if (label !== undefined)
      this.#queue
        .run(() => this.#process({ frame }, label, { client, effort: "fast" }))
        .catch((error) => this.#events.failed(error));
    return chosen;
  }

  /** Takes the candidate that a reply to the newest answer's question means; undefined for any other query. */
  async #reply(query: string, client: string): Promise<Answer | undefined> {
    const [newest] = this.store.answers;
    if (newest === undefined || newest.confirmed || newest.result.question === undefined) return undefined;
    const { frame, result } = this.store.answerById(newest.id);
    const candidate = readReply(query, result.grounding, frame.colour);
    return candidate === undefined ? undefined : this.choose(newest.id, candidate, client);
  }

  /** Ends following and resolves when no question is left. */
  idle(): Promise<unknown> {
    this.#follow = undefined;
    return this.#queue.idle();
  }

  /** A result with the grasps of another of its detections. */
  async #replan(frame: RgbdFrame, result: PipelineResult, detection: Detection): Promise<PipelineResult> {
    const plan = await this.plan(frame, detection);
    const { graspFailure: _, ...rest } = result;
    const reason = plan?.reason === undefined ? {} : { graspFailure: plan.reason };
    return { ...rest, grasps: plan?.grasps ?? [], ...reason };
  }

  #frame(): SourceFrame {
    if (this.#current === undefined) throw new GraspGroundingError("CONSOLE_NO_FRAME");
    return this.#current;
  }

  /** Names the object at the place where one that was not found comes nearest, when a known name fits it. */
  async #closest(frame: RgbdFrame, { grounding }: PipelineResult): Promise<string | undefined> {
    const at = grounding.found ? undefined : closestPlace(grounding);
    if (at === undefined) return undefined;
    const name = nameAt(await this.#pipeline.ground(frame, vocabulary), at.x, at.y);
    return name && `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
  }

  async #process(
    { frame, position, complete }: SourceFrame,
    query: string,
    options: Pick<ProcessOptions, "ask" | "client" | "effort"> = { effort: "fast" },
  ) {
    const full = { frame: (await complete?.()) ?? frame, ...(position !== undefined && { position }) };
    const [result] = await this.#pipeline.process(full.frame, [query], options);
    return { full, result: result as PipelineResult };
  }

  async #followUp(query: string): Promise<void> {
    this.#following = true;
    try {
      const source = this.#frame();
      const { full, result } = await this.#queue.run(() => this.#process(source, query));
      if (this.#follow === query) await this.#addFollowed(full, result);
    } catch (error) {
      this.#follow = undefined;
      this.#events.failed(error);
      this.#events.changed();
    } finally {
      this.#following = false;
    }
  }

  /** A followed query stays with the object that the operator chose, and asks again where that is lost. */
  async #addFollowed(source: CompleteFrame, result: PipelineResult): Promise<void> {
    const before = this.store.byQuery(result.grounding.query);
    const box = before?.confirmed === true ? before.result.detections[before.chosen]?.box : undefined;
    const overlaps = result.grounding.detections.map((each) => (box ? boxIou(each.box, box) : 0));
    const chosen = overlaps.indexOf(Math.max(...overlaps));
    const detection = result.grounding.detections[chosen];
    if (detection === undefined || (overlaps[chosen] ?? 0) < sameObject) {
      this.#add(source, result);
      return;
    }
    const planned = chosen === 0 ? undefined : await this.#replan(source.frame, result, detection);
    this.#add(source, planned ?? result, { chosen, confirmed: true });
  }

  #add(source: CompleteFrame, result: PipelineResult, options?: AnswerOptions): Answer {
    const answer = this.store.add(source, result, options);
    this.#latency = answer.result.timings_ms;
    this.#events.answered?.(result);
    this.#events.changed();
    return answer;
  }
}

/** Detections without those that are of an object an earlier one is of. */
function distinct(detections: readonly Detection[]): readonly Detection[] {
  return detections.filter(
    ({ box }, i) => !detections.slice(0, i).some((other) => boxIou(other.box, box) >= sameObject),
  );
}
