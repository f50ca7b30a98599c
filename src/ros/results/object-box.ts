import { type Points, type Pose, transformPoints, type Vec3 } from "../../geometry/index.js";

/** A box along the axes of its frame: middle and edge lengths, in metres. */
export interface ObjectBox {
  readonly center: Vec3;
  readonly size: Vec3;
}

/** Share of the points that may lie outside on each side: what noise moved. */
const outliers = 0.01;
/** A surface seen edge-on still has this much thickness, so that planners accept the box. */
const minSize = 0.001;

/**
 * The box around the visible surface of an object, along the axes of the frame that `pose` leads to. The object's
 * hidden
 * side is not in it.
 * @param points x, y, z, … in metres, in the camera's optical frame.
 * @param pose the optical frame in the box's frame.
 * @returns undefined without points.
 */
export function objectBox(points: Points, pose: Pose): ObjectBox | undefined {
  const n = points.length / 3;
  if (n === 0) return undefined;
  const moved = transformPoints(pose, points);
  const bounds = [0, 1, 2].map((axis) => {
    const values = Float32Array.from({ length: n }, (_, i) => moved[i * 3 + axis]!).sort();
    const skip = Math.floor(n * outliers);
    return [values[skip]!, values[n - 1 - skip]!] as const;
  });
  return {
    center: bounds.map(([low, high]) => (low + high) / 2) as unknown as Vec3,
    size: bounds.map(([low, high]) => Math.max(minSize, high - low)) as unknown as Vec3,
  };
}
