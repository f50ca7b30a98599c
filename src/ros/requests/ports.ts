import type { PlaceTarget } from "../../arm/index.js";
import type { FrameId, Seconds } from "../../geometry/index.js";
import type { Answer } from "../scheduler.js";

export interface ArmRequest {
  /** What was found, and its grasps, in the camera's frame. */
  readonly answer: Answer;
  /** Who asks: a label for the lease. */
  readonly operator: string;
  /** Seconds to wait for the transform from the camera to the arm. */
  readonly tfTimeout: Seconds;
  /** An abort stops the arm. */
  readonly signal: AbortSignal;
  /** Tries at most. */
  readonly maxAttempts: number;
  /** Asks the same again of an image taken after this call. */
  readonly look: () => Promise<Answer>;
  /** The same for a look from elsewhere, after which nobody is asked back. */
  readonly lookElsewhere: () => Promise<Answer>;
  /** Called with the name of each stage, the part of the try that is done, 0..1, and the try's number, from 1 on. */
  readonly onStage: (stage: string, progress: number, attempt: number) => void;
}

export interface ArmAnswer {
  readonly success: boolean;
  readonly message: string;
  /** One line for each try. */
  readonly attempts: readonly string[];
  /** What the last try was planned from. */
  readonly answer: Answer;
}

export interface PlaceArmRequest extends Omit<ArmRequest, "look" | "lookElsewhere" | "maxAttempts"> {
  /** Poses of the tool in the image's frame, or a place that needs no image. */
  readonly target: PlaceTarget;
}

/** What the action needs of an arm. The node plans without one and refuses to execute. */
export interface ArmPort {
  /** Why the arm would not move now; undefined when it would. */
  refusal(): string | undefined;
  /** Whether it carries the camera of a frame and may look from elsewhere when an image leaves too much open. */
  mayLookElsewhere(frame: FrameId): boolean;
  /** Takes the object in at most `maxAttempts` tries; ends with the arm at rest, or says that it is not. */
  execute(request: ArmRequest): Promise<ArmAnswer>;
  /** Whether it holds what it took. */
  readonly holds: boolean;
  /** Puts down what it holds, at the first place that can be reached; ends as `execute`. */
  place(request: PlaceArmRequest): Promise<{ readonly success: boolean; readonly message: string }>;
}
