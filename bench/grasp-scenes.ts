import {
  type CameraModel,
  cross,
  normalize,
  type Random,
  type RgbdFrame,
  seededRandom,
  subtract,
  type Vec3,
} from "../src/geometry/index.js";
import type { GraspTarget } from "../src/grasping/index.js";

/** An object on the table z = 0: an upright box (turned by yaw), an upright cylinder or a ball; lengths in metres. */
type SceneObject =
  | { readonly kind: "box"; readonly at: Vec3; readonly size: Vec3; readonly yaw: number }
  | { readonly kind: "can"; readonly at: Vec3; readonly radius: number; readonly height: number }
  | { readonly kind: "ball"; readonly at: Vec3; readonly radius: number };

export interface GraspScene {
  readonly frame: RgbdFrame;
  readonly target: GraspTarget;
}

const width = 640;
const height = 480;
const camera: CameraModel = { width, height, fx: 615, fy: 615, cx: 319.5, cy: 239.5 };

/**
 * Tables with one to eight objects as a tilted depth camera sees them, with its noise; the target is the first
 * object.
 */
export function graspScenes(count: number): GraspScene[] {
  return Array.from({ length: count }, (_, index) =>
    graspScene(seededRandom(index + 1), index % 2 === 0 ? 1 : 8),
  );
}

function graspScene(random: Random, objectCount: number): GraspScene {
  const range = (low: number, high: number): number => low + (high - low) * random();
  const placed: SceneObject[] = [];
  for (let k = 0; k < objectCount; k++) {
    const angle = range(0, 2 * Math.PI);
    const away = k === 0 ? 0 : range(0.12, 0.25);
    placed.push(randomObject(range, away * Math.cos(angle), away * Math.sin(angle)));
  }
  const elevation = range(0.7, 1.1);
  const distance = range(0.55, 0.8);
  const eye: Vec3 = [-distance * Math.cos(elevation), 0, distance * Math.sin(elevation)];
  const forward = normalize(subtract([0, 0, 0.03], eye));
  const right = normalize(cross(forward, [0, 0, 1]));
  const down = cross(forward, right);
  const depth = new Float32Array(width * height);
  const mask = new Uint8Array(width * height);
  for (let v = 0; v < height; v++)
    for (let u = 0; u < width; u++) {
      const x = (u - camera.cx) / camera.fx;
      const y = (v - camera.cy) / camera.fy;
      const ray: Vec3 = [
        right[0] * x + down[0] * y + forward[0],
        right[1] * x + down[1] * y + forward[1],
        right[2] * x + down[2] * y + forward[2],
      ];
      let nearest = ray[2] < 0 ? -eye[2] / ray[2] : Number.NaN;
      let hit = -1;
      for (const [k, each] of placed.entries()) {
        const t = rayParameter(each, eye, ray);
        if (t > 0 && !(t >= nearest)) {
          nearest = t;
          hit = k;
        }
      }
      const i = v * width + u;
      const noise = 0.0018 * nearest * nearest * (random() + random() + random() - 1.5) * 2;
      depth[i] = random() < 0.02 ? Number.NaN : Math.round((nearest + noise) * 1000) / 1000;
      if (hit === 0) mask[i] = 1;
    }
  return {
    frame: {
      stamp: 0n,
      frameId: "camera_color_optical_frame",
      colour: { width, height, data: new Uint8Array(width * height * 3) },
      depth: { width, height, data: depth },
      camera,
    },
    target: { mask: { width, height, data: mask } },
  };
}

function randomObject(range: (low: number, high: number) => number, x: number, y: number): SceneObject {
  const pick = range(0, 3);
  if (pick < 1) {
    const size: Vec3 = [range(0.02, 0.065), range(0.05, 0.16), range(0.02, 0.2)];
    return { kind: "box", at: [x, y, size[2] / 2], size, yaw: range(0, Math.PI) };
  }
  if (pick < 2) {
    const tall = range(0.04, 0.2);
    return { kind: "can", at: [x, y, tall / 2], radius: range(0.012, 0.034), height: tall };
  }
  const radius = range(0.018, 0.035);
  return { kind: "ball", at: [x, y, radius], radius };
}

/** Ray parameter where a ray first meets an object; NaN where it does not. */
function rayParameter(object: SceneObject, eye: Vec3, ray: Vec3): number {
  const o: Vec3 = subtract(eye, object.at);
  switch (object.kind) {
    case "ball":
      return firstRoot(ray[0] ** 2 + ray[1] ** 2 + ray[2] ** 2, o, ray, object.radius, 1);
    case "can": {
      const side = firstRoot(ray[0] ** 2 + ray[1] ** 2, o, ray, object.radius, 0);
      if (Math.abs(o[2] + side * ray[2]) <= object.height / 2) return side;
      const top = (object.height / 2 - o[2]) / ray[2];
      return Math.hypot(o[0] + top * ray[0], o[1] + top * ray[1]) <= object.radius ? top : Number.NaN;
    }
    case "box": {
      const c = Math.cos(object.yaw);
      const s = Math.sin(object.yaw);
      const from: Vec3 = [c * o[0] + s * o[1], -s * o[0] + c * o[1], o[2]];
      const along: Vec3 = [c * ray[0] + s * ray[1], -s * ray[0] + c * ray[1], ray[2]];
      let enter = -Infinity;
      let leave = Infinity;
      for (let k = 0; k < 3; k++) {
        const a = (-object.size[k]! / 2 - from[k]!) / along[k]!;
        const b = (object.size[k]! / 2 - from[k]!) / along[k]!;
        enter = Math.max(enter, Math.min(a, b));
        leave = Math.min(leave, Math.max(a, b));
      }
      return enter <= leave ? enter : Number.NaN;
    }
  }
}

/** First root of |o + t ray|² = radius², in the level alone (`upright` 0) or in space (1). */
function firstRoot(a: number, o: Vec3, ray: Vec3, radius: number, upright: 0 | 1): number {
  const b = o[0] * ray[0] + o[1] * ray[1] + upright * o[2] * ray[2];
  const c = o[0] ** 2 + o[1] ** 2 + upright * o[2] ** 2 - radius * radius;
  const root = b * b - a * c;
  return root >= 0 ? (-b - Math.sqrt(root)) / a : Number.NaN;
}
