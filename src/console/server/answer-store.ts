import { GraspGroundingError } from "../../errors/index.js";
import { type Box, boxIou, type Pose, type RgbdFrame } from "../../geometry/index.js";
import { type PipelineResult, resultToJson } from "../../pipeline/index.js";
import { projectGripper } from "../../visualization/gripper.js";
import { paletteSize } from "../../visualization/style.js";
import type { Answer } from "../protocol.js";
import type { SessionAsset } from "../session-file.js";
import { cloudOf, cropImage, heatImage, smallImage } from "./images.js";
import { confidenceOf, isAmbiguous } from "./queries/confidence.js";
import { explain, understoodAs } from "./queries/explain.js";
import { sameObject } from "./queries/same-object.js";

/** Answers stored with their frame, so that another candidate can be chosen. */
const maxAnswers = 4;
/** Side of a candidate's image and width of an answer's image on the page, in pixels. */
const cropSize = 144;
const snapshotWidth = 480;

/** Answers that were replaced and may still be chosen from: a page has not heard of the new one yet. */
const maxReplaced = 32;

/** A frame with all there is of it, and its position in the recording in seconds. */
export interface CompleteFrame {
  readonly frame: RgbdFrame;
  readonly position?: number;
}

/** What is known of an answer in addition to its result. */
export interface AnswerOptions {
  /** Default "console". */
  readonly asked?: Answer["asked"];
  /** Name of the object that comes nearest where nothing was found; see `explain`. */
  readonly closest?: string | undefined;
  /** Candidate that the grasps are for. Default 0. */
  readonly chosen?: number;
  /** An operator chose it. Default false. */
  readonly confirmed?: boolean;
}

interface StoredAnswer {
  readonly source: CompleteFrame;
  result: PipelineResult;
  answer: Answer;
}

export interface AnswerStoreEvents {
  /** The answers shown have changed. */
  changed(answers: readonly Answer[]): void;
  /** Where a frame's camera was in the robot's base, where that is known. */
  cameraInBase?(frame: RgbdFrame): Pose | undefined;
}

/** The answers that are shown, newest first, each with the frame it is about. */
export class AnswerStore {
  readonly #events: AnswerStoreEvents;
  #answers: readonly StoredAnswer[] = [];
  #nextId = 1;
  readonly #replaced = new Map<number, { readonly query: string; readonly boxes: readonly Box[] }>();

  constructor(events: AnswerStoreEvents) {
    this.#events = events;
  }

  get answers(): readonly Answer[] {
    return this.#answers.map(({ answer }) => answer);
  }

  /** Replaces an earlier answer to the same query and takes over its colour. */
  add(source: CompleteFrame, result: PipelineResult, options: AnswerOptions = {}): Answer {
    const { query } = result.grounding;
    const before = this.#answers.find((other) => other.answer.result.query === query);
    const others = this.#answers.filter((other) => other !== before).slice(0, maxAnswers - 1);
    const colour = before?.answer.colour ?? freeColour(others.map(({ answer }) => answer.colour));
    const { asked = "console", closest, chosen = 0, confirmed = false } = options;
    const own = { asked, colour, chosen, confirmed };
    const answer = this.#describe(this.#nextId++, source, result, own, closest);
    if (before !== undefined) this.#replace(before.answer);
    this.#answers = [{ source, result, answer }, ...others];
    this.#events.changed(this.answers);
    return answer;
  }

  /** The answer shown for a query. */
  byQuery(query: string): Answer | undefined {
    return this.#answers.find(({ answer }) => answer.result.query === query)?.answer;
  }

  /**
   * A candidate as the answer shown now has it: a followed query's answer is replaced while somebody chooses.
   * @throws GraspGroundingError CONSOLE_ANSWER_GONE
   */
  current(id: number, candidate: number): { readonly id: number; readonly candidate: number } {
    const replaced = this.#replaced.get(id);
    const now = replaced && this.byQuery(replaced.query);
    const box = replaced?.boxes[candidate];
    if (now === undefined || box === undefined) return { id, candidate };
    const overlaps = now.result.detections.map((each) => boxIou(each.box, box));
    const same = overlaps.findIndex((overlap) => overlap >= sameObject && overlap === Math.max(...overlaps));
    if (same === -1) throw new GraspGroundingError("CONSOLE_ANSWER_GONE", { id, candidate });
    return { id: now.id, candidate: same };
  }

