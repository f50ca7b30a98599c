/** Lens distortion as sensor_msgs/CameraInfo names it. */
export interface Distortion {
  /** `plumb_bob` (k1 k2 p1 p2 k3), `rational_polynomial` (k1 k2 p1 p2 k3 k4 k5 k6) or `equidistant` (k1 k2 k3 k4). */
  readonly model: string;
  readonly coefficients: readonly number[];
}

/** Known models and the most coefficients of each. Some drivers call equidistant `fisheye`. */
const models: Readonly<Record<string, number>> = {
  plumb_bob: 5,
  rational_polynomial: 8,
  equidistant: 4,
  fisheye: 4,
};

const isFisheye = ({ model }: Distortion): boolean => model === "equidistant" || model === "fisheye";

/** Why a distortion cannot be computed with, or undefined when it can. */
export function distortionProblem({ model, coefficients }: Distortion): string | undefined {
  const largest = models[model];
  if (largest === undefined)
    return `distortion model "${model}" is not known; there are plumb_bob, rational_polynomial, equidistant`;
  if (!coefficients.every(Number.isFinite)) return "the distortion coefficients are not finite numbers";
  if (coefficients.slice(largest).some((value) => value !== 0))
    return `${model} has ${largest} coefficients, not ${coefficients.length}`;
  return undefined;
}

/** Whether rays bend: false for none, for zeros (but an ideal fisheye bends), and for unknown models. */
export const isDistorted = (distortion: Distortion | undefined): distortion is Distortion =>
  distortion !== undefined &&
  (isFisheye(distortion) ||
    (models[distortion.model] !== undefined && distortion.coefficients.some((value) => value !== 0)));

/**
 * Where the ray (x, y, 1) meets the distorted image plane at z = 1, as OpenCV's projectPoints and
 * fisheye::projectPoints have it. Unknown models bend nothing.
 */
export function distort(distortion: Distortion, x: number, y: number): readonly [number, number] {
  if (isFisheye(distortion)) return distortFisheye(distortion.coefficients, x, y);
  if (models[distortion.model] === undefined) return [x, y];
  const [k1 = 0, k2 = 0, p1 = 0, p2 = 0, k3 = 0, k4 = 0, k5 = 0, k6 = 0] = distortion.coefficients;
  const r2 = x * x + y * y;
  const radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)));
  return [
    x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
    y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
  ];
}

function distortFisheye(k: readonly number[], x: number, y: number): readonly [number, number] {
  const r = Math.hypot(x, y);
  if (r < 1e-12) return [x, y];
  const scale = bend(k, Math.atan(r)) / r;
  return [x * scale, y * scale];
}

/** θd of θ: Kannala and Brandt 2006, as OpenCV's fisheye model. */
function bend([k1 = 0, k2 = 0, k3 = 0, k4 = 0]: readonly number[], theta: number): number {
  const t2 = theta * theta;
  return theta * (1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4))));
}

/**
 * The ray (x, y, 1) that falls on a point of the distorted plane: the inverse of `distort`, to 1e-12.
 * @returns undefined where no ray does (outside the lens's field), or none that is in front of the camera
 */
export function undistort(
  distortion: Distortion,
  xd: number,
  yd: number,
): readonly [number, number] | undefined {
  if (isFisheye(distortion)) return undistortFisheye(distortion.coefficients, xd, yd);
  if (models[distortion.model] === undefined) return [xd, yd];
  // Newton's method with a numeric Jacobian, from the fixed-point step that strong distortion does not send astray.
  let x = xd;
  let y = yd;
  for (let round = 0; round < 50; round++) {
    const [fx, fy] = distort(distortion, x, y);
    const ex = xd - fx;
    const ey = yd - fy;
    const h = 1e-6;
    const [ax, ay] = distort(distortion, x + h, y);
    const [bx, by] = distort(distortion, x, y + h);
    const [j11, j12, j21, j22] = [(ax - fx) / h, (bx - fx) / h, (ay - fy) / h, (by - fy) / h];
    const det = j11 * j22 - j12 * j21;
    if (!(det > 1e-9)) return undefined;
    const dx = (j22 * ex - j12 * ey) / det;
    const dy = (j11 * ey - j21 * ex) / det;
    const size = Math.hypot(dx, dy);
    const damp = Math.min(1, 0.5 / Math.max(size, 1e-30));
    x += dx * damp;
    y += dy * damp;
    if (size < 1e-13) break;
  }
  const [fx, fy] = distort(distortion, x, y);
  return Math.hypot(fx - xd, fy - yd) < 1e-9 ? [x, y] : undefined;
}

function undistortFisheye(
  k: readonly number[],
  xd: number,
  yd: number,
): readonly [number, number] | undefined {
  const wanted = Math.hypot(xd, yd);
  if (wanted < 1e-12) return [xd, yd];
  let theta = Math.min(wanted, Math.PI / 2);
  for (let round = 0; round < 50; round++) {
    const slope = (bend(k, theta + 1e-6) - bend(k, theta - 1e-6)) / 2e-6;
    if (!(slope > 1e-6)) return undefined;
    const step = (wanted - bend(k, theta)) / slope;
    theta += Math.max(-0.3, Math.min(0.3, step));
    if (Math.abs(step) < 1e-14) break;
  }
  if (!(Math.abs(bend(k, theta) - wanted) < 1e-9 && theta >= 0 && theta < Math.PI / 2)) return undefined;
  const scale = Math.tan(theta) / wanted;
  return [xd * scale, yd * scale];
}
