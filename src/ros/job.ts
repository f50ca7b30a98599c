import type { Chain } from "../arm/index.js";
import type { Box, Metres, Pose, RgbdFrame, Stamp, Vec3 } from "../geometry/index.js";
import type { Grasp, GraspTarget } from "../grasping/index.js";
import type { BridgeResult, ScenePoints } from "../pipeline/index.js";

/** What crosses between the node's thread and the pipeline's: bytes are moved, not copied. */

/** How a picture's CDR bytes are to be read. */
export type PictureKind = "image" | "compressed";

export interface PictureBytes {
  readonly kind: PictureKind;
  /** The whole CDR message; its memory moves to the pipeline's thread. */
  readonly cdr: Uint8Array;
}

export interface FrameBytes {
  readonly colour: PictureBytes;
  readonly depth?: PictureBytes;
  /** CDR of the colour camera's sensor_msgs/CameraInfo. */
  readonly cameraInfo?: Uint8Array;
  /** When depth is in its own frame: its camera info and where its frame is in the colour frame. */
  readonly depthCamera?: { readonly info: Uint8Array; readonly pose: Pose };
}

/** Pictures to encode beside the results; each only when someone subscribes. */
export interface Wanted {
  readonly mask: boolean;
  readonly overlay: boolean;
  readonly overlayCompressed: boolean;
  /** The decoded picture and the whole results, for an observer in this process. */
  readonly whole?: boolean;
}

/** The arm as it stands when a picture is worked on: grasps within its reach come first. */
export interface Reach {
  /** Another number, another robot. */
  readonly robot: number;
  readonly chain: Chain;
  readonly posture: readonly number[];
  readonly cameraInBase: Pose;
  /** Length of the straight way in. */
  readonly approach: Metres;
}

export interface Job {
  readonly id: number;
  /** Absent: the picture of the job before. */
  readonly frame?: FrameBytes;
  readonly queries: readonly string[];
  readonly wanted: Wanted;
  readonly rectified: boolean;
  readonly maxDetections: number;
  readonly masks: boolean;
  /** Give what the camera saw, as points: for a motion. */
  readonly clouds?: boolean;
  readonly reach?: Reach;
  readonly overlayQuality: number;
}

/** A detection as it is published: its mask cut to its box. */
export interface FoundObject {
  readonly box: Box;
  readonly score: number;
  readonly maskX: number;
  readonly maskY: number;
  readonly maskWidth: number;
  readonly maskHeight: number;
  /** 255 inside, 0 outside; empty when masks are off. */
  readonly mask: Uint8Array;
  /** Middle of the visible surface in the optical frame. */
  readonly position?: Vec3;
}

export interface QueryResult {
  readonly query: string;
  readonly model: string;
  readonly found: boolean;
  readonly presence: number;
  readonly objects: readonly FoundObject[];
  readonly grasps: readonly Grasp[];
  readonly graspFailure?: string;
  /** Of the first object, and of all else. */
  readonly clouds?: ScenePoints;
  /** Milliseconds by stage. */
  readonly timings: Readonly<Record<string, number>>;
}

export interface Problem {
  readonly code: string;
  readonly message: string;
}

export interface JobDone {
  readonly id: number;
  readonly stamp: Stamp;
  readonly frameId: string;
  readonly width: number;
  readonly height: number;
  readonly results: readonly QueryResult[];
  /** What was wrong with depth or camera info while colour could be used. */
  readonly problems: readonly Problem[];
  /** CDR of sensor_msgs/Image, Image and CompressedImage. */
  readonly mask?: Uint8Array;
  readonly overlay?: Uint8Array;
  readonly overlayCompressed?: Uint8Array;
  /** Milliseconds from taking the job to its frame being decoded. */
  readonly decodeMs: number;
  readonly whole?: { readonly frame: RgbdFrame; readonly results: readonly BridgeResult[] };
}

export interface JobFailed {
  readonly id: number;
  readonly failure: Problem;
}

/** What is not done of a job is not wanted any more. */
export interface GiveUp {
  readonly giveUp: number;
}

/** One call of the bridge on a picture that is decoded already. */
export type BridgeCall =
  | { readonly op: "process" | "ground"; readonly frame: RgbdFrame; readonly queries: readonly string[] }
  | { readonly op: "plan"; readonly frame: RgbdFrame; readonly target: GraspTarget };

export interface CallMessage {
  readonly id: number;
  readonly call: BridgeCall;
}

export interface CallDone {
  readonly id: number;
  readonly value: unknown;
}

/** Told about once a second, unasked: where the model runs, and what the back end says of itself. */
export interface BackendNews {
  readonly backend: {
    readonly description: string;
    readonly report: Readonly<Record<string, string | number>>;
  };
}

export type JobReply = JobDone | CallDone | JobFailed;

export const hasFailed = (reply: JobReply): reply is JobFailed => "failure" in reply;
