import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { compose, invert, type Pose, rotationVectorFromQuaternion, type Vec3 } from "../../geometry/index.js";
import { addOuterProduct, degrees } from "./statistics.js";

/** The rotations of the robot's motions, which decide how well a hand-eye transform is determined. */
export interface Observability {
  /** Root mean square rotation about x, y and z between any two images, in degrees. */
  readonly rotation: Vec3;
  /** The same about the axis with most and the axis, square to it, with next most. */
  readonly main: number;
  readonly second: number;
  /** Coordinate axis nearest to that second one: the axis to rotate about more. */
  readonly weakAxis: "x" | "y" | "z";
  readonly mainAxis: "x" | "y" | "z";
}

const names = ["x", "y", "z"] as const;

/**
 * Rotations between all pairs of poses, about the axes of the frame that moves. One axis alone leaves the position
 * along it open (Tsai and Lenz 1989); no rotation leaves all of it open.
 */
export function observability(poses: readonly Pose[]): Observability {
  const sum = Matrix.zeros(3, 3);
  let pairs = 0;
  for (let i = 0; i < poses.length; i++)
    for (let j = i + 1; j < poses.length; j++) {
      const w = rotationVectorFromQuaternion(compose(invert(poses[j]!), poses[i]!).orientation);
      addOuterProduct(sum, w);
      pairs++;
    }
  sum.div(Math.max(1, pairs));
  const eigen = new EigenvalueDecomposition(sum, { assumeSymmetric: true });
  const order = [0, 1, 2].sort((a, b) => eigen.realEigenvalues[b]! - eigen.realEigenvalues[a]!);
  const spread = (k: number) => degrees(Math.sqrt(Math.max(0, eigen.realEigenvalues[order[k]!]!)));
  const axis = (k: number) => {
    const v = eigen.eigenvectorMatrix.getColumn(order[k]!).map(Math.abs);
    return v.indexOf(Math.max(...v));
  };
  const main = axis(0);
  const near = axis(1);
  // A skew axis can be the nearest to both. The other axis with less rotation is named then.
  const others = [0, 1, 2].filter((k) => k !== main);
  const weak = near !== main ? near : others.sort((a, b) => sum.get(a, a) - sum.get(b, b))[0]!;
  return {
    rotation: [0, 1, 2].map((k) => degrees(Math.sqrt(sum.get(k, k)))) as unknown as Vec3,
    main: spread(0),
    second: spread(1),
    weakAxis: names[weak]!,
    mainAxis: names[main]!,
  };
}
