import type { Sighting, Target } from "../../calibration/index.js";
import type { CameraModel, FrameId, Pose } from "../../geometry/index.js";

/** Options of all `calibrate` commands that read images. */
export interface SourceOptions {
  readonly target: string;
  readonly camera?: string;
  readonly poses?: string;
  readonly base: FrameId;
  readonly tool: FrameId;
  readonly colour?: string;
  readonly every: number;
}

/** An image that shows the target, and the pose of the tool. */
export interface CalibrationView {
  readonly sighting: Sighting;
  /** Tool in the base; present whenever robot poses were asked for. */
  readonly robot?: Pose;
}

export interface CalibrationSet {
  readonly target: Target;
  readonly views: readonly CalibrationView[];
  /** From --camera, or the bag's camera info. */
  readonly camera: CameraModel | undefined;
  /** The images' frame, where it is known. */
  readonly frameId: FrameId | undefined;
  /** Number of images read. */
  readonly looked: number;
  /** Parts of the input that were skipped, one line each. */
  readonly notes: readonly string[];
  /** Static transform between two frames of the bag. */
  readonly fixed: (target: FrameId, source: FrameId) => Pose | string;
}
