import { GraspGroundingError } from "../../errors/index.js";
import type { Pose, RgbdFrame } from "../../geometry/index.js";
import type { PipelineResult, ProcessOptions } from "../../pipeline/index.js";
import { resultToJson } from "../../pipeline/index.js";
import type { Answer } from "../protocol.js";
import type { ConsolePipeline, SourceFrame } from "../types.js";
import { drawGrasp } from "./draw-grasp.js";
import { explain, peak } from "./explain.js";
import { cropImage, heatImage } from "./pictures.js";
import { vocabulary } from "./vocabulary.js";

/** Questions that may wait for the model; more are refused. */
const limit = 4;
/** Answers kept with their frame, so that another candidate can be chosen. */
const maxAnswers = 4;

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

interface StoredAnswer {
  readonly source: CompleteFrame;
  result: PipelineResult;
  answer: Answer;
}

/** A frame with all there is of it, and where in the recording it is. */
interface CompleteFrame {
  readonly frame: RgbdFrame;
  readonly position?: number;
}

/** Puts questions to the bridge one after the other and keeps the answers that are shown. */
export class QueryService {
  readonly #pipeline: ConsolePipeline;
  readonly #events: QueryServiceEvents;
  #current: SourceFrame | undefined;
  #answers: readonly StoredAnswer[] = [];
  #nextId = 1;
  #waiting = 0;
  #tail: Promise<unknown> = Promise.resolve();
  #follow: string | undefined;
  #following = false;
  #missed = 0;
  #latency: Readonly<Record<string, number>> = {};

  constructor(pipeline: ConsolePipeline, events: QueryServiceEvents) {
    this.#pipeline = pipeline;
    this.#events = events;
  }

  get answers(): readonly Answer[] {
    return this.#answers.map(({ answer }) => answer);
  }

