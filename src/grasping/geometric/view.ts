import type { Metres, Pose } from "../../geometry/index.js";
import {
  type CameraModel,
  type DepthImage,
  distort,
  isDistorted,
  type Mask,
  type Mat3,
  matrixFromQuaternion,
} from "../../geometry/index.js";

/** Visibility of a point in space. */
export const Sight = {
  /** Outside the image, or without depth. */
  unknown: 0,
  /** The camera looks through it: free space. */
  free: 1,
  /** On a seen surface. */
  surface: 2,
  /** Hidden behind the target. */
  behindTarget: 3,
  /** Hidden behind another object. */
  behindOther: 4,
} as const;
export type Sight = (typeof Sight)[keyof typeof Sight];

/** Looks points of the table frame up in the depth image. */
export class View {
  readonly #depth: DepthImage;
  readonly #mask: Mask;
  readonly #camera: CameraModel;
  readonly #rotation: Mat3;
  readonly #position: readonly [Metres, Metres, Metres];

  constructor(depth: DepthImage, mask: Mask, camera: CameraModel, tableToCamera: Pose) {
    this.#depth = depth;
    this.#mask = mask;
    this.#camera = camera;
    this.#rotation = matrixFromQuaternion(tableToCamera.orientation);
    this.#position = tableToCamera.position;
  }

  /** `tolerance`: distance from the seen surface, to both sides, that still counts as on it. */
  look(x: Metres, y: Metres, z: Metres, tolerance: Metres): Sight {
    const r = this.#rotation;
    const t = this.#position;
    const cz = r[6] * x + r[7] * y + r[8] * z + t[2];
    if (!(cz > 0)) return Sight.unknown;
    const { fx, fy, cx, cy, distortion } = this.#camera;
    let kx = (r[0] * x + r[1] * y + r[2] * z + t[0]) / cz;
    let ky = (r[3] * x + r[4] * y + r[5] * z + t[1]) / cz;
    if (isDistorted(distortion)) [kx, ky] = distort(distortion, kx, ky);
    const u = Math.round(fx * kx + cx);
    const v = Math.round(fy * ky + cy);
    const { width, height, data } = this.#depth;
    if (u < 0 || v < 0 || u >= width || v >= height) return Sight.unknown;
    const index = v * width + u;
    const seen = data[index]!;
    if (!(seen > 0)) return Sight.unknown;
    if (cz < seen - tolerance) return Sight.free;
    if (cz <= seen + tolerance) return Sight.surface;
    return this.#mask.data[index] === 0 ? Sight.behindOther : Sight.behindTarget;
  }
}
