import type { CameraModel, DepthImage, Mask, Pose, RgbdFrame, Vec3 } from "../../src/geometry/index.js";
import { cross, normalize, quaternionFromAxes, rotate, subtract } from "../../src/geometry/index.js";

/** Signed distance of a point of the world (z up, the table is z = 0) to a solid, in metres; negative inside. */
export type Solid = (x: number, y: number, z: number) => number;

/** Box of the given size whose middle is at `centre`, turned by `yaw`. */
export function box(centre: Vec3, size: Vec3, yaw = 0): Solid {
  const c = Math.cos(yaw);
  const s = Math.sin(yaw);
  return (x, y, z) => {
    const dx = x - centre[0];
    const dy = y - centre[1];
    const qx = Math.abs(c * dx + s * dy) - size[0] / 2;
    const qy = Math.abs(-s * dx + c * dy) - size[1] / 2;
    const qz = Math.abs(z - centre[2]) - size[2] / 2;
    const outside = Math.hypot(Math.max(qx, 0), Math.max(qy, 0), Math.max(qz, 0));
    return outside + Math.min(0, Math.max(qx, qy, qz));
  };
}

/** Upright cylinder. */
export function cylinder(centre: Vec3, radius: number, height: number): Solid {
  return (x, y, z) => {
    const q = Math.hypot(x - centre[0], y - centre[1]) - radius;
    const h = Math.abs(z - centre[2]) - height / 2;
    return Math.min(Math.max(q, h), 0) + Math.hypot(Math.max(q, 0), Math.max(h, 0));
  };
}

/** Cylinder on its side, its axis turned by `yaw` from x. */
export function lyingCylinder(centre: Vec3, radius: number, length: number, yaw: number): Solid {
  const c = Math.cos(yaw);
  const s = Math.sin(yaw);
  return (x, y, z) => {
    const along = c * (x - centre[0]) + s * (y - centre[1]);
    const across = -s * (x - centre[0]) + c * (y - centre[1]);
    const q = Math.hypot(across, z - centre[2]) - radius;
    const h = Math.abs(along) - length / 2;
    return Math.min(Math.max(q, h), 0) + Math.hypot(Math.max(q, 0), Math.max(h, 0));
  };
}

export const sphere =
  (centre: Vec3, radius: number): Solid =>
  (x, y, z) =>
    Math.hypot(x - centre[0], y - centre[1], z - centre[2]) - radius;

/** Open pot: a cylinder with straight walls and a floor of the given thickness. */
export function pot(centre: Vec3, radius: number, height: number, wall: number): Solid {
  const outer = cylinder([centre[0], centre[1], height / 2], radius, height);
  const inner = cylinder([centre[0], centre[1], height / 2 + wall], radius - wall, height);
  return (x, y, z) => Math.max(outer(x, y, z), -inner(x, y, z));
}

export interface View {
  readonly frame: RgbdFrame & { readonly depth: DepthImage; readonly camera: CameraModel };
  /** Mask of each solid, in their order. */
  readonly masks: readonly Mask[];
  /** The camera's optical frame in the world. */
  readonly cameraToWorld: Pose;
}

export interface ViewOptions {
  readonly eye?: Vec3;
  readonly at?: Vec3;
  /** The camera's optical frame in the world, in place of `eye` and `at`. */
  readonly pose?: Pose;
  readonly width?: number;
  readonly height?: number;
}

/** What an RGB-D camera without noise sees of solids on a table: sphere tracing (Hart 1996). */
export function look(solids: readonly Solid[], options: ViewOptions = {}): View {
  const { at = [0, 0, 0.03], width = 640, height = 480 } = options;
  const eye = options.pose?.position ?? options.eye ?? [-0.45, 0.1, 0.5];
  const focal = (615 * width) / 640;
  const camera: CameraModel = {
    width,
    height,
    fx: focal,
    fy: focal,
    cx: (width - 1) / 2,
    cy: (height - 1) / 2,
  };
  const forward = normalize(subtract(at, eye));
  const right = options.pose ? forward : normalize(cross(forward, [0, 0, 1]));
  const cameraToWorld: Pose = options.pose ?? {
    position: eye,
    orientation: quaternionFromAxes(right, cross(forward, right), forward),
  };
  const depth = new Float32Array(width * height);
  const masks = solids.map(() => new Uint8Array(width * height));
  for (let v = 0; v < height; v++)
    for (let u = 0; u < width; u++) {
      const ray: Vec3 = [(u - camera.cx) / focal, (v - camera.cy) / focal, 1];
      const direction = rotate(cameraToWorld.orientation, ray);
      const length = Math.hypot(...direction);
      let t = 0.1;
      let hit = -1;
      for (let k = 0; k < 200 && t < 3; k++) {
        const x = eye[0] + direction[0] * t;
        const y = eye[1] + direction[1] * t;
        const z = eye[2] + direction[2] * t;
        let nearest = z;
        hit = -1;
        for (let i = 0; i < solids.length; i++) {
          const d = solids[i]!(x, y, z);
          if (d < nearest) {
            nearest = d;
            hit = i;
          }
        }
        if (nearest < 2e-5) break;
        t += nearest / length;
      }
      depth[v * width + u] = t < 3 ? t : Number.NaN;
      if (hit >= 0 && t < 3) masks[hit]![v * width + u] = 1;
    }
  return {
    frame: {
      stamp: 0n,
      frameId: "camera_color_optical_frame",
      colour: { width, height, data: new Uint8Array(width * height * 3) },
      depth: { width, height, data: depth },
      camera,
    },
    masks: masks.map((data) => ({ width, height, data })),
    cameraToWorld,
  };
}
