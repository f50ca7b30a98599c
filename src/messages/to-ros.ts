import type { Box, CameraModel, FrameId, Mask, Pose, Stamp } from "../geometry/index.js";
import {
  type CameraInfoMessage,
  type Detection2DArrayMessage,
  type Header,
  type ImageMessage,
  type PoseArrayMessage,
  type PoseMessage,
  timeOf,
} from "./types.js";

/** One found object, as results are published. */
export interface LabelledBox {
  readonly box: Box;
  readonly score: number;
  readonly label: string;
  readonly id?: string;
}

export const headerOf = (stamp: Stamp, frameId: FrameId): Header => ({
  stamp: timeOf(stamp),
  frame_id: frameId,
});

export const poseMessage = ({ position, orientation }: Pose): PoseMessage => ({
  position: { x: position[0], y: position[1], z: position[2] },
  orientation: { x: orientation[0], y: orientation[1], z: orientation[2], w: orientation[3] },
});

export const poseArrayMessage = (header: Header, poses: readonly Pose[]): PoseArrayMessage => ({
  header,
  poses: poses.map(poseMessage),
});

/** vision_msgs counts the box's centre in the same continuous pixels as `Box`. */
export const detectionsMessage = (
  header: Header,
  found: readonly LabelledBox[],
): Detection2DArrayMessage => ({
  header,
  detections: found.map(({ box: [x1, y1, x2, y2], score, label, id }) => ({
    header,
    results: [
      {
        hypothesis: { class_id: label, score },
        pose: {
          pose: { position: { x: 0, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } },
          covariance: new Float64Array(36),
        },
      },
    ],
    bbox: {
      center: { position: { x: (x1 + x2) / 2, y: (y1 + y2) / 2 }, theta: 0 },
      size_x: x2 - x1,
      size_y: y2 - y1,
    },
    id: id ?? "",
  })),
});

/** The mask as mono8, 255 inside. */
export function maskMessage(header: Header, mask: Mask): ImageMessage {
  const data = new Uint8Array(mask.data.length);
  for (let i = 0; i < data.length; i++) data[i] = mask.data[i] === 0 ? 0 : 255;
  const { width, height } = mask;
  return { header, height, width, encoding: "mono8", is_bigendian: 0, step: width, data };
}

/** CameraInfo of a camera without region of interest and binning. */
export const cameraInfoMessage = (header: Header, camera: CameraModel): CameraInfoMessage => ({
  header,
  height: camera.height,
  width: camera.width,
  distortion_model: camera.distortion?.model ?? "plumb_bob",
  d: Float64Array.from(camera.distortion?.coefficients ?? [0, 0, 0, 0, 0]),
  k: Float64Array.of(camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1),
  r: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
  p: Float64Array.of(camera.fx, 0, camera.cx, 0, 0, camera.fy, camera.cy, 0, 0, 0, 1, 0),
  binning_x: 0,
  binning_y: 0,
  roi: { x_offset: 0, y_offset: 0, height: 0, width: 0, do_rectify: false },
});
