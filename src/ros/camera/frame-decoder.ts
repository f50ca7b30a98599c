import { asCatalogued, GraspGroundingError } from "../../errors/index.js";
import {
  type CameraModel,
  type ColourImage,
  type DepthImage,
  type RgbdFrame,
  registerDepth,
} from "../../geometry/index.js";
import {
  type CameraInfoMessage,
  type CompressedImageMessage,
  cameraForImage,
  cameraFromInfo,
  colourFromCompressed,
  colourFromImage,
  decoderFor,
  depthFromCompressed,
  depthFromImage,
  type ImageMessage,
  stampOf,
} from "../../messages/index.js";
import { discard } from "../discard.js";
import type { FrameBytes, ImageBytes, Problem } from "../job.js";

const images = decoderFor("sensor_msgs/msg/Image");
const compressedImages = decoderFor("sensor_msgs/msg/CompressedImage");
const cameraInfos = decoderFor("sensor_msgs/msg/CameraInfo");

export interface DecodedFrame {
  readonly frame: RgbdFrame;
  /** The colour message, whose memory the frame's colour may share. */
  readonly colourBytes: Uint8Array;
  /** Why the frame has no depth although it was sent. */
  readonly problems: readonly Problem[];
}

/**
 * The frame of one job. Colour must be readable; unreadable depth and camera info are dropped and named.
 * `depthMemory`, metres of a frame that is done with, is filled anew when it has the right size.
 * @throws GraspGroundingError IMAGE_*, MESSAGE_MALFORMED
 */
export async function decodeFrame(
  bytes: FrameBytes,
  rectified: boolean,
  depthMemory?: Float32Array,
): Promise<DecodedFrame> {
  const { header, colour } = await decodeColour(bytes.colour);
  const colourBytes = bytes.colour.cdr;
  const base = { stamp: stampOf(header.stamp), frameId: header.frame_id, colour };
  const problems: Problem[] = [];
  try {
    const camera = bytes.cameraInfo && cameraOf(bytes.cameraInfo, colour, rectified);
    if (bytes.depth === undefined)
      return { frame: camera ? { ...base, camera } : base, colourBytes, problems };
    if (camera === undefined) throw new GraspGroundingError("DEPTH_WITHOUT_CAMERA");
    const depth = await decodeDepth(bytes.depth, depthMemory);
    const aligned = bytes.depthCamera
      ? registerDepth(depth, cameraOf(bytes.depthCamera.info, depth, false), bytes.depthCamera.pose, camera)
      : depth;
    if (aligned.width !== colour.width || aligned.height !== colour.height)
      throw new GraspGroundingError("DEPTH_SIZE", {
        depth: `${aligned.width}×${aligned.height}`,
        colour: `${colour.width}×${colour.height}`,
      });
    return { frame: { ...base, depth: aligned, camera }, colourBytes, problems };
  } catch (error) {
    const { code, message } = asCatalogued(error);
    problems.push({ code, message });
    return { frame: base, colourBytes, problems };
  }
}

async function decodeColour({ kind, cdr }: ImageBytes) {
  if (kind === "image") {
    const message = images.decode<ImageMessage>(cdr);
    return { header: message.header, colour: colourFromImage(message) };
  }
  const message = compressedImages.decode<CompressedImageMessage>(cdr);
  return { header: message.header, colour: await colourFromCompressed(message) };
}

async function decodeDepth({ kind, cdr }: ImageBytes, memory?: Float32Array): Promise<DepthImage> {
  const depth =
    kind === "image"
      ? depthFromImage(images.decode<ImageMessage>(cdr), memory)
      : await depthFromCompressed(compressedImages.decode<CompressedImageMessage>(cdr));
  // Metres are a copy, whatever the encoding.
  discard(cdr);
  return depth;
}

function cameraOf(
  cdr: Uint8Array,
  image: Pick<ColourImage, "width" | "height">,
  rectified: boolean,
): CameraModel {
  return cameraForImage(cameraFromInfo(cameraInfos.decode<CameraInfoMessage>(cdr), { rectified }), image);
}
