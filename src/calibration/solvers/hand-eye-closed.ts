import { Matrix, SingularValueDecomposition } from "ml-matrix";
import {
  compose,
  invert,
  type Mat3,
  matrixFromQuaternion,
  type Pose,
  type Quaternion,
  quaternionFromMatrix,
  rotate,
  rotationVectorFromQuaternion,
  scale,
  type Vec3,
} from "../../geometry/index.js";
import { nearestRotationOf } from "./planar-pose.js";

/** One image: the pose of the robot, and of the target that it saw. */
export interface HandEyePair {
  /** The moving frame in the fixed one: the tool in the base for a camera on the hand. */
  readonly robot: Pose;
  /** The target in the camera. */
  readonly target: Pose;
}

/**
 * X with robot · X · target the same for all pairs: rotation by Park and Martin 1994, then position by linear least
 * squares, over all pairs of images.
 * @returns undefined when the rotations are too small or about one axis only
 */
export function closedForm(pairs: readonly HandEyePair[]): Pose | undefined {
  const correlation = Array.from({ length: 9 }, () => 0);
  const motions: { readonly a: Pose; readonly b: Pose }[] = [];
  for (let i = 0; i < pairs.length; i++)
    for (let j = i + 1; j < pairs.length; j++) {
      const a = compose(invert(pairs[j]!.robot), pairs[i]!.robot);
      const b = compose(pairs[j]!.target, invert(pairs[i]!.target));
      motions.push({ a, b });
      const alpha = rotationVectorFromQuaternion(a.orientation);
      const beta = rotationVectorFromQuaternion(b.orientation);
      // At half a turn the axis flips, so such a motion does not determine the rotation.
      if (Math.hypot(...alpha) > 3 || Math.hypot(...beta) > 3) continue;
      for (let r = 0; r < 3; r++)
        for (let c = 0; c < 3; c++) correlation[3 * r + c] = correlation[3 * r + c]! + alpha[r]! * beta[c]!;
    }
  const spread = new SingularValueDecomposition(
    new Matrix([correlation.slice(0, 3), correlation.slice(3, 6), correlation.slice(6, 9)]),
  ).diagonal;
  if (!(spread[1]! > 1e-6 * motions.length)) return undefined;
  const orientation = quaternionFromMatrix(nearestRotationOf(correlation));
  const position = solvePosition(motions, orientation);
  return position && { orientation, position };
}

/** (R_a - I) t = R_x t_b - t_a, over all motions. */
function solvePosition(
  motions: readonly { readonly a: Pose; readonly b: Pose }[],
  orientation: Quaternion,
): Vec3 | undefined {
  const normal = Matrix.zeros(3, 3);
  const right = Matrix.zeros(3, 1);
  for (const { a, b } of motions) {
    const m = matrixFromQuaternion(a.orientation);
    const left = new Matrix([
      [m[0] - 1, m[1], m[2]],
      [m[3], m[4] - 1, m[5]],
      [m[6], m[7], m[8] - 1],
    ]);
    const moved = rotate(orientation, b.position);
    const difference = Matrix.columnVector(moved.map((value, k) => value - a.position[k]!));
    normal.add(left.transpose().mmul(left));
    right.add(left.transpose().mmul(difference));
  }
  const svd = new SingularValueDecomposition(normal);
  if (!(svd.diagonal[2]! > 1e-6 * motions.length)) return undefined;
  return svd.solve(right).to1DArray() as unknown as Vec3;
}

/**
 * The target's pose by all pairs together (for a fixed camera: in the tool): a mean over the pairs.
 */
export function meanTarget(pairs: readonly HandEyePair[], x: Pose): Pose {
  const all = pairs.map(({ robot, target }) => compose(robot, compose(x, target)));
  const rotation = Array.from({ length: 9 }, () => 0);
  let position: Vec3 = [0, 0, 0];
  for (const pose of all) {
    const m: Mat3 = matrixFromQuaternion(pose.orientation);
    for (let k = 0; k < 9; k++) rotation[k] = rotation[k]! + m[k]!;
    position = [
      position[0] + pose.position[0],
      position[1] + pose.position[1],
      position[2] + pose.position[2],
    ];
  }
  return {
    position: scale(position, 1 / all.length),
    orientation: quaternionFromMatrix(nearestRotationOf(rotation)),
  };
}
