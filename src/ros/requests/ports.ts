import type { Seconds } from "../../geometry/index.js";
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
  /** Called with the name of each stage and the part of the motion that is done, 0..1. */
  readonly onStage: (stage: string, progress: number) => void;
}

/** What the action needs of an arm. The node plans without one and refuses to execute. */
export interface ArmPort {
  /** Why the arm would not move now; undefined when it would. */
  refusal(): string | undefined;
  /** Takes the object with the first grasp that can be executed; ends with the arm at rest, or says that it is not. */
  execute(request: ArmRequest): Promise<{ readonly success: boolean; readonly message: string }>;
}
