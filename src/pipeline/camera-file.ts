import { parseAllDocuments } from "yaml";
import { describe, GraspGroundingError } from "../errors/index.js";
import { type CalibrationFields, type CameraModel, resolveCamera } from "../geometry/index.js";
import type { CameraReading } from "../messages/index.js";
import { readText } from "../system/index.js";

/**
 * The camera of a calibration file. Read are JSON `{width, height, fx, fy, cx, cy}`, with
 * `distortion: {model, coefficients}` for an image that is not rectified; ROS's camera_info YAML; OpenCV's YAML or
 * JSON; the output of `ros2 topic echo`.
 * @returns intrinsics in pixels, in the optical frame of REP-103
 * @throws GraspGroundingError FILE_MISSING, CAMERA_INVALID
 */
export async function readCamera(path: string, options: CameraReading = {}): Promise<CameraModel> {
  const refuse = (detail: string, cause?: unknown) =>
    new GraspGroundingError("CAMERA_INVALID", { detail: `${path}: ${detail}` }, { cause });
  const content = firstDocument(await readText(path), refuse);
  let fields: CalibrationFields;
  try {
    fields = fieldsOf(content);
  } catch (cause) {
    throw cause instanceof RangeError ? refuse(cause.message, cause) : cause;
  }
  const resolved = resolveCamera(fields, options.rectified);
  if (!resolved.ok) throw refuse(resolved.problem);
  if (resolved.assumed !== undefined) options.onAssumed?.(resolved.assumed);
  return resolved.value;
}

/** `ros2 topic echo` ends every message with `---`; the first one counts. OpenCV begins with `%YAML:1.0`. */
function firstDocument(text: string, refuse: (detail: string, cause?: unknown) => Error): unknown {
  const plain = text.replace(/^\uFEFF/, "").replace(/^%YAML[: ].*\n(---[^\n]*\n)?/, "");
  try {
    const [first] = parseAllDocuments(plain, { logLevel: "error" });
    const [error] = first === undefined || !("errors" in first) ? [] : first.errors;
    if (error !== undefined) throw error;
    return first !== undefined && "toJS" in first ? first.toJS() : undefined;
  } catch (cause) {
    throw refuse(describe(cause), cause);
  }
}

type Content = Readonly<Record<string, unknown>>;

/** The keys that each value is looked for under, in the order of preference. */
const keys = {
  width: ["width", "image_width"],
  height: ["height", "image_height"],
  matrix: ["camera_matrix", "cameraMatrix", "k", "K"],
  projection: ["projection_matrix", "p", "P"],
  coefficients: ["distortion_coefficients", "dist_coeffs", "distCoeffs", "d", "D"],
  model: ["distortion_model"],
} as const;

/** @throws RangeError in words */
function fieldsOf(content: unknown): CalibrationFields {
  if (!isRecord(content)) throw new RangeError("it holds no keys with values");
  const width = numberAt(content, keys.width);
  const height = numberAt(content, keys.height);
  const matrix = matrixOf(content);
  if (width === undefined || height === undefined || matrix === undefined) {
    const missing = [
      ...(width === undefined ? [keys.width.join(" or ")] : []),
      ...(height === undefined ? [keys.height.join(" or ")] : []),
      ...(matrix === undefined ? [`fx, fy, cx and cy, or one of ${keys.matrix.join(", ")}`] : []),
    ];
    throw new RangeError(`it lacks ${missing.join("; and ")}`);
  }
  const { d, model, used } = distortionOf(content);
  refuseUnread(content, used);
  const p = valuesAt(content, keys.projection);
  const { roi } = content;
  return {
    width,
    height,
    k: matrix,
    d,
    distortionModel: model,
    ...(p !== undefined && { p }),
    binning: [numberAt(content, ["binning_x"]) ?? 1, numberAt(content, ["binning_y"]) ?? 1],
    ...(isRecord(roi) && {
      roi: {
        x_offset: numberAt(roi, ["x_offset"]) ?? 0,
        y_offset: numberAt(roi, ["y_offset"]) ?? 0,
        width: numberAt(roi, ["width"]) ?? 0,
        height: numberAt(roi, ["height"]) ?? 0,
      },
    }),
  };
}

function matrixOf(content: Content): readonly number[] | undefined {
  const [fx, fy, cx, cy] = (["fx", "fy", "cx", "cy"] as const).map((key) => numberAt(content, [key]));
  const matrix = valuesAt(content, keys.matrix);
  if (fx === undefined || fy === undefined || cx === undefined || cy === undefined) return matrix;
  const given = [fx, 0, cx, 0, fy, cy, 0, 0, 1];
  if (matrix !== undefined && !alike(matrix, given))
    throw new RangeError("fx, fy, cx, cy and its camera matrix contradict each other");
  return given;
}

