import type { CameraModel } from "./camera.js";
import type { ColourImage, DepthImage } from "./image.js";
import type { FrameId, Stamp } from "./units.js";

/** One synchronised image: colour, and where there is one the depth aligned to it and the camera of both. */
export interface RgbdFrame {
  readonly stamp: Stamp;
  /** Optical frame of the colour camera. */
  readonly frameId: FrameId;
  readonly colour: ColourImage;
  /** Same size as `colour`. */
  readonly depth?: DepthImage;
  /** Present whenever `depth` is. */
  readonly camera?: CameraModel;
}
