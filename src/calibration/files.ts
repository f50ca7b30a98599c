import { parse, stringify } from "yaml";
import { z } from "zod";
import { describe, GraspGroundingError } from "../errors/index.js";
import { type CameraModel, type FrameId, normalizeQuaternion, type Pose } from "../geometry/index.js";
import type { HandEyeType } from "./solvers/hand-eye.js";

/** A hand-eye calibration as its file holds it: `child` in `parent`, a transform TF can publish. */
export interface HandEyeCalibration {
  readonly type: HandEyeType;
  /** The tool's link (eye_in_hand) or the robot's base (eye_to_hand). */
  readonly parent: FrameId;
  /** The camera's frame. */
  readonly child: FrameId;
  readonly transform: Pose;
}

/** What a result is worth, for those who read the file later. */
export type Quality = Readonly<Record<string, number | string>>;

const frame = z
  .string()
  .min(1)
  .regex(/^[^\s/][^\s]*$/, "a frame id without spaces or leading slash");
const xyz = { x: z.number(), y: z.number(), z: z.number() };

const handEyeSchema = z.looseObject({
  type: z.enum(["eye_in_hand", "eye_to_hand"]),
  parent_frame: frame,
  child_frame: frame,
  translation: z.looseObject(xyz),
  rotation: z.looseObject({ ...xyz, w: z.number() }),
});

/**
 * Reads what `calibrate hand-eye` wrote.
 * @throws GraspGroundingError CALIBRATION_FILE
 */
export function parseHandEye(text: string, path: string): HandEyeCalibration {
  const refuse = (detail: string, cause?: unknown) =>
    new GraspGroundingError("CALIBRATION_FILE", { path, detail }, { cause });
  let content: unknown;
  try {
    content = parse(text, { logLevel: "error" });
  } catch (cause) {
    throw refuse(describe(cause), cause);
  }
  const parsed = handEyeSchema.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse(`${issue?.path.join(".") || "the file"}: ${issue?.message}`);
  }
  const { type, parent_frame: parent, child_frame: child, translation: p, rotation: q } = parsed.data;
  if (parent === child) throw refuse("parent_frame and child_frame are the same");
  const length = Math.hypot(q.x, q.y, q.z, q.w);
  if (!(Math.abs(length - 1) < 0.01)) throw refuse(`the rotation has length ${length}, not 1`);
  if (!(Math.hypot(p.x, p.y, p.z) < 20)) throw refuse("the translation is not in metres");
  const orientation = normalizeQuaternion([q.x, q.y, q.z, q.w]);
  return { type, parent, child, transform: { position: [p.x, p.y, p.z], orientation } };
}

/** The file's text; `quality` goes below the transform. */
export function handEyeYaml(calibration: HandEyeCalibration, quality: Quality = {}): string {
  const { type, parent, child, transform } = calibration;
  const [x, y, z] = transform.position.map((value) => round(value, 7));
  const [qx, qy, qz, qw] = transform.orientation.map((value) => round(value, 9));
  const meaning = type === "eye_in_hand" ? "the camera on the tool" : "the camera in the robot's base";
  return `# Hand-eye calibration: ${meaning}. Metres, quaternion x y z w; a point p of child_frame is at
# rotation * p + translation in parent_frame. The node publishes it as a static transform: hand_eye_file:=this file.
${stringify({
  type,
  parent_frame: parent,
  child_frame: child,
  translation: { x, y, z },
  rotation: { x: qx, y: qy, z: qz, w: qw },
  ...(Object.keys(quality).length > 0 && { quality }),
})}`;
}

/** The camera as ROS's camera_info_manager and camera_calibration write and read it. */
export function cameraInfoYaml(camera: CameraModel, name: string): string {
  const { width, height, fx, fy, cx, cy, distortion } = camera;
  const matrix = (rows: number, cols: number, data: readonly number[]) => ({ rows, cols, data });
  const d = distortion?.coefficients.map((value) => round(value, 12)) ?? [0, 0, 0, 0, 0];
  const [f0, f1, c0, c1] = [fx, fy, cx, cy].map((value) => round(value, 6)) as [
    number,
    number,
    number,
    number,
  ];
  const text = {
    image_width: width,
    image_height: height,
    camera_name: name,
    camera_matrix: matrix(3, 3, [f0, 0, c0, 0, f1, c1, 0, 0, 1]),
    distortion_model: distortion?.model ?? "plumb_bob",
    distortion_coefficients: matrix(1, d.length, d),
    rectification_matrix: matrix(3, 3, [1, 0, 0, 0, 1, 0, 0, 0, 1]),
    projection_matrix: matrix(3, 4, [f0, 0, c0, 0, 0, f1, c1, 0, 0, 0, 1, 0]),
  };
  return stringify(text, { collectionStyle: "any", flowCollectionPadding: false, lineWidth: 0 }).replace(
    /data:\n((?:\s+- .*\n)+)/g,
    (_, list: string) =>
      `data: [${list
        .trim()
        .split(/\n/)
        .map((line) => line.replace(/^\s*- /, ""))
        .join(", ")}]\n`,
  );
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
