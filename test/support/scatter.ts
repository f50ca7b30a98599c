import { dot, seededRandom, type Vec3 } from "../../src/geometry/index.js";

/** Points of the plane n·p + d = 0 with noise, then points anywhere. */
export function scatter(
  seed: number,
  n: Vec3,
  d: number,
  inliers: number,
  outliers: number,
  noise: number,
): Float32Array {
  const random = seededRandom(seed);
  const points: number[] = [];
  const gauss = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()) * noise;
  for (let i = 0; i < inliers; i++) {
    const p: Vec3 = [random() - 0.5, random() - 0.5, random() - 0.5];
    const off = dot(n, p) + d - gauss();
    points.push(p[0] - n[0] * off, p[1] - n[1] * off, p[2] - n[2] * off);
  }
  for (let i = 0; i < outliers; i++) points.push(random() - 0.5, random() - 0.5, random() - 0.5);
  return Float32Array.from(points);
}
