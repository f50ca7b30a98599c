import { type Mask, organisedCloud, type Pixels, type Points, type RgbdFrame } from "../../geometry/index.js";
import { cleanMask } from "../../grasping/index.js";
import type { Detection } from "../../grounding/index.js";
import { encodeMessage, headerOf } from "../../messages/index.js";
import type { PipelineResult } from "../../pipeline/index.js";

/** Points of an object handed over for its box: enough for millimetres, few enough to be quick. */
const maxBoxPoints = 2_000;

/** Points of one object and the pixels they come from, `v * width + u`. */
interface Surface {
  readonly points: Points;
  readonly pixels: Uint32Array;
}

/**
 * The visible surface of an object in metres, in the frame's optical frame, without flying pixels and the mask's rim.
 * Empty without depth or camera.
 */
export const objectSurface = (frame: RgbdFrame, detection: Detection): Points =>
  surface(frame, detection, Math.max(1, Math.round(Math.sqrt(area(detection) / maxBoxPoints)))).points;

/**
 * The best object of each result as one sensor_msgs/PointCloud2 with the fields x, y, z and rgb, unordered, with the
 * image's header. Empty when nothing was found or the image has no depth.
 * Source: the layout of PCL's PointXYZRGB without padding, as in the documentation of sensor_msgs/PointField.
 */
export function objectCloud(frame: RgbdFrame, results: readonly PipelineResult[]): Uint8Array {
  const surfaces = results.flatMap(({ grounding }) => {
    const first = grounding.detections[0];
    return first === undefined ? [] : [surface(frame, first, 1)];
  });
  const count = surfaces.reduce((sum, { pixels }) => sum + pixels.length, 0);
  const data = new Uint8Array(count * pointStep);
  const view = new DataView(data.buffer);
  let at = 0;
  for (const { points, pixels } of surfaces)
    for (let i = 0; i < pixels.length; i++, at += pointStep) {
      for (let axis = 0; axis < 3; axis++) view.setFloat32(at + axis * 4, points[i * 3 + axis]!, true);
      const [r, g, b] = frame.colour.data.subarray(pixels[i]! * 3, pixels[i]! * 3 + 3);
      view.setUint32(at + 12, (r! << 16) | (g! << 8) | b!, true);
    }
  return encodeMessage("sensor_msgs/msg/PointCloud2", {
    header: headerOf(frame.stamp, frame.frameId),
    height: 1,
    width: count,
    fields: ["x", "y", "z", "rgb"].map((name, i) => ({ name, offset: i * 4, datatype: float32, count: 1 })),
    is_bigendian: false,
    point_step: pointStep,
    row_step: count * pointStep,
    data,
    is_dense: true,
  });
}

/** sensor_msgs/msg/PointField */
const float32 = 7;
const pointStep = 16;

function surface(frame: RgbdFrame, { box, mask }: Detection, step: Pixels): Surface {
  const { depth, camera } = frame;
  if (depth === undefined || camera === undefined)
    return { points: new Float32Array(), pixels: new Uint32Array() };
  const window = {
    x1: Math.max(0, Math.floor(box[0])),
    y1: Math.max(0, Math.floor(box[1])),
    x2: Math.min(depth.width, Math.ceil(box[2])),
    y2: Math.min(depth.height, Math.ceil(box[3])),
  };
  const cloud = organisedCloud(depth, camera, window, step);
  const pixelOf = (i: number): number =>
    (window.y1 + Math.floor(i / cloud.width) * step) * mask.width + window.x1 + (i % cloud.width) * step;
  const indices = (isUsed: (i: number) => boolean): number[] => {
    const out: number[] = [];
    for (let i = 0; i < cloud.width * cloud.height; i++) if (isUsed(i)) out.push(i);
    return out;
  };
  const { marks } = cleanMask(cloud, mask, nearest(mask, depth.data));
  const clean = indices((i) => marks[i] === 1);
  // Cleaning leaves nothing of an object of a few pixels.
  const used =
    clean.length > 0 ? clean : indices((i) => mask.data[pixelOf(i)] !== 0 && cloud.points[i * 3 + 2]! > 0);
  const points = new Float32Array(used.length * 3);
  used.forEach((i, k) => {
    points.set(cloud.points.subarray(i * 3, i * 3 + 3), k * 3);
  });
  return { points, pixels: Uint32Array.from(used, pixelOf) };
}

const area = ({ box: [x1, y1, x2, y2] }: Detection): number => (x2 - x1) * (y2 - y1);

/** The least depth on the mask; 1 m where there is none. */
function nearest(mask: Mask, depth: Float32Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < depth.length; i++)
    if (mask.data[i] !== 0 && depth[i]! > 0 && depth[i]! < least) least = depth[i]!;
  return Number.isFinite(least) ? least : 1;
}