/** Numbers that may have been rounded to six digits. */
const alike = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length &&
  a.every((value, i) => Math.abs(value - b[i]!) <= 1e-5 * Math.max(1, Math.abs(value)));

interface LensFields {
  readonly d: readonly number[];
  readonly model: string | undefined;
  /** Keys that were read. */
  readonly used: readonly string[];
}

/**
 * Distortion from `distortion: {model, coefficients}`, or from a list of coefficients with or without a model. A list
 * without one is OpenCV's; a CameraInfo always names its model.
 */
function distortionOf(content: Content): LensFields {
  const { distortion } = content;
  if (isRecord(distortion)) {
    const { model, coefficients } = distortion;
    if (typeof model !== "string") throw new RangeError("distortion.model is no text");
    return { d: toNumbers(coefficients, "distortion.coefficients"), model, used: ["distortion"] };
  }
  const lists = keys.coefficients.filter((key) => content[key] !== undefined && content[key] !== null);
  const [name] = lists;
  const model = content[keys.model[0]];
  if (model !== undefined && model !== null && typeof model !== "string")
    throw new RangeError("distortion_model is no text");
  if (name === undefined) return { d: [], model: undefined, used: [] };
  const d = valuesAt(content, lists)!;
  if (typeof model === "string") return { d, model, used: lists };
  // OpenCV's calibration sample writes this in place of a name.
  if (content.fisheye_model === 1 || content.fisheye_model === true)
    return { d, model: "equidistant", used: lists };
  return { d, model: /^d$/i.test(name) ? "" : undefined, used: lists };
}

/** Distortion under a name that is not read must not be dropped in silence. */
function refuseUnread(content: Content, used: readonly string[]): void {
  for (const [key, value] of Object.entries(content)) {
    if (used.includes(key) || !/^(k\d|p\d|s\d|d|tau_?[xy]|.*coeff.*|dist.*)$/i.test(key)) continue;
    if (key === keys.model[0] || !holdsNumber(value)) continue;
    throw new RangeError(
      `${key} looks like distortion but is not read; write it as distortion: {model, coefficients}`,
    );
  }
}

/** Whether a value is or holds a number other than zero; rows and columns of a matrix do not count. */
function holdsNumber(value: unknown): boolean {
  if (typeof value === "number") return value !== 0;
  if (Array.isArray(value)) return value.some(holdsNumber);
  if (isRecord(value))
    return Object.entries(value).some(([key, each]) => !["rows", "cols"].includes(key) && holdsNumber(each));
  return false;
}

/** @throws RangeError for what is there and no number, and for two numbers that differ */
function numberAt(content: Content, names: readonly string[]): number | undefined {
  const [first, ...others] = present(content, names).map(([name, value]) => {
    if (typeof value !== "number") throw new RangeError(`${name} is no number`);
    return { name, value };
  });
  const other = others.find(({ value }) => value !== first?.value);
  if (other !== undefined) throw new RangeError(`${first?.name} and ${other.name} contradict each other`);
  return first?.value;
}

/** @throws RangeError for what is there and no list of numbers, and for two lists that differ */
function valuesAt(content: Content, names: readonly string[]): readonly number[] | undefined {
  const [first, ...others] = present(content, names).map(([name, value]) => ({
    name,
    values: toNumbers(value, name),
  }));
  const other = others.find(({ values }) => first !== undefined && !alike(values, first.values));
  if (other !== undefined) throw new RangeError(`${first?.name} and ${other.name} contradict each other`);
  return first?.values;
}

const present = (content: Content, names: readonly string[]): [string, unknown][] =>
  names.flatMap((name): [string, unknown][] => {
    const value = content[name];
    return value === undefined || value === null ? [] : [[name, value]];
  });

/** A list, rows of lists, or a matrix with `data`. */
function toNumbers(value: unknown, name: string): readonly number[] {
  const list = isRecord(value) ? value.data : value;
  if (!Array.isArray(list)) throw new RangeError(`${name} holds no list of numbers`);
  return list.flat(2).map((each: unknown) => {
    if (typeof each !== "number") throw new RangeError(`${name} holds something that is no number`);
    return each;
  });
}

const isRecord = (value: unknown): value is Content =>
  typeof value === "object" && value !== null && !Array.isArray(value);
