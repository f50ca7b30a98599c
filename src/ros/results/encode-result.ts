import sharp from "sharp";
import {
  deproject,
  type Mask,
  project,
  type RgbdFrame,
  transformPoint,
  type Vec3,
} from "../../geometry/index.js";
import type { Grasp } from "../../grasping/index.js";
import type { Detection } from "../../grounding/index.js";
import { encodeMessage, type Header, headerOf } from "../../messages/index.js";
import { type PipelineResult, scenePoints } from "../../pipeline/index.js";
import type { FoundObject, Job, QueryResult } from "../job.js";
import { objectSurface } from "./object-surface.js";

/** The result with its masks cut to their boxes and the objects' positions, small enough to hand over. */
export function queryResult(
  frame: RgbdFrame,
  result: PipelineResult,
  job: Pick<Job, "maxDetections" | "masks" | "scenePoints" | "requestedOutputs">,
): QueryResult {
  const { grounding, grasps, graspFailure, timings } = result;
  const first = grounding.detections[0];
  const points = job.scenePoints === true && first !== undefined ? scenePoints(frame, first.mask) : undefined;
  return {
    query: grounding.query,
    model: grounding.model,
    found: grounding.found,
    presence: grounding.presence,
    objects: grounding.detections
      .slice(0, job.maxDetections)
      .map((each) => foundObject(frame, each, job.masks, job.requestedOutputs.surfaces)),
    grasps,
    ...(graspFailure !== undefined && { graspFailure }),
    ...(points !== undefined && { scenePoints: points }),
    timings,
  };
}

function foundObject(frame: RgbdFrame, detection: Detection, masks: boolean, surfaces: boolean): FoundObject {
  const { box, score, mask } = detection;
  const maskX = Math.max(0, Math.floor(box[0]));
  const maskY = Math.max(0, Math.floor(box[1]));
  const maskWidth = masks ? Math.max(0, Math.min(mask.width, Math.ceil(box[2])) - maskX) : 0;
  const maskHeight = masks ? Math.max(0, Math.min(mask.height, Math.ceil(box[3])) - maskY) : 0;
  const cut = new Uint8Array(maskWidth * maskHeight);
  for (let y = 0; y < maskHeight; y++) {
    const from = (y + maskY) * mask.width + maskX;
    for (let x = 0; x < maskWidth; x++) cut[y * maskWidth + x] = mask.data[from + x] === 0 ? 0 : 255;
  }
  const position = surfacePosition(frame, mask);
  return {
    box,
    score,
    maskX,
    maskY,
    maskWidth,
    maskHeight,
    mask: cut,
    ...(position !== undefined && { position }),
    ...(surfaces && { surface: objectSurface(frame, detection) }),
  };
}

/** The mask's middle pixel at the median depth of the mask: robust against the background at its rim. */
function surfacePosition({ depth, camera }: RgbdFrame, mask: Mask): Vec3 | undefined {
  if (depth === undefined || camera === undefined) return undefined;
  const values: number[] = [];
  let sumU = 0;
  let sumV = 0;
  let i = 0;
  for (let v = 0; v < mask.height; v++) {
    for (let u = 0; u < mask.width; u++, i++) {
      if (mask.data[i] === 0) continue;
      const z = depth.data[i]!;
      if (!(z > 0)) continue;
      values.push(z);
      sumU += u;
      sumV += v;
    }
  }
  if (values.length === 0) return undefined;
  values.sort((a, b) => a - b);
  return deproject(camera, sumU / values.length, sumV / values.length, values[values.length >> 1]!);
}

/** All masks of all queries as one mono8 sensor_msgs/Image, 255 inside. */
export function maskImage(frame: RgbdFrame, results: readonly PipelineResult[]): Uint8Array {
  const { width, height } = frame.colour;
  const data = new Uint8Array(width * height);
  for (const { grounding } of results)
    for (const { mask } of grounding.detections)
      for (let i = 0; i < data.length; i++) if (mask.data[i] !== 0) data[i] = 255;
  return imageMessage(headerOf(frame.stamp, frame.frameId), width, height, "mono8", 1, data);
}

