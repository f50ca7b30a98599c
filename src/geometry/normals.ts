import type { OrganisedCloud, Points } from "./cloud.js";
import { symmetricEigen3 } from "./eigen.js";
import type { Metres } from "./units.js";

/**
 * Unit normals, towards the camera, of the given points (indices into the organised cloud): the direction of least
 * spread among the neighbours within `radius` metres, looked up in the image's order. NaN where fewer than six
 * neighbours are known, and where the least spread is more than `variation` of the whole (an edge; 1/3 is none at all).
 */
export function organisedNormals(
  cloud: OrganisedCloud,
  indices: ArrayLike<number>,
  radius: Metres,
  focal: number,
  variation = 1,
): Points {
  const { width, height, points, step } = cloud;
  const normals = new Float32Array(indices.length * 3);
  for (let k = 0; k < indices.length; k++) {
    const index = indices[k]!;
    const row = Math.trunc(index / width);
    const column = index - row * width;
    const px = points[index * 3]!;
    const py = points[index * 3 + 1]!;
    const pz = points[index * 3 + 2]!;
    const reach = Math.max(1, Math.round((radius * focal) / pz / step));
    const stride = Math.max(1, Math.round(reach / 4));
    const limit = radius * radius;
    let n = 0;
    let sx = 0;
    let sy = 0;
    let sz = 0;
    let xx = 0;
    let xy = 0;
    let xz = 0;
    let yy = 0;
    let yz = 0;
    let zz = 0;
    for (let r = row - reach; r <= row + reach; r += stride) {
      if (r < 0 || r >= height) continue;
      for (let c = column - reach; c <= column + reach; c += stride) {
        if (c < 0 || c >= width) continue;
        const i = (r * width + c) * 3;
        const x = points[i]! - px;
        const y = points[i + 1]! - py;
        const z = points[i + 2]! - pz;
        if (!(x * x + y * y + z * z <= limit)) continue;
        n++;
        sx += x;
        sy += y;
        sz += z;
        xx += x * x;
        xy += x * y;
        xz += x * z;
        yy += y * y;
        yz += y * z;
        zz += z * z;
      }
    }
    if (n < 6) {
      normals.fill(Number.NaN, k * 3, k * 3 + 3);
      continue;
    }
    const { values, vectors } = symmetricEigen3(
      xx / n - (sx / n) ** 2,
      xy / n - (sx / n) * (sy / n),
      xz / n - (sx / n) * (sz / n),
      yy / n - (sy / n) ** 2,
      yz / n - (sy / n) * (sz / n),
      zz / n - (sz / n) ** 2,
    );
    if (values[0] > variation * (values[0] + values[1] + values[2])) {
      normals.fill(Number.NaN, k * 3, k * 3 + 3);
      continue;
    }
    const [nx, ny, nz] = vectors[0];
    const towards = nx * px + ny * py + nz * pz <= 0 ? 1 : -1;
    normals[k * 3] = nx * towards;
    normals[k * 3 + 1] = ny * towards;
    normals[k * 3 + 2] = nz * towards;
  }
  return normals;
}
