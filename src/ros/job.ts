import type { Chain } from "../arm/index.js";
import type { Box, Mask, Metres, Points, Pose, RgbdFrame, Stamp, Vec3 } from "../geometry/index.js";
import type { DepthView, Grasp, GraspPlan, GraspTarget, HeldObject, PlacePlan } from "../grasping/index.js";
import type {
  AskPolicy,
  Certainty,
  ClosestPixel,
  Command,
  Effort,
  QueryLanguage,
  Question,
} from "../grounding/index.js";
import type { PipelineResult, ProcessOptions, ScenePoints } from "../pipeline/index.js";

/** What crosses between the node's thread and the pipeline's: bytes are moved, not copied. */

/** How an image's CDR bytes are to be read. */
export type ImageKind = "image" | "compressed";

export interface ImageBytes {
  readonly kind: ImageKind;
  /** The whole CDR message; its memory moves to the pipeline's thread. */
  readonly cdr: Uint8Array;
}

export interface FrameBytes {
  readonly colour: ImageBytes;
  readonly depth?: ImageBytes;
  /** CDR of the colour camera's sensor_msgs/CameraInfo. */
  readonly cameraInfo?: Uint8Array;
  /** When depth is in its own frame: its camera info and where its frame is in the colour frame. */
  readonly depthCamera?: { readonly info: Uint8Array; readonly pose: Pose };
}

/** What to encode in addition to the results; each only while it has a subscriber. */
export interface RequestedOutputs {
  readonly mask: boolean;
  readonly overlay: boolean;
  readonly overlayCompressed: boolean;
  /** A sensor_msgs/PointCloud2 of the best object. */
  readonly objectCloud: boolean;
  /** The visible surface of every object, as points. */
  readonly surfaces: boolean;
  /** The decoded image and the whole results, for an observer in this process. */
  readonly fullResult?: boolean;
}

/** The arm as it stands when an image is worked on: grasps within its reach come first. */
export interface Reach {
  /** Another number, another robot. */
  readonly robot: number;
  readonly chain: Chain;
  readonly configuration: readonly number[];
  readonly cameraInBase: Pose;
  /** Length of the straight approach. */
  readonly approach: Metres;
}

export interface Job {
  /** Absent: the image of the job before. */
  readonly frame?: FrameBytes;
  readonly queries: readonly string[];
  /** Whose each query is, in their order; undefined for nobody's. */
  readonly clients: readonly (string | undefined)[];
  readonly ask: AskPolicy;
  /** Of each query, in their order: whether its result goes into images and clouds. */
  readonly published: readonly boolean[];
  /** Default `fast`. */
  readonly effort?: Effort;
  readonly requestedOutputs: RequestedOutputs;
  readonly rectified: boolean;
  readonly maxDetections: number;
  readonly masks: boolean;
  /** Give what the camera saw, as points: for a motion. */
  readonly scenePoints?: boolean;
  /** Give the image and its masks too: for a second view. */
  readonly view?: boolean;
  readonly reach?: Reach;
  /** What the gripper holds, in the axes of the arm's base; used with `reach`, which has the camera in the base. */
  readonly holding?: HeldObject;
  readonly overlayQuality: number;
}

/** An image with the objects found in it, best first. */
export interface SeenObjects {
  readonly frame: RgbdFrame;
  readonly masks: readonly Mask[];
}

/** Two images of one object, to be planned on together. */
export interface FuseRequest {
  readonly first: DepthView;
  /** The object in the first image. */
  readonly mask: Mask;
  readonly second: SeenObjects;
  /** The second optical frame in the first one. */
  readonly pose: Pose;
  /** The second optical frame in the arm's base. */
  readonly cameraInBase: Pose;
  readonly reach?: Reach;
  /** Of the object in the first image. */
  readonly score: number;
  /** Whether the object gets its mask. */
  readonly withMask: boolean;
}

/** The object of two images, in the second one's optical frame. */
export interface FusedView {
  readonly object: FoundObject;
  /** Index of the second image's detection that it is; undefined where its surface alone was followed. */
  readonly detection?: number;
  /** Undefined where nothing is planned. */
  readonly plan?: GraspPlan;
  readonly scenePoints?: ScenePoints;
}

/** A detection as it is published: its mask cut to its box. */
export interface FoundObject {
  readonly box: Box;
  readonly score: number;
  /** Which of the command's targets it is, from 0. */
  readonly target: number;
  readonly maskX: number;
  readonly maskY: number;
  readonly maskWidth: number;
  readonly maskHeight: number;
  /** 255 inside, 0 outside; empty when masks are off. */
  readonly mask: Uint8Array;
  /** Middle of the visible surface in the optical frame. */
  readonly position?: Vec3;
  /** Points of the visible surface in the optical frame, when asked for; empty without depth. */
  readonly surface?: Points;
}

export interface QueryResult {
  readonly query: string;
  readonly model: string;
  readonly found: boolean;
  readonly presence: number;
  readonly certainty: Certainty;
  /** Where the object was not found: what resembles it most, in pixels of the original image. */
  readonly closest?: ClosestPixel;
  readonly objects: readonly FoundObject[];
  readonly grasps: readonly Grasp[];
  readonly graspFailure?: string;
  /** What the query was understood as; absent where it was asked as it was said. */
  readonly command?: Command;
  readonly language?: QueryLanguage;
  readonly question?: Question;
  /** Landmarks of the destination that were found. */
  readonly destination?: readonly { readonly phrase: string; readonly object: FoundObject }[];
  /** Where the object, or what is held, can be put down, in the optical frame. */
  readonly places?: PlacePlan;
  /** Of the first object, and of all else. */
  readonly scenePoints?: ScenePoints;
  /** As in a plan. */
  readonly unseen?: number;
  readonly nextViews?: readonly Pose[];
  /** When asked for. */
  readonly view?: SeenObjects;
  /** Milliseconds by stage. */
  readonly timings: Readonly<Record<string, number>>;
}

export interface Problem {
  readonly code: string;
  readonly message: string;
}

export interface JobResult {
  readonly stamp: Stamp;
  readonly frameId: string;
  readonly width: number;
  readonly height: number;
  readonly results: readonly QueryResult[];
  /** Problems of depth or camera info while colour could be used. */
  readonly problems: readonly Problem[];
  /** CDR of sensor_msgs/Image, Image, CompressedImage and PointCloud2. */
  readonly mask?: Uint8Array;
  readonly overlay?: Uint8Array;
  readonly overlayCompressed?: Uint8Array;
  readonly objectCloud?: Uint8Array;
  /** Milliseconds from taking the job to its frame being decoded. */
  readonly decodeMs: number;
  readonly fullResult?: { readonly frame: RgbdFrame; readonly results: readonly PipelineResult[] };
}

/** One call of the pipeline on an image that is decoded already. */
export type PipelineCall =
  | {
      readonly op: "process" | "ground";
      readonly frame: RgbdFrame;
      readonly queries: readonly string[];
      readonly options?: Pick<ProcessOptions, "ask" | "client" | "effort">;
    }
  | { readonly op: "plan"; readonly frame: RgbdFrame; readonly target: GraspTarget };

/** A request to the pipeline's thread. */
export type PipelineRequest =
  | { readonly job: Job }
  | { readonly call: PipelineCall }
  | { readonly fuse: FuseRequest };

/** An event about once a second: the provider or worker that the model runs on, and the back end's report. */
export interface BackendStatus {
  readonly backend: {
    readonly description: string;
    readonly report: Readonly<Record<string, string | number>>;
  };
}