/** The image with masks tinted, boxes and the best grasp drawn in, as R, G, B. */
export function drawOverlay(frame: RgbdFrame, results: readonly PipelineResult[]): Uint8Array {
  const { width, height } = frame.colour;
  const pixels = Uint8Array.from(frame.colour.data);
  results.forEach(({ grounding, grasps }, index) => {
    const colour = palette[index % palette.length]!;
    for (const { mask, box } of grounding.detections) {
      tint(pixels, mask, colour);
      rectangle(pixels, width, height, box, colour);
    }
    if (frame.camera !== undefined && grasps[0] !== undefined) gripper(pixels, frame, grasps[0]);
  });
  return pixels;
}

export const overlayImage = (frame: RgbdFrame, pixels: Uint8Array): Uint8Array =>
  imageMessage(
    headerOf(frame.stamp, frame.frameId),
    frame.colour.width,
    frame.colour.height,
    "rgb8",
    3,
    pixels,
  );

export async function overlayCompressed(
  frame: RgbdFrame,
  pixels: Uint8Array,
  quality: number,
): Promise<Uint8Array> {
  const { width, height } = frame.colour;
  const data = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
  return encodeMessage("sensor_msgs/msg/CompressedImage", {
    header: headerOf(frame.stamp, frame.frameId),
    format: "rgb8; jpeg compressed bgr8",
    data,
  });
}

const imageMessage = (
  header: Header,
  width: number,
  height: number,
  encoding: string,
  channels: number,
  data: Uint8Array,
): Uint8Array =>
  encodeMessage("sensor_msgs/msg/Image", {
    header,
    height,
    width,
    encoding,
    is_bigendian: 0,
    step: width * channels,
    data,
  });

type Colour = readonly [number, number, number];

/** Distinct for colour-blind viewers too (Okabe and Ito). */
const palette: readonly Colour[] = [
  [0, 158, 115],
  [230, 159, 0],
  [86, 180, 233],
  [204, 121, 167],
];

function tint(pixels: Uint8Array, mask: Mask, colour: Colour): void {
  for (let i = 0; i < mask.data.length; i++) {
    if (mask.data[i] === 0) continue;
    for (let c = 0; c < 3; c++) pixels[i * 3 + c] = (pixels[i * 3 + c]! * 11 + colour[c]! * 9) / 20;
  }
}

function rectangle(
  pixels: Uint8Array,
  width: number,
  height: number,
  [x1, y1, x2, y2]: Detection["box"],
  colour: Colour,
): void {
  const corners = [
    [x1, y1],
    [x2 - 1, y1],
    [x2 - 1, y2 - 1],
    [x1, y2 - 1],
  ] as const;
  corners.forEach((from, i) => {
    line(pixels, width, height, from, corners[(i + 1) % 4]!, colour);
  });
}

/** Two fingers, the bar between them and the approach, as the camera sees them. */
function gripper(pixels: Uint8Array, frame: RgbdFrame, grasp: Grasp): void {
  const { width, height } = frame.colour;
  const half = grasp.width / 2;
  const finger = 0.045;
  const at = (x: number, z: number) => project(frame.camera!, transformPoint(grasp.pose, [x, 0, z]));
  const strokes = [
    [at(-half, 0), at(-half, -finger)],
    [at(half, 0), at(half, -finger)],
    [at(-half, -finger), at(half, -finger)],
    [at(0, -finger), at(0, -2 * finger)],
  ];
  for (const [from, to] of strokes) if (from && to) line(pixels, width, height, from, to, [255, 255, 255]);
}

function line(
  pixels: Uint8Array,
  width: number,
  height: number,
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  colour: Colour,
): void {
  const thickness = Math.max(2, Math.round(width / 320));
  // A grasp half outside the image projects anywhere: more steps than this draw nothing more.
  const steps = Math.min(
    4 * (width + height),
    Math.ceil(Math.max(Math.abs(x2 - x1), Math.abs(y2 - y1))) || 1,
  );
  for (let s = 0; s <= steps; s++) {
    const cx = Math.round(x1 + ((x2 - x1) * s) / steps);
    const cy = Math.round(y1 + ((y2 - y1) * s) / steps);
    for (let y = cy; y < cy + thickness; y++) {
      if (y < 0 || y >= height) continue;
      for (let x = cx; x < cx + thickness; x++) {
        if (x < 0 || x >= width) continue;
        pixels.set(colour, (y * width + x) * 3);
      }
    }
  }
}
