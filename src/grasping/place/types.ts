import type { FrameId, Mask, Metres, Points, Pose, Quaternion, Vec3 } from "../../geometry/index.js";

/** Where something is put, seen by the camera: left and right are the viewer's, in front is nearer to the camera. */
export type PlaceRelation =
  | "in"
  | "on"
  | "left of"
  | "right of"
  | "next to"
  | "in front of"
  | "behind"
  | "between"
  | "anywhere";

/** What the gripper holds, or will hold, as it was taken. */
export interface HeldObject {
  /** Its seen surface relative to the tool's origin, in the axes of the camera's optical frame. */
  readonly points: Points;
  /** Of the tool, in the camera's optical frame. */
  readonly orientation: Quaternion;
}

export interface PlaceRequest {
  readonly relation: PlaceRelation;
  /** What it is put in, on or next to, of the image's size: two for `between`, none for `anywhere`. */
  readonly landmarks: readonly Mask[];
  readonly held: HeldObject;
  /** What will not stand there any more, of the image's size: the object that is taken. */
  readonly ignored?: readonly Mask[];
  /** For `anywhere`: the point of the table, in the camera's optical frame, that the place is at or within 5 cm of. */
  readonly near?: Vec3;
  /** Up in the camera's optical frame, where it is known. */
  readonly up?: Vec3;
}

/** A pose of the tool at which the fingers open. */
export interface PlaceSpot {
  readonly frame: FrameId;
  readonly pose: Pose;
  /** Room between what is held and the nearest obstacle or unseen place. */
  readonly clearance: Metres;
}

/** Free places, best first; none is a reason. */
export interface PlacePlan {
  readonly spots: readonly PlaceSpot[];
  readonly reason?: string;
}

/** A free place before it is a pose: of the tool's origin in the table frame, and its turn about the upright axis. */
export interface Candidate {
  readonly position: Vec3;
  /** Radians from how it was taken. */
  readonly turn: number;
  readonly clearance: Metres;
  readonly score: number;
}
