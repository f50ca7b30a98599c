import { deproject, type Mask, type RgbdFrame, type Vec3 } from "../geometry/index.js";

/**
 * Where an object's seen surface is, in the camera's frame: its mask's middle at the median depth; undefined without
 * depth.
 */
export function surfacePosition({ depth, camera }: RgbdFrame, mask: Mask): Vec3 | undefined {
  if (depth === undefined || camera === undefined) return undefined;
  const depths: number[] = [];
  let sumU = 0;
  let sumV = 0;
  for (let v = 0, i = 0; v < mask.height; v++) {
    for (let u = 0; u < mask.width; u++, i++) {
      const z = mask.data[i] === 0 ? 0 : depth.data[i]!;
      if (!(z > 0)) continue;
      depths.push(z);
      sumU += u;
      sumV += v;
    }
  }
  if (depths.length === 0) return undefined;
  depths.sort((a, b) => a - b);
  return deproject(camera, sumU / depths.length, sumV / depths.length, depths[depths.length >> 1]!);
}
