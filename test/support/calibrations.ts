import type { CameraModel } from "../../src/geometry/index.js";
import { type CameraInfoMessage, headerOf } from "../../src/messages/index.js";

/** A calibration as any source may state it: known models, unknown ones, and ones that cannot be computed with. */
export interface Calibration extends Omit<CameraModel, "distortion"> {
  readonly model: string;
  readonly d: readonly number[];
}

const matrix = ({ fx, fy, cx, cy }: Calibration) => [fx, 0, cx, 0, fy, cy, 0, 0, 1];
const projection = ({ fx, fy, cx, cy }: Calibration) => [fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0];
const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const text = (values: readonly number[]) => `[${values.join(", ")}]`;

/** The project's own JSON. */
export const asJson = (c: Calibration): string =>
  JSON.stringify({
    width: c.width,
    height: c.height,
    fx: c.fx,
    fy: c.fy,
    cx: c.cx,
    cy: c.cy,
    ...(c.d.length > 0 && { distortion: { model: c.model, coefficients: c.d } }),
  });

/** As camera_info_manager writes it. */
export const asRosYaml = (c: Calibration): string => `image_width: ${c.width}
image_height: ${c.height}
camera_name: wrist
camera_matrix:
  rows: 3
  cols: 3
  data: ${text(matrix(c))}
distortion_model: ${JSON.stringify(c.model)}
distortion_coefficients:
  rows: 1
  cols: ${c.d.length}
  data: ${text(c.d)}
rectification_matrix:
  rows: 3
  cols: 3
  data: ${text(identity)}
projection_matrix:
  rows: 3
  cols: 4
  data: ${text(projection(c))}
`;

/** As OpenCV's FileStorage writes it: the number of coefficients, or a flag for the fisheye, says which model it is. */
export const asOpenCvYaml = (c: Calibration): string => `%YAML:1.0
---
calibration_time: "Mon 06 Jan 2025"
image_width: ${c.width}
image_height: ${c.height}
fisheye_model: ${c.model === "equidistant" ? 1 : 0}
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ ${matrix(c).join(", ")} ]
distortion_coefficients: !!opencv-matrix
   rows: ${c.d.length}
   cols: 1
   dt: d
   data: [ ${c.d.join(", ")} ]
`;

/** As `ros2 topic echo` prints it. */
export const asEcho = (c: Calibration): string => {
  const list = (name: string, values: readonly number[]) =>
    values.length === 0 ? `${name}: []` : `${name}:\n${values.map((value) => `- ${value}`).join("\n")}`;
  return `header:
  stamp:
    sec: 1700000000
    nanosec: 0
  frame_id: camera
height: ${c.height}
width: ${c.width}
distortion_model: ${JSON.stringify(c.model)}
${list("d", c.d)}
${list("k", matrix(c))}
${list("r", identity)}
${list("p", projection(c))}
binning_x: 0
binning_y: 0
roi:
  x_offset: 0
  y_offset: 0
  height: 0
  width: 0
  do_rectify: false
---
`;
};

export const asMessage = (c: Calibration, time = 0n, frame = "camera"): CameraInfoMessage => ({
  header: headerOf(time, frame),
  width: c.width,
  height: c.height,
  distortion_model: c.model,
  d: [...c.d],
  k: matrix(c),
  r: identity,
  p: projection(c),
  binning_x: 0,
  binning_y: 0,
  roi: { x_offset: 0, y_offset: 0, width: 0, height: 0, do_rectify: false },
});