  /** Questions asked and not answered yet, the one at work included. */
  get waiting(): number {
    return this.#waiting;
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

  /** The image shown now; a followed question is asked on it when the model is free. */
  frame(source: SourceFrame): void {
    this.#current = source;
    if (this.#follow === undefined) return;
    if (this.#following) this.#missed++;
    else void this.#followUp(this.#follow);
  }

  /** @throws GraspGroundingError QUERY_*, CONSOLE_NO_FRAME, CONSOLE_BUSY, INFERENCE_FAILED */
  async ask(query: string): Promise<Answer> {
    const source = this.#frame();
    const { full, result, closest } = await this.#enqueue(async () => {
      const found = await this.#process(source, query, { ask: "when_unsure", asker: "console" });
      return { ...found, closest: await this.#closest(found.full.frame, found.result) };
    });
    return this.#keep(full, result, "console", closest);
  }

  /** Keeps an answer somebody else got from the pipeline. */
  adopt(source: CompleteFrame, result: PipelineResult): void {
    this.#keep(source, result, "ros");
  }

  /** Asks an answer's query again on the image shown now, without showing what comes out. @throws as `ask` */
  async look(id: number): Promise<{ readonly frame: RgbdFrame; readonly result: PipelineResult }> {
    const { answer } = this.#find(id, 0);
    const source = this.#frame();
    const { full, result } = await this.#enqueue(() => this.#process(source, answer.result.query));
    return { frame: full.frame, result };
  }

  /** Grasps of a detection on a frame. */
  async plan(frame: RgbdFrame, detection: PipelineResult["grounding"]["detections"][number]) {
    return this.#enqueue(async () => this.#pipeline.plan(frame, detection));
  }

  /** The image shown now, with depth and camera. @throws GraspGroundingError CONSOLE_NO_FRAME */
  async full(): Promise<RgbdFrame> {
    const source = this.#frame();
    return (await source.complete?.()) ?? source.frame;
  }

  /** Asks `query` on every image the model has time for; undefined ends it. */
  setFollow(query: string | undefined): void {
    this.#follow = query;
    this.#events.changed();
    if (query !== undefined && this.#current !== undefined && !this.#following) void this.#followUp(query);
  }

  /** What is at a pixel, most probable first. @throws as `ask` */
  async identify(x: number, y: number): Promise<readonly { name: string; probability: number }[]> {
    const { frame } = this.#frame();
    const { width, height } = frame.colour;
    const groundings = await this.#enqueue(() => this.#pipeline.ground(frame, vocabulary));
    return groundings
      .map(({ query, presence, heatmap }) => {
        const column = Math.min(heatmap.width - 1, Math.floor((x / width) * heatmap.width));
        const row = Math.min(heatmap.height - 1, Math.floor((y / height) * heatmap.height));
        return { name: query, probability: presence * (heatmap.data[row * heatmap.width + column] ?? 0) };
      })
      .sort((a, b) => b.probability - a.probability)
      .slice(0, 3);
  }

  /** Takes another candidate and plans its grasp. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  async choose(id: number, candidate: number): Promise<Answer> {
    const found = this.#find(id, candidate);
    const detection = found.result.grounding.detections[candidate];
    if (detection === undefined) throw new GraspGroundingError("CONSOLE_ANSWER_GONE", { id, candidate });
    const { frame } = found.source;
    const plan = await this.#enqueue(async () => this.#pipeline.plan(frame, detection));
    const { graspFailure: _, ...rest } = found.result;
    const result: PipelineResult = {
      ...rest,
      grasps: plan?.grasps ?? [],
      ...(plan?.reason !== undefined && { graspFailure: plan.reason }),
    };
    found.result = result;
    const { asked } = found.answer;
    found.answer = { ...this.#toAnswer(id, found.source, result, asked), chosen: candidate };
    this.#events.answers(this.answers);
    return found.answer;
  }

  /** The heat map of an answer, as PNG. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  heat(id: number): Promise<Buffer> {
    return heatImage(this.#find(id, 0).result.grounding.heatmap);
  }

  /** What a candidate of an answer looks like, as JPEG. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  crop(id: number, candidate: number): Promise<Buffer> {
    const { source, result } = this.#find(id, candidate);
    const detection = result.grounding.detections[candidate];
    if (detection === undefined) throw new GraspGroundingError("CONSOLE_ANSWER_GONE", { id, candidate });
    return cropImage(source.frame.colour, detection.box, 144);
  }

  /** An answer with its frame, for the arm. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  answerById(id: number): {
    readonly frame: RgbdFrame;
    readonly result: PipelineResult;
    readonly chosen: number;
  } {
    const { source, result, answer } = this.#find(id, 0);
    return { frame: source.frame, result, chosen: answer.chosen };
  }

  forget(): void {
    this.#answers = [];
    this.#events.answers([]);
  }

  /** Resolves when nothing is at work. */
  idle(): Promise<unknown> {
    this.#follow = undefined;
    return this.#tail;
  }

  #find(id: number, candidate: number): StoredAnswer {
    const found = this.#answers.find(({ answer }) => answer.id === id);
    if (found === undefined) throw new GraspGroundingError("CONSOLE_ANSWER_GONE", { id, candidate });
    return found;
  }

  #frame(): SourceFrame {
    if (this.#current === undefined) throw new GraspGroundingError("CONSOLE_NO_FRAME");
    return this.#current;
  }

  /** What is where an object that was not found comes nearest, when one of the known names fits it. */
  async #closest(frame: RgbdFrame, { grounding }: PipelineResult): Promise<string | undefined> {
    if (grounding.found) return undefined;
    const at = peak(grounding.heatmap.data);
    const names = (await this.#pipeline.ground(frame, vocabulary)).map(({ query, presence, heatmap }) => ({
      name: query,
      probability: presence * (heatmap.data[at] ?? 0),
    }));
    const best = names.reduce((a, b) => (b.probability > a.probability ? b : a));
    return best.probability < 0.4 ? undefined : `${/^[aeiou]/.test(best.name) ? "an" : "a"} ${best.name}`;
  }

  async #process(
    { frame, position, complete }: SourceFrame,
    query: string,
    options: Pick<ProcessOptions, "ask" | "asker"> = {},
  ) {
    const full = { frame: (await complete?.()) ?? frame, ...(position !== undefined && { position }) };
    const [result] = await this.#pipeline.process(full.frame, [query], options);
    return { full, result: result as PipelineResult };
  }

  async #followUp(query: string): Promise<void> {
    this.#following = true;
    try {
      const source = this.#frame();
      const { full, result } = await this.#enqueue(() => this.#process(source, query));
      if (this.#follow === query) this.#keep(full, result);
    } catch (error) {
      this.#follow = undefined;
      this.#events.failed(error);
      this.#events.changed();
    } finally {
      this.#following = false;
    }
  }

  async #enqueue<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= limit) throw new GraspGroundingError("CONSOLE_BUSY", { waiting: this.#waiting });
    this.#waiting++;
    this.#events.changed();
    const turn = this.#tail.then(work);
    this.#tail = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
      this.#events.changed();
    }
  }

  /** Takes the place of an earlier answer to the same query. */
  #keep(
    source: CompleteFrame,
    result: PipelineResult,
    asked: Answer["asked"] = "console",
    closest?: string,
  ): Answer {
    const answer = this.#toAnswer(this.#nextId++, source, result, asked, closest);
    const others = this.#answers.filter((other) => other.answer.result.query !== answer.result.query);
    this.#answers = [{ source, result, answer }, ...others].slice(0, maxAnswers);
    this.#latency = answer.result.timings_ms;
    this.#events.answered?.(result);
    this.#events.answers(this.answers);
    this.#events.changed();
    return answer;
  }

  #toAnswer(
    id: number,
    { frame, position }: CompleteFrame,
    result: PipelineResult,
    asked: Answer["asked"],
    closest?: string,
  ): Answer {
    const camera = this.#events.cameraInBase?.(frame);
    return {
      id,
      asked,
      ...(camera !== undefined && {
        camera: { position: [...camera.position], orientation: [...camera.orientation] },
      }),
      ...(position !== undefined && { position }),
      stamp: String(frame.stamp),
      text: explain(result, closest),
      chosen: 0,
      presence: result.grounding.presence,
      drawn: frame.camera === undefined ? [] : result.grasps.map((grasp) => drawGrasp(grasp, frame.camera!)),
      result: resultToJson(result),
    };
  }
}
