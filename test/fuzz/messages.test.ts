import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { GraspGroundingError } from "../../src/errors/index.js";
import { seededRandom } from "../../src/geometry/index.js";
import {
  type CameraInfoMessage,
  type CompressedImageMessage,
  cameraFromInfo,
  cameraInfoMessage,
  colourFromCompressed,
  colourFromImage,
  decoderFor,
  depthFromCompressed,
  depthFromImage,
  encodeMessage,
  headerOf,
  type ImageMessage,
} from "../../src/messages/index.js";
import { decodeFrame } from "../../src/ros/camera/frame-decoder.js";
import { fuzz, survives } from "./fuzz.js";

const header = headerOf(1_700_000_000_000_000_001n, "camera_color_optical_frame");
const random = seededRandom(1);
const noise = (length: number) => Uint8Array.from({ length }, () => random() * 256);
const image = (encoding: string, step: number) =>
  encodeMessage("sensor_msgs/msg/Image", {
    header,
    width: 16,
    height: 8,
    encoding,
    is_bigendian: 0,
    step,
    data: noise(step * 8),
  });
const colour = image("rgb8", 48);
const depth = image("16UC1", 32);
const info = encodeMessage(
  "sensor_msgs/msg/CameraInfo",
  cameraInfoMessage(header, { width: 16, height: 8, fx: 20, fy: 20, cx: 8, cy: 4 }),
);
const read = <T>(type: string, bytes: Uint8Array): T => decoderFor(type).decode<T>(bytes);
const compressed = (format: string, data: Uint8Array): CompressedImageMessage => ({ header, format, data });
const picture = () => sharp(noise(32 * 24 * 3), { raw: { width: 32, height: 24, channels: 3 } });
const depthPng = () =>
  sharp(
    Uint16Array.from({ length: 32 * 24 }, (_, i) => 500 + i),
    { raw: { width: 32, height: 24, channels: 1 } },
  )
    .toColourspace("grey16")
    .png()
    .toBuffer();
/** The 12 bytes compressed_depth_image_transport puts first: format 0, no quantisation. */
const depthHeader = new Uint8Array(12);

describe("CDR messages", () => {
  fuzz({
    name: "cdr-image",
    seeds: () => [colour, depth, image("bayer_rggb8", 16), image("yuyv", 32), image("32FC1", 64)],
    read: (bytes) => {
      const message = read<ImageMessage>("sensor_msgs/msg/Image", bytes);
      return /^(16UC1|32FC1|mono16)$/.test(message.encoding)
        ? depthFromImage(message)
        : colourFromImage(message);
    },
    runs: 1500,
  });
  fuzz({
    name: "cdr-camera-info",
    seeds: () => [info],
    read: (bytes) => cameraFromInfo(read<CameraInfoMessage>("sensor_msgs/msg/CameraInfo", bytes)),
    runs: 800,
  });
  fuzz({
    name: "cdr-tf",
    seeds: () => [
      encodeMessage("tf2_msgs/msg/TFMessage", {
        transforms: [
          {
            header,
            child_frame_id: "tool",
            transform: { translation: { x: 1, y: 2, z: 3 }, rotation: { x: 0, y: 0, z: 0, w: 1 } },
          },
        ],
      }),
    ],
    read: (bytes) => read("tf2_msgs/msg/TFMessage", bytes),
    runs: 800,
  });
  fuzz({
    name: "frame",
    seeds: () => [colour, depth, info],
    // A job of the node: the bytes take the place of colour, of depth and of the camera info.
    read: async (bytes) => {
      for (const part of ["colour", "depth", "cameraInfo"] as const) {
        const whole = {
          colour: { kind: "raw", cdr: colour.slice() },
          depth: { kind: "raw", cdr: depth.slice() },
          cameraInfo: info.slice(),
        };
        const given = part === "cameraInfo" ? bytes.slice() : { kind: "raw", cdr: bytes.slice() };
        await decodeFrame({ ...whole, [part]: given } as never, true);
      }
    },
    runs: 400,
    strict: false,
  });
});

describe("compressed images", () => {
  fuzz({
    name: "jpeg-png-webp",
    seeds: async () => [
      await picture().jpeg().toBuffer(),
      await picture().png().toBuffer(),
      await picture().webp().toBuffer(),
    ],
    read: (bytes) => colourFromCompressed(compressed("rgb8; jpeg compressed bgr8", bytes)),
    runs: 500,
  });
  fuzz({
    name: "compressed-depth-png",
    seeds: async () => [Buffer.concat([depthHeader, await depthPng()])],
    read: (bytes) => depthFromCompressed(compressed("16UC1; compressedDepth png", bytes)),
    runs: 400,
  });
  fuzz({
    name: "compressed-depth-rvl",
    seeds: () => [
      // 32 × 24, all of it zeros, then garbage that may be read as runs.
      Buffer.concat([depthHeader, Uint8Array.of(32, 0, 0, 0, 24, 0, 0, 0), noise(64)]),
    ],
    read: (bytes) => depthFromCompressed(compressed("16UC1; compressedDepth rvl", bytes)),
    runs: 800,
    strict: false,
  });
});

it("a reader that breaks is seen", async () => {
  const broken = (bytes: Uint8Array) => {
    if (bytes.length < 8) throw new TypeError("x is undefined");
  };
  await expect(survives(broken, new Uint8Array(3))).rejects.toThrow("x is undefined");
  const vague = () => {
    throw new GraspGroundingError("INTERNAL", { detail: "?" });
  };
  await expect(survives(vague, new Uint8Array(3))).rejects.toThrow();
});
