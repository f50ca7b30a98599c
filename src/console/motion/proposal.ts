import type { RgbdFrame, Vec3 } from "../../geometry/index.js";
import type { PipelineResult } from "../../pipeline/index.js";

/** What a motion is planned from. */
export interface Proposal {
  /** Number of the answer and of the chosen candidate: a plan belongs to these. */
  readonly answer: number;
  readonly chosen: number;
  readonly frame: RgbdFrame;
  readonly result: PipelineResult;
  /** JPEG of the object, for the gripper's state. */
  readonly thumbnail?: Promise<Buffer>;
}

/** Where a held object is put down: where it was taken, below the gripper, or at a point of the table in the base. */
export type Place = "back" | "here" | Vec3;

/** What the operator asked for without the request around it: "give me the red mug" is "the red mug". */
export const objectName = (query: string): string =>
  query
    .trim()
    .replace(
      /^(?:please\s+)?(?:give|bring|hand|pass|fetch|pick|take|grasp|grab|get|find|show)\s+(?:me\s+|up\s+)*/i,
      "",
    )
    .replace(/[.!?]+$/, "");
