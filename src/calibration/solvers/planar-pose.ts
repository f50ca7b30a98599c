import { EigenvalueDecomposition, Matrix, SingularValueDecomposition } from "ml-matrix";
import {
  type CameraModel,
  type Mat3,
  type Pose,
  pixelRay,
  project,
  quaternionFromMatrix,
  quaternionFromRotationVector,
  rotationVectorFromQuaternion,
  transformPoint,
  type Vec3,
} from "../../geometry/index.js";
import type { Sighting } from "../types.js";
import { solveBlocks } from "./least-squares.js";
import { addOuterProduct } from "./statistics.js";

/** Six numbers of a pose: rotation vector, position. */
export const packPose = ({ orientation, position }: Pose): Float64Array =>
  Float64Array.from([...rotationVectorFromQuaternion(orientation), ...position]);

export const unpackPose = (p: ArrayLike<number>, at = 0): Pose => ({
  orientation: quaternionFromRotationVector([p[at]!, p[at + 1]!, p[at + 2]!]),
  position: [p[at + 3]!, p[at + 4]!, p[at + 5]!],
});

/**
 * Pose of a flat target (z = 0) in the camera: direct linear transform of the rays (Zhang 2000, section 3.1, for rays
 * instead of pixels, which covers wide lenses as well). A start for `refinePose`.
 * @returns undefined for fewer than four points, points on a line, or rays that do not exist
 */
export function planarPose(sighting: Sighting, camera: CameraModel): Pose | undefined {
  const { object, pixels } = sighting;
  const count = pixels.length / 2;
  if (count < 4) return undefined;
  const { x: mx, y: my, size } = spread(object);
  const normal = Matrix.zeros(9, 9);
  let used = 0;
  for (let i = 0; i < count; i++) {
    const ray = pixelRay(camera, pixels[2 * i]!, pixels[2 * i + 1]!);
    if (ray === undefined) continue;
    used++;
    const p = [(object[3 * i]! - mx) / size, (object[3 * i + 1]! - my) / size, 1];
    const length = Math.hypot(ray[0], ray[1], 1);
    const [bx, by, bz] = [ray[0] / length, ray[1] / length, 1 / length];
    // The ray is parallel to H p: the rows of their cross product, H by rows.
    addOuterProduct(normal, [...p.map(() => 0), ...p.map((v) => -bz * v), ...p.map((v) => by * v)]);
    addOuterProduct(normal, [...p.map((v) => bz * v), ...p.map(() => 0), ...p.map((v) => -bx * v)]);
    addOuterProduct(normal, [...p.map((v) => -by * v), ...p.map((v) => bx * v), ...p.map(() => 0)]);
  }
  if (used < 4) return undefined;
  const eigen = new EigenvalueDecomposition(normal, { assumeSymmetric: true });
  const order = eigen.realEigenvalues.map((value, k) => [value, k] as const).sort((a, b) => a[0] - b[0]);
  // A second solution means that the points lie on one line.
  if (!(order[1]![0] > 1e-10 * order[8]![0])) return undefined;
  let h = eigen.eigenvectorMatrix.getColumn(order[0]![1]);
  const scale = (Math.hypot(h[0]!, h[3]!, h[6]!) + Math.hypot(h[1]!, h[4]!, h[7]!)) / 2;
  if (!(scale > 1e-12)) return undefined;
  h = h.map((value) => (value / scale) * (h[8]! < 0 ? -1 : 1));
  const r1: Vec3 = [h[0]!, h[3]!, h[6]!];
  const r2: Vec3 = [h[1]!, h[4]!, h[7]!];
  const rotation = nearestRotation(r1, r2);
  const at: Vec3 = [h[2]! * size, h[5]! * size, h[8]! * size];
  const orientation = quaternionFromMatrix(rotation);
  const centre = transformPoint({ position: [0, 0, 0], orientation }, [mx, my, 0]);
  return { orientation, position: [at[0] - centre[0], at[1] - centre[1], at[2] - centre[2]] };
}

/** The pose of least reprojection error near `start`; `scale` as in `BlockProblem`, in pixels. */
export function refinePose(sighting: Sighting, camera: CameraModel, start: Pose, scale = Infinity): Pose {
  const solution = solveBlocks({
    shared: new Float64Array(0),
    blocks: [packPose(start)],
    residuals: (_, pose) => reprojection(sighting, camera, unpackPose(pose)),
    group: 2,
    scale,
    iterations: 30,
  });
  return unpackPose(solution.blocks[0]!);
}

/** Pixels seen minus pixels expected, u and v by turns; infinite for points behind the camera. */
export function reprojection({ object, pixels }: Sighting, camera: CameraModel, pose: Pose): Float64Array {
  const residuals = new Float64Array(pixels.length);
  for (let i = 0; i < pixels.length; i += 2) {
    const o = 1.5 * i;
    const at = project(camera, transformPoint(pose, [object[o]!, object[o + 1]!, object[o + 2]!]));
    residuals[i] = at === undefined ? Infinity : pixels[i]! - at[0];
    residuals[i + 1] = at === undefined ? Infinity : pixels[i + 1]! - at[1];
  }
  return residuals;
}

/** Root mean square length of the residuals of points, in pixels. */
export const rms = (residuals: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < residuals.length; i++) sum += residuals[i]! * residuals[i]!;
  return Math.sqrt(sum / Math.max(1, residuals.length / 2));
};

function spread(object: ArrayLike<number>): { x: number; y: number; size: number } {
  const n = object.length / 3;
  let [x, y, size] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    x += object[3 * i]! / n;
    y += object[3 * i + 1]! / n;
  }
  for (let i = 0; i < n; i++) size += Math.hypot(object[3 * i]! - x, object[3 * i + 1]! - y) / n;
  return { x, y, size: Math.max(size, 1e-9) };
}

/** The rotation whose first two columns are nearest to r1 and r2. */
function nearestRotation(r1: Vec3, r2: Vec3): Mat3 {
  const r3: Vec3 = [
    r1[1] * r2[2] - r1[2] * r2[1],
    r1[2] * r2[0] - r1[0] * r2[2],
    r1[0] * r2[1] - r1[1] * r2[0],
  ];
  return nearestRotationOf([r1[0], r2[0], r3[0], r1[1], r2[1], r3[1], r1[2], r2[2], r3[2]]);
}

/** The rotation nearest to a row-major 3 × 3 matrix (orthogonal Procrustes). */
export function nearestRotationOf(m: readonly number[]): Mat3 {
  const svd = new SingularValueDecomposition(
    new Matrix([m.slice(0, 3) as number[], m.slice(3, 6) as number[], m.slice(6, 9) as number[]]),
  );
  const u = svd.leftSingularVectors;
  const v = svd.rightSingularVectors;
  const plain = u.mmul(v.transpose());
  const sign = determinant(plain.to1DArray()) < 0 ? -1 : 1;
  return u
    .mmul(Matrix.diag([1, 1, sign]))
    .mmul(v.transpose())
    .to1DArray() as unknown as Mat3;
}

const determinant = (m: readonly number[]): number =>
  m[0]! * (m[4]! * m[8]! - m[5]! * m[7]!) -
  m[1]! * (m[3]! * m[8]! - m[5]! * m[6]!) +
  m[2]! * (m[3]! * m[7]! - m[4]! * m[6]!);
