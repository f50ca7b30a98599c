import sharp from "sharp";
import type { RgbdFrame } from "../../geometry/index.js";
import { certaintyOf, closestPixel, type Detection, isPlainQuery } from "../../grounding/index.js";
import { encodeMessage, type Header, headerOf } from "../../messages/index.js";
import { type PipelineResult, scenePoints } from "../../pipeline/index.js";
import { surfacePosition } from "../../visualization/index.js";
import type { FoundObject, Job, QueryResult, SeenObjects } from "../job.js";
import { objectSurface } from "./object-surface.js";

/** The result with its masks cut to their boxes and the objects' positions, small enough to hand over. */
export function queryResult(
  frame: RgbdFrame,
  result: PipelineResult,
  job: Pick<Job, "maxDetections" | "masks" | "scenePoints" | "view" | "requestedOutputs">,
): QueryResult {
  const { grounding, grasps, graspFailure, places, timings, unseen, nextViews } = result;
  const { command, language, question, destination } = grounding;
  const { masks, requestedOutputs } = job;
  const landmarks = destination?.found.flatMap(({ phrase, detection }) =>
    detection === undefined ? [] : [{ phrase, object: foundObject(frame, detection, masks, false) }],
  );
  const first = grounding.detections[0];
  const closest = closestPixel(grounding, result.image);
  const points = job.scenePoints === true ? scenePoints(frame, first?.mask) : undefined;
  return {
    query: grounding.query,
    model: grounding.model,
    found: grounding.found,
    presence: grounding.presence,
    certainty: certaintyOf(grounding),
    ...(closest !== undefined && { closest }),
    objects: grounding.detections
      .slice(0, job.maxDetections)
      .map((each) => foundObject(frame, each, masks, requestedOutputs.surfaces)),
    grasps,
    ...(graspFailure !== undefined && { graspFailure }),
    ...(command !== undefined && !isPlainQuery(command) && { command }),
    ...(language !== undefined && { language }),
    ...(question !== undefined && { question }),
    ...(landmarks !== undefined && { destination: landmarks }),
    ...(places !== undefined && { places }),
    ...(points !== undefined && { scenePoints: points }),
    ...(unseen !== undefined && { unseen }),
    ...(nextViews !== undefined && { nextViews }),
    ...(job.view === true && { view: seenObjects(frame, grounding.detections) }),
    timings,
  };
}

/** Masks that go with an image: the object is hardly among the others. */
const maxMasks = 5;

/** A copy: the next image takes the memory of this one. */
const seenObjects = (frame: RgbdFrame, detections: readonly Detection[]): SeenObjects => ({
  frame: {
    ...frame,
    colour: { ...frame.colour, data: frame.colour.data.slice() },
    ...(frame.depth && { depth: { ...frame.depth, data: frame.depth.data.slice() } }),
  },
  masks: detections.slice(0, maxMasks).map(({ mask }) => mask),
});

/** A detection with its mask cut to its box. */
export function foundObject(
  frame: RgbdFrame,
  detection: Detection,
  masks: boolean,
  surfaces: boolean,
): FoundObject {
  const { box, score, mask, target = 0 } = detection;
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
    target,
    maskX,
    maskY,
    maskWidth,
    maskHeight,
    mask: cut,
    ...(position !== undefined && { position }),
    ...(surfaces && { surface: objectSurface(frame, detection) }),
  };
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

/** The overlay's R, G, B as sensor_msgs/Image. */
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
