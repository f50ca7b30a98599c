import type { Mask } from "../../geometry/index.js";
import type { Tensor, Tensors } from "../../inference/index.js";

/**
 * What an object looks like to the encoder: the mean of each map of features under its mask, at unit length, one behind
 * the other. The product of two descriptors of one image is the mean of their cosines: 1 for objects that look the
 * same. Undefined where the features are on another machine.
 * @param mask of the image's size
 */
export function descriptorOf(features: Tensors, mask: Mask): Float32Array | undefined {
  const maps = Object.values(features).filter(isMap);
  if (maps.length === 0) return undefined;
  const scale = 1 / Math.sqrt(maps.length);
  return Float32Array.from(maps.flatMap((map) => unit(meanUnder(map, mask)).map((v) => v * scale)));
}

/** Mean of the cosines of two descriptors, -1 to 1. */
export const similarity = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** Features [1, channels, height, width] that are here. */
const isMap = ({ dims, data }: Tensor): boolean => dims.length === 4 && dims[0] === 1 && data.length > 0;

function meanUnder({ dims, data }: Tensor, mask: Mask): number[] {
  const [, channels, height, width] = dims as [number, number, number, number];
  const plane = height * width;
  const weights = new Float64Array(plane);
  for (let y = 0; y < mask.height; y++) {
    const row = Math.floor(((y + 0.5) * height) / mask.height) * width;
    for (let x = 0; x < mask.width; x++)
      if (mask.data[y * mask.width + x] === 1) weights[row + Math.floor(((x + 0.5) * width) / mask.width)]!++;
  }
  const cells = [...weights.keys()].filter((cell) => weights[cell]! > 0);
  return Array.from({ length: channels }, (_, channel) =>
    cells.reduce((sum, cell) => sum + weights[cell]! * Number(data[channel * plane + cell]), 0),
  );
}

function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return length === 0 ? [...vector] : vector.map((v) => v / length);
}
