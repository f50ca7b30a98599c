import { type CameraModel, type DepthImage, matrixFromQuaternion, type Pose } from "../../geometry/index.js";

/**
 * Depth as the colour camera would see it: each pixel is deprojected by the depth camera, moved by `pose` (the depth
 * frame in the colour frame) and projected into the colour image; of several on one pixel the nearest stays. A pixel
 * covers the area its size grows to, so that a colour image of more pixels has no holes.
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
  let i = 0;
  for (let v = 0; v < depth.height; v++) {
    const ny = (v - depthCamera.cy) / depthCamera.fy;
    for (let u = 0; u < depth.width; u++, i++) {
      const z = depth.data[i]!;
      if (!(z > 0)) continue;
      const x = ((u - depthCamera.cx) / depthCamera.fx) * z;
      const y = ny * z;
      const cz = r20 * x + r21 * y + r22 * z + tz;
      if (!(cz > 0)) continue;
      const cu = (colourCamera.fx * (r00 * x + r01 * y + r02 * z + tx)) / cz + colourCamera.cx;
      const cv = (colourCamera.fy * (r10 * x + r11 * y + r12 * z + ty)) / cz + colourCamera.cy;
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
