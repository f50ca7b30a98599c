import type { Box, CameraModel, RgbdFrame } from "../../src/geometry/index.js";
import { grey, picture as image } from "./images.js";

/** Size of the images. */
export const tabletopSize = { width: 320, height: 240 } as const;
const size = tabletopSize;
const camera: CameraModel = { ...size, fx: 300, fy: 300, cx: 159.5, cy: 119.5 };

/** A camera 0.8 m above a table it looks down on at an angle, with boxes standing on the table. */
export function tabletop(objects: readonly { readonly box: Box; readonly height: number }[]): RgbdFrame {
  const data = new Float32Array(size.width * size.height);
  let noise = 7;
  for (let v = 0; v < size.height; v++) {
    for (let u = 0; u < size.width; u++) {
      const top = objects.find(({ box }) => u >= box[0] && u < box[2] && v >= box[1] && v < box[3]);
      // Plane 0.5 y + z = 0.8 m of the optical frame; what stands on it is nearer to the camera.
      const ray = (v - camera.cy) / camera.fy;
      const offset = 0.8 - (top?.height ?? 0) * Math.hypot(0.5, 1);
      noise = (Math.imul(noise, 1664525) + 1013904223) | 0;
      data[v * size.width + u] = offset / (0.5 * ray + 1) + ((noise >>> 16) / 65536 - 0.5) * 0.002;
    }
  }
  return {
    stamp: 0n,
    frameId: "camera",
    colour: image(size.width, size.height, grey, []),
    depth: { ...size, data },
    camera,
  };
}
