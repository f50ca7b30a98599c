import type { FrameId, Mask, Metres, Pose, RgbdFrame, Vec3 } from "../geometry/index.js";

/** A parallel gripper, in metres. Frame: origin between the fingertips, z along the approach, x along the closing direction. */
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
  /** Largest closing force in newtons; limits the hint. */
  readonly maxForce?: number;
}

/** A grasp: where the tool must be when the fingers close. */
export interface Grasp {
  /** Frame the pose is given in: the camera's optical frame until it is transformed. */
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
  /** What the score was made of, for the console and for logs. */
  readonly terms?: Readonly<Record<string, number>>;
}

/** Why there is no grasp. */
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

export interface GraspPlan {
  /** Best first; empty when `reason` says why. */
  readonly grasps: readonly Grasp[];
  readonly reason?: string;
  /** The same for programs; present whenever `reason` is. */
  readonly refusal?: GraspRefusal;
}

/** What the planner needs to know of a detection. */
export interface GraspTarget {
  /** Same size as the frame's colour and depth. */
  readonly mask: Mask;
  /** Up (against gravity) in the camera's optical frame, where it is known; steadies the search for the table. */
  readonly up?: Vec3;
  /** As of the planner's options, for this target alone: where the arm and the camera are now. */
  readonly reachability?: (pose: Pose) => number;
}

/** Works out how to take the masked object. Never throws for what a scene can look like: it gives a reason. */
export interface GraspPlanner {
  plan(frame: RgbdFrame, target: GraspTarget): GraspPlan | Promise<GraspPlan>;
  /** Frees what the planner holds, a network for instance. */
  close?(): Promise<void>;
}
