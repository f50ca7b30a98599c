import { type CameraModel, cameraProblem, pixelRay } from "./camera.js";
import { type Distortion, distortionProblem } from "./distortion.js";
import type { Pixels } from "./units.js";

/**
 * A calibration as its source states it, with the meaning of sensor_msgs/CameraInfo's fields. Every source (a file, a
 * bag, a topic) is brought into this form, and {@link resolveCamera} is the one check.
 */
export interface CalibrationFields {
  /** Full size in pixels, before binning and region of interest. */
  readonly width: Pixels;
  readonly height: Pixels;
  /** 3×3, row-major. */
  readonly k: ArrayLike<number>;
  /** 3×4, or its left 3×3, row-major; absent or zeros where the source has none. */
  readonly p?: ArrayLike<number>;
  /** Distortion coefficients in the model's order. */
  readonly d: ArrayLike<number>;
  /**
   * Name of the distortion model. Undefined when the source's format has no field for it (OpenCV's YAML): the number
   * of coefficients then says which model it is. An empty name does not.
   */
  readonly distortionModel: string | undefined;
  readonly binning?: readonly [Pixels, Pixels];
  /** Zero width or height stands for the full image. */
  readonly roi?: {
    readonly x_offset: Pixels;
    readonly y_offset: Pixels;
    readonly width: Pixels;
    readonly height: Pixels;
  };
}

export type Resolved<T> =
  | {
      readonly ok: true;
      readonly value: T /** What the source leaves open, and how it is read. */;
      readonly assumed?: string;
    }
  | { readonly ok: false; readonly problem: string };

const refuse = (problem: string) => ({ ok: false, problem }) as const;

/**
 * The one door for cameras: checks a calibration and makes a camera of it. Binning and region of interest are applied
 * as image_geometry does it: K and P describe the full image.
 * @param rectified whether the image was rectified: then P describes it and it has no distortion. Undefined: not
 * known; the image is taken as it comes from the lens, and `assumed` says so where that matters.
 * @returns the camera of the image, or a problem in words
 */
export function resolveCamera(fields: CalibrationFields, rectified?: boolean): Resolved<CameraModel> {
  const lens = resolveDistortion(fields.distortionModel, fields.d);
  if (!lens.ok) return lens;
  const distortion = lens.value;
  const hasP = (fields.p?.[0] ?? 0) > 0;
  if (rectified && !hasP && distortion !== undefined)
    return refuse("the image is said to be rectified, but the projection matrix P is empty");
  const usesP = rectified === true && hasP;
  const matrix = usesP ? squareOf(fields.p!) : Array.from(fields.k);
  const pinhole = pinholeOf(fields, matrix);
  const camera = usesP || distortion === undefined ? pinhole : { ...pinhole, distortion };
  const problem = sourceProblem(fields, matrix) ?? cameraProblem(camera) ?? matrixProblem(matrix);
  if (problem !== undefined) return refuse(problem);
  if (rectified === undefined && distortion !== undefined)
    return { ok: true, value: camera, assumed: `its ${distortion.model} distortion is undone` };
  return { ok: true, value: camera };
}

/** The left 3×3 of a 3×4 matrix; one of another size as it is, for {@link sourceProblem} to name. */
const squareOf = (p: ArrayLike<number>): number[] =>
  p.length === 12 ? [0, 1, 2, 4, 5, 6, 8, 9, 10].map((i) => p[i]!) : Array.from(p);

/** What no image can have: sizes that are no whole pixels, a region outside of it, a matrix of another size. */
function sourceProblem(
  { width, height, roi }: CalibrationFields,
  matrix: readonly number[],
): string | undefined {
  if (!Number.isInteger(width) || !Number.isInteger(height))
    return `its image size ${width}×${height} is not whole pixels`;
  if (matrix.length !== 9) return `the camera matrix has ${matrix.length} values, not 9`;
  if (roi === undefined || width === 0 || height === 0) return undefined;
  const [right, lower] = [roi.x_offset + (roi.width || 0), roi.y_offset + (roi.height || 0)];
  if (roi.x_offset >= 0 && roi.y_offset >= 0 && right <= width && lower <= height) return undefined;
  return `its region of interest, ${roi.width}×${roi.height} at ${roi.x_offset}, ${roi.y_offset}, is not within its ${width}×${height} pixels`;
}

function pinholeOf(
  { width, height, binning, roi }: CalibrationFields,
  matrix: readonly number[],
): CameraModel {
  const [fx = 0, , cx = 0, , fy = 0, cy = 0] = matrix;
  const binX = Math.max(1, binning?.[0] ?? 1);
  const binY = Math.max(1, binning?.[1] ?? 1);
  return {
    width: Math.floor((roi?.width || width) / binX),
    height: Math.floor((roi?.height || height) / binY),
    fx: fx / binX,
    fy: fy / binY,
    cx: (cx - (roi?.x_offset ?? 0)) / binX,
    cy: (cy - (roi?.y_offset ?? 0)) / binY,
  };
}

