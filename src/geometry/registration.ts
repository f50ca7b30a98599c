import { type CameraModel, pixelRay } from "./camera.js";
import { distort, isDistorted } from "./distortion.js";
import type { DepthImage } from "./image.js";
import { matrixFromQuaternion, type Pose } from "./pose.js";

/**
 * Depth as the colour camera would see it: each pixel is deprojected by the depth camera, moved by `pose` (the depth
 * frame in the colour frame) and projected into the colour image; of several on one pixel the nearest stays. A pixel
 * covers the area its size grows to, so that a colour image of more pixels has no holes. Distortion of both lenses is
 * applied.
 * @param depth metres, of the depth camera's size. @returns metres, of the colour camera's size, NaN where unknown
 */
export function registerDepth(
  depth: DepthImage,
  depthCamera: CameraModel,
  pose: Pose,
  colourCamera: CameraModel,
): DepthImage {
  const { width, height } = colourCamera;
  const data = new Float32Array(width * height).fill(Number.NaN);
  const [r00, r01, r02, r10, r11, r12, r20, r21, r22] = matrixFromQuaternion(pose.orientation);
  const [tx, ty, tz] = pose.position;
  const halfX = colourCamera.fx / depthCamera.fx / 2;
  const halfY = colourCamera.fy / depthCamera.fy / 2;
  const rays = isDistorted(depthCamera.distortion) ? raysOf(depthCamera) : undefined;
  const lens = isDistorted(colourCamera.distortion) ? colourCamera.distortion : undefined;
  let i = 0;
  for (let v = 0; v < depth.height; v++) {
    const ny = (v - depthCamera.cy) / depthCamera.fy;
    for (let u = 0; u < depth.width; u++, i++) {
      const z = depth.data[i]!;
      if (!(z > 0)) continue;
      // Outside the depth camera's lens the ray is NaN, and the pixel ends at the next comparison.
      const x = (rays === undefined ? (u - depthCamera.cx) / depthCamera.fx : rays[2 * i]!) * z;
      const y = (rays === undefined ? ny : rays[2 * i + 1]!) * z;
      const cz = r20 * x + r21 * y + r22 * z + tz;
      if (!(cz > 0)) continue;
      let px = (r00 * x + r01 * y + r02 * z + tx) / cz;
      let py = (r10 * x + r11 * y + r12 * z + ty) / cz;
      if (lens !== undefined) [px, py] = distort(lens, px, py);
      const cu = colourCamera.fx * px + colourCamera.cx;
      const cv = colourCamera.fy * py + colourCamera.cy;
      const scale = z / cz;
      const u1 = Math.max(0, Math.ceil(cu - halfX * scale - 1e-6));
      const u2 = Math.min(width - 1, Math.floor(cu + halfX * scale + 1e-6));
      const v1 = Math.max(0, Math.ceil(cv - halfY * scale - 1e-6));
      const v2 = Math.min(height - 1, Math.floor(cv + halfY * scale + 1e-6));
      for (let b = v1; b <= v2; b++) {
        for (let a = u1; a <= u2; a++) {
          const at = b * width + a;
          if (!(data[at]! <= cz)) data[at] = cz;
        }
      }
    }
  }
  return { width, height, data };
}

/** Undoing distortion is an iteration, and every image of a camera has the same rays: those of the last are held. */
let last: { readonly key: string; readonly rays: Float32Array } | undefined;

/** x and y of the ray (x, y, 1) of every pixel; NaN where no ray falls. */
function raysOf(camera: CameraModel): Float32Array {
  const key = JSON.stringify(camera);
  if (last?.key === key) return last.rays;
  const { width, height } = camera;
  const rays = new Float32Array(width * height * 2).fill(Number.NaN);
  for (let v = 0, o = 0; v < height; v++)
    for (let u = 0; u < width; u++, o += 2) {
      const ray = pixelRay(camera, u, v);
      if (ray !== undefined) rays.set(ray, o);
    }
  last = { key, rays };
  return rays;
}