  /**
   * An answer with its frame; one that was replaced stands for the present one.
   * @throws GraspGroundingError CONSOLE_ANSWER_GONE
   */
  answerById(id: number): {
    readonly frame: RgbdFrame;
    readonly result: PipelineResult;
    readonly chosen: number;
    readonly answer: Answer;
  } {
    const now = this.byQuery(this.#replaced.get(id)?.query ?? "")?.id;
    const { source, result, answer } = this.#find(now ?? id, 0);
    return { frame: source.frame, result, chosen: answer.chosen, answer };
  }

  /** One of an answer's detections. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  detection(id: number, candidate: number): PipelineResult["grounding"]["detections"][number] {
    const detection = this.#find(id, candidate).result.grounding.detections[candidate];
    if (detection === undefined) throw new GraspGroundingError("CONSOLE_ANSWER_GONE", { id, candidate });
    return detection;
  }

  /** The chosen candidate is the one that is meant. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  confirm(id: number): Answer {
    const found = this.#find(id, 0);
    found.answer = { ...found.answer, confirmed: true };
    this.#events.changed(this.answers);
    return found.answer;
  }

  /** Takes a candidate with its grasps: it is the one that is meant. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  choose(id: number, candidate: number, result: PipelineResult): Answer {
    const found = this.#find(id, candidate);
    found.result = result;
    const { asked, colour } = found.answer;
    const own = { asked, colour, chosen: candidate, confirmed: true };
    found.answer = this.#describe(id, found.source, found.result, own);
    this.#events.changed(this.answers);
    return found.answer;
  }

  #replace({ id, result: { query, detections } }: Answer): void {
    this.#replaced.set(id, { query, boxes: detections.map(({ box }) => box) });
    for (const oldest of this.#replaced.keys()) {
      if (this.#replaced.size <= maxReplaced) break;
      this.#replaced.delete(oldest);
    }
  }

  clear(): void {
    this.#answers = [];
    this.#events.changed([]);
  }

  /** The heat map of an answer, as PNG. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  heat(id: number): Promise<Buffer> {
    return heatImage(this.#find(id, 0).result.grounding.heatmap);
  }

  /** What a candidate of an answer looks like, as JPEG. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  crop(id: number, candidate: number): Promise<Buffer> {
    const { box } = this.detection(id, candidate);
    return cropImage(this.#find(id, candidate).source.frame.colour, box, cropSize);
  }

  /** The image an answer is about, small, as JPEG. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  snapshot(id: number): Promise<Buffer> {
    return smallImage(this.#find(id, 0).source.frame.colour, snapshotWidth);
  }

  /** Points of the image an answer is about. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  cloud(id: number): Buffer {
    return cloudOf(this.#find(id, 0).source.frame);
  }

  /** All that the page shows of an answer in addition to it. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  async assets(id: number): Promise<readonly SessionAsset[]> {
    const { detections } = this.#find(id, 0).result.grounding;
    const part = async (name: string, data: Buffer | Promise<Buffer>): Promise<SessionAsset> => ({
      path: `answers/${id}/${name}`,
      data: await data,
    });
    return Promise.all([
      part("frame.jpg", this.snapshot(id)),
      part("heat.png", this.heat(id)),
      part("cloud", this.cloud(id)),
      ...detections.map((_, candidate) => part(`candidates/${candidate}.jpg`, this.crop(id, candidate))),
    ]);
  }

  #find(id: number, candidate: number): StoredAnswer {
    const found = this.#answers.find(({ answer }) => answer.id === id);
    if (found === undefined) throw new GraspGroundingError("CONSOLE_ANSWER_GONE", { id, candidate });
    return found;
  }

  #describe(
    id: number,
    { frame, position }: CompleteFrame,
    result: PipelineResult,
    own: Pick<Answer, "asked" | "colour" | "chosen" | "confirmed">,
    closest?: string,
  ): Answer {
    const camera = this.#events.cameraInBase?.(frame);
    const understood = understoodAs(result);
    return {
      id,
      ...own,
      ...(camera !== undefined && {
        camera: { position: [...camera.position], orientation: [...camera.orientation] },
      }),
      ...(position !== undefined && { position }),
      stamp: String(frame.stamp),
      text: explain(result, closest),
      ...(understood !== undefined && { understood }),
      confidence: confidenceOf(result),
      ambiguous: isAmbiguous(result),
      presence: result.grounding.presence,
      drawn:
        frame.camera === undefined ? [] : result.grasps.map((grasp) => projectGripper(grasp, frame.camera!)),
      result: resultToJson(result),
    };
  }
}

/** The first colour of the palette that no other answer has. */
function freeColour(taken: readonly number[]): number {
  const free = Array.from({ length: paletteSize }, (_, i) => i).find((i) => !taken.includes(i));
  return free ?? 0;
}
