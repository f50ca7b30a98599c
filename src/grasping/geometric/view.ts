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

/** What one or several cameras know of points of the table frame. */
export interface Visibility {
  /** `tolerance`: distance from the seen surface, to both sides, that still counts as on it, in metres. */
  look(x: Metres, y: Metres, z: Metres, tolerance: Metres): Sight;
}

/** Looks points of the table frame up in the depth image. */
export class View implements Visibility {
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

  look(x: Metres, y: Metres, z: Metres, tolerance: Metres): Sight {
    return this.#see(x, y, z, tolerance).sight;
  }

  /** Whether a point lies on the surface seen within the mask. */
  onTarget(x: Metres, y: Metres, z: Metres, tolerance: Metres): boolean {
    const { sight, masked } = this.#see(x, y, z, tolerance);
    return masked && sight === Sight.surface;
  }

  #see(x: Metres, y: Metres, z: Metres, tolerance: Metres): { sight: Sight; masked: boolean } {
    const r = this.#rotation;
    const t = this.#position;
    const cz = r[6] * x + r[7] * y + r[8] * z + t[2];
    if (!(cz > 0)) return nowhere;
    const { fx, fy, cx, cy, distortion } = this.#camera;
    let kx = (r[0] * x + r[1] * y + r[2] * z + t[0]) / cz;
    let ky = (r[3] * x + r[4] * y + r[5] * z + t[1]) / cz;
    if (isDistorted(distortion)) [kx, ky] = distort(distortion, kx, ky);
    const u = Math.round(fx * kx + cx);
    const v = Math.round(fy * ky + cy);
    const { width, height, data } = this.#depth;
    if (u < 0 || v < 0 || u >= width || v >= height) return nowhere;
    const index = v * width + u;
    const seen = data[index]!;
    const masked = this.#mask.data[index] !== 0;
    if (!(seen > 0)) return { sight: Sight.unknown, masked };
    if (cz < seen - tolerance) return { sight: Sight.free, masked };
    if (cz <= seen + tolerance) return { sight: Sight.surface, masked };
    return { sight: masked ? Sight.behindTarget : Sight.behindOther, masked };
  }
}

const nowhere = { sight: Sight.unknown, masked: false } as const;

/** Several views of one scene: what one camera sees counts for all; a point is hidden where no camera sees it. */
export class Views implements Visibility {
  readonly #views: readonly View[];

  constructor(views: readonly View[]) {
    this.#views = views;
  }

  look(x: Metres, y: Metres, z: Metres, tolerance: Metres): Sight {
    let best: Sight = Sight.unknown;
    for (const view of this.#views) {
      const sight = view.look(x, y, z, tolerance);
      if (sight === Sight.free) return sight;
      if (rank[sight] > rank[best]) best = sight;
    }
    return best;
  }
}

/** Of two answers that are not free, the one that says more. Behind the target may be the target's own inside. */
const rank: Readonly<Record<Sight, number>> = {
  [Sight.unknown]: 0,
  [Sight.behindOther]: 1,
  [Sight.behindTarget]: 2,
  [Sight.surface]: 3,
  [Sight.free]: 4,
};
