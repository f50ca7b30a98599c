import type { Points, Pose, Seconds } from "../../geometry/index.js";
import type { Scene } from "../collision/checker.js";
import type { StageName } from "../planning/sequence-types.js";
import type { RankedGrasp } from "./grasp-ranking.js";

/** What one image shows of the object, in the robot's base. */
export interface GraspView {
  /** Best first. */
  readonly grasps: readonly RankedGrasp[];
  /** Why there is no grasp. */
  readonly reason?: string;
  /** Without `target` where the object is not in the image. */
  readonly scene: Scene;
  /** When the image was taken, by the arm's clock. */
  readonly frameAt: Seconds;
  /** Share of the directions about the object, 0..1, in which no image shows its side; undefined where not known. */
  readonly unseen?: number;
  /** Poses of the camera's optical frame in the robot's base that would show more; best first. */
  readonly nextViews?: readonly Pose[];
  /** The object's points as seen from where the arm starts, where `scene` has those of a second view as well. */
  readonly fromStart?: Points;
}

/** Stages of a motion, and the two looks between motions. */
export type AttemptStage = StageName | "look" | "verify";
