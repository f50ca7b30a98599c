import type { Grasp } from "../grasping/index.js";

/** What the action needs of an arm. The node plans without one and refuses to execute. */
export interface ArmPort {
  /** Why the arm would not move now; undefined when it would. */
  refusal(): string | undefined;
  /**
   * Takes the object with the first grasp that can be executed. An abort of `signal` stops the arm.
   * @param onStage called with the name of each stage and the part of the motion that is done, 0..1.
   */
  execute(
    grasps: readonly Grasp[],
    signal: AbortSignal,
    onStage: (stage: string, progress: number) => void,
  ): Promise<{ readonly success: boolean; readonly message: string }>;
}
