import { GraspGroundingError } from "../../errors/index.js";
import type { Pose, RgbdFrame } from "../../geometry/index.js";
import { type PipelineResult, resultToJson } from "../../pipeline/index.js";
import { projectGripper } from "../../visualization/gripper.js";
import { paletteSize } from "../../visualization/style.js";
import type { Answer } from "../protocol.js";
import { cloudOf, cropImage, heatImage, smallImage } from "./images.js";
import { confidenceOf, isAmbiguous } from "./queries/confidence.js";
import { explain } from "./queries/explain.js";

/** Answers stored with their frame, so that another candidate can be chosen. */
const maxAnswers = 4;
/** Side of a candidate's image and width of an answer's image on the page, in pixels. */
const cropSize = 144;
const snapshotWidth = 480;

/** A frame with all there is of it, and its position in the recording in seconds. */
export interface CompleteFrame {
  readonly frame: RgbdFrame;
  readonly position?: number;
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

  constructor(events: AnswerStoreEvents) {
    this.#events = events;
  }

  get answers(): readonly Answer[] {
    return this.#answers.map(({ answer }) => answer);
  }

  /** Replaces an earlier answer to the same query and takes over its colour. @param closest see `explain` */
  add(
    source: CompleteFrame,
    result: PipelineResult,
    asked: Answer["asked"] = "console",
    closest?: string,
  ): Answer {
    const { query } = result.grounding;
    const before = this.#answers.find((other) => other.answer.result.query === query);
    const others = this.#answers.filter((other) => other !== before).slice(0, maxAnswers - 1);
    const colour = before?.answer.colour ?? freeColour(others.map(({ answer }) => answer.colour));
    const answer = this.#describe(this.#nextId++, source, result, { asked, colour, chosen: 0 }, closest);
    this.#answers = [{ source, result, answer }, ...others];
    this.#events.changed(this.answers);
    return answer;
  }

  /** An answer with its frame. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  answerById(id: number): {
    readonly frame: RgbdFrame;
    readonly result: PipelineResult;
    readonly chosen: number;
  } {
    const { source, result, answer } = this.#find(id, 0);
    return { frame: source.frame, result, chosen: answer.chosen };
  }

  /** One of an answer's detections. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  detection(id: number, candidate: number): PipelineResult["grounding"]["detections"][number] {
    const detection = this.#find(id, candidate).result.grounding.detections[candidate];
    if (detection === undefined) throw new GraspGroundingError("CONSOLE_ANSWER_GONE", { id, candidate });
    return detection;
  }

  /** Takes another candidate with its grasps. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  choose(id: number, candidate: number, plan: Pick<PipelineResult, "grasps" | "graspFailure">): Answer {
    const found = this.#find(id, candidate);
    const { graspFailure: _, ...rest } = found.result;
    found.result = { ...rest, ...plan };
    const { asked, colour } = found.answer;
    found.answer = this.#describe(id, found.source, found.result, { asked, colour, chosen: candidate });
    this.#events.changed(this.answers);
    return found.answer;
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

  #find(id: number, candidate: number): StoredAnswer {
    const found = this.#answers.find(({ answer }) => answer.id === id);
    if (found === undefined) throw new GraspGroundingError("CONSOLE_ANSWER_GONE", { id, candidate });
    return found;
  }

  #describe(
    id: number,
    { frame, position }: CompleteFrame,
    result: PipelineResult,
    own: Pick<Answer, "asked" | "colour" | "chosen">,
    closest?: string,
  ): Answer {
    const camera = this.#events.cameraInBase?.(frame);
    return {
      id,
      ...own,
      ...(camera !== undefined && {
        camera: { position: [...camera.position], orientation: [...camera.orientation] },
      }),
      ...(position !== undefined && { position }),
      stamp: String(frame.stamp),
      text: explain(result, closest),
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