/** K = [fx 0 cx; 0 fy cy; 0 0 1]: anything else is skewed, transposed or no camera matrix. */
function matrixProblem(m: readonly number[]): string | undefined {
  if (m[2] === 0 && m[5] === 0 && (m[6] !== 0 || m[7] !== 0))
    return "the camera matrix is stored by columns; it must be row-major: fx 0 cx 0 fy cy 0 0 1";
  if (Math.abs(m[1]!) > 1e-6 * m[0]!) return `the camera matrix has a skew of ${m[1]}, which is not modelled`;
  if (m[3] !== 0 || m[6] !== 0 || m[7] !== 0 || Math.abs(m[8]! - 1) > 1e-9)
    return "the camera matrix is not of the form fx 0 cx 0 fy cy 0 0 1";
  return undefined;
}

/** The known models by their names without case and punctuation: drivers and tools spell them in many forms. */
const spellings: Readonly<Record<string, string>> = {
  plumbbob: "plumb_bob",
  radtan: "plumb_bob",
  radialtangential: "plumb_bob",
  brownconrady: "plumb_bob",
  rationalpolynomial: "rational_polynomial",
  rational: "rational_polynomial",
  equidistant: "equidistant",
  equi: "equidistant",
  fisheye: "equidistant",
  kannalabrandt: "equidistant",
  kannalabrandt4: "equidistant",
};

/** Numbers of coefficients that each model comes with; OpenCV knows no others. */
const counts: Readonly<Record<string, readonly number[]>> = {
  plumb_bob: [4, 5],
  rational_polynomial: [4, 5, 8],
  equidistant: [4],
};

/**
 * The lens distortion that a model name and coefficients stand for, under its name of sensor_msgs/CameraInfo. Zeros of
 * a model that then bends nothing are no distortion; those of a fisheye say that it is an ideal one.
 * @param model undefined when the source cannot name one: 4 or 5 coefficients are plumb_bob, 8, 12 and 14 are
 * rational_polynomial, as OpenCV counts them
 */
export function resolveDistortion(
  model: string | undefined,
  given: ArrayLike<number>,
): Resolved<Distortion | undefined> {
  const all = Array.from(given);
  if (!all.every(Number.isFinite)) return refuse("the distortion coefficients are not finite numbers");
  const none = all.every((value) => value === 0);
  const known =
    model === undefined ? modelByCount(all.length) : spellings[model.toLowerCase().replace(/[^a-z0-9]/g, "")];
  if (known === undefined || (known !== "equidistant" && none))
    return none ? { ok: true, value: undefined } : refuse(unknownModel(model, all));
  const room = Math.max(...counts[known]!);
  const problem = distortionProblem({ model: known, coefficients: all });
  if (problem !== undefined)
    return refuse(all.length > 8 ? `${problem} (thin-prism and tilt terms are not modelled)` : problem);
  const coefficients = all.slice(0, room);
  if (!counts[known]!.includes(coefficients.length))
    return refuse(`${known} has ${counts[known]!.join(" or ")} coefficients, not ${coefficients.length}`);
  return { ok: true, value: { model: known, coefficients } };
}

function modelByCount(count: number): string | undefined {
  if (count === 4 || count === 5) return "plumb_bob";
  return count === 8 || count === 12 || count === 14 ? "rational_polynomial" : undefined;
}

function unknownModel(model: string | undefined, coefficients: readonly number[]): string {
  const found = `${coefficients.length} distortion coefficients that are not zero`;
  const names = "plumb_bob, rational_polynomial or equidistant";
  if (model === undefined) return `it has ${found} and no distortion model fits their number; name ${names}`;
  if (model.trim() === "") return `it has ${found} but its distortion model is empty; name ${names}`;
  return `it has ${found} but its distortion model "${model}" is not known; there are ${names}`;
}

/**
 * Whether two cameras of one image size see every pixel along the same ray, within half a pixel: depth of one is then
 * depth of the other.
 */
export function seesAlike(a: CameraModel, b: CameraModel): boolean {
  if (a.width !== b.width || a.height !== b.height) return false;
  for (const s of [0, 0.25, 0.5, 0.75, 1])
    for (const t of [0, 0.25, 0.5, 0.75, 1]) {
      const [u, v] = [s * (a.width - 1), t * (a.height - 1)];
      const p = pixelRay(a, u, v);
      const q = pixelRay(b, u, v);
      if (p === undefined && q === undefined) continue;
      if (p === undefined || q === undefined) return false;
      if (Math.abs(p[0] - q[0]) * a.fx > 0.5 || Math.abs(p[1] - q[1]) * a.fy > 0.5) return false;
    }
  return true;
}
