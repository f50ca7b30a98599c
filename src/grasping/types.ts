import type { FrameId, Mask, Metres, Pose, RgbdFrame, Vec3 } from "../geometry/index.js";

/**
 * A parallel gripper, in metres. Frame: origin between the fingertips, z along the approach, x along the closing
 * direction.
 */
export interface GripperModel {
  readonly name: string;
  /** Largest opening between the fingers' inner faces. */
  readonly stroke: Metres;
  readonly fingerLength: Metres;
  /** Finger extent along y. */
  readonly fingerWidth: Metres;
  /** Finger extent along x, beyond the inner face. */
  readonly fingerThickness: Metres;
  /** Palm behind the fingers: extent along x, y and z. */
  readonly palm: readonly [Metres, Metres, Metres];
  /** Largest closing force in newtons; limits a grasp's force. */
  readonly maxForce?: number;
}

/** A grasp: the tool's pose when the fingers close. */
export interface Grasp {
  /** Frame of the pose: the camera's optical frame until it is transformed. */
  readonly frame: FrameId;
  /** Tool frame: origin between the fingertips, z along the approach, x along the closing direction. */
  readonly pose: Pose;
  /** Opening before closing, in metres. */
  readonly width: Metres;
  /** Distance expected between the fingers once they hold, in metres. */
  readonly objectWidth?: Metres;
  /** 0..1, best first. */
  readonly score: number;
  /** Force to close with, in newtons, as a hint. */
  readonly force?: number;
  /** Terms of the score, for the console and for logs. */
  readonly terms?: Readonly<Record<string, number>>;
}

/** Reason for no grasp. */
export type GraspRefusal =
  | "no-depth"
  | "no-camera"
  | "size-mismatch"
  | "mask-empty"
  | "no-table"
  | "nothing-above-table"
  | "too-wide"
  | "no-free-grasp"
  | "unreachable";

/** Where an object stands that keeps the gripper from another, as the camera sees the two. */
export type BlockerSide = "in front of" | "behind" | "to the left of" | "to the right of" | "on top of";

/** An object without which there would be more room for a grasp. */
export interface Blocker {
  readonly side: BlockerSide;
  /** Middle of its points that are where the gripper would be, in the camera's optical frame. */
  readonly position: Vec3;
  /** What it is called, where somebody knows. */
  readonly name?: string;
}

export interface GraspPlan {
  /** Best first; empty with a `reason`. */
  readonly grasps: readonly Grasp[];
  readonly reason?: string;
  /** The reason as a code; present whenever `reason` is. */
  readonly refusal?: GraspRefusal;
  readonly blocker?: Blocker;
  /**
   * Share of the directions about the object, 0..1, in which its side is estimated and no image shows it; undefined
   * where the object could not be measured.
   */
  readonly unseen?: number;
  /** Poses of a camera's optical frame, in the first camera's, that would show most of those sides; best first. */
  readonly nextViews?: readonly Pose[];
}

/** What a further image gives the planner: its depth, and the camera that it is of. */
export type DepthView = Pick<RgbdFrame, "depth" | "camera">;

/** Another image of the same scene, with nothing moved since the first. */
export interface SecondView {
  /** With depth and camera; it may be of another camera. */
  readonly frame: DepthView;
  /** The object in this image. */
  readonly mask: Mask;
  /** Pose of this image's optical frame in the first image's. Errors of a few millimetres and tenths of a degree do. */
  readonly pose: Pose;
}

/** Input of the planner for one detection. */
export interface GraspTarget {
  /** Same size as the frame's colour and depth. */
  readonly mask: Mask;
  /** Up (against gravity) in the camera's optical frame, where it is known; steadies the search for the table. */
  readonly up?: Vec3;
  /** As in the planner's options, for this target only: reachability with the present arm and camera. */
  readonly reachability?: (pose: Pose) => number;
  /** Further images of the object; their points are fused with the frame's. Learned planners do not use them. */
  readonly views?: readonly SecondView[];
}

/** Plans grasps of the masked object. Never throws because of a scene: the plan then has a reason. */
export interface GraspPlanner {
  plan(frame: RgbdFrame, target: GraspTarget): GraspPlan | Promise<GraspPlan>;
  /** Frees the planner's resources, a network for instance. */
  close?(): Promise<void>;
}
