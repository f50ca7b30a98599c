import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GraspGroundingError } from "../../../src/errors/index.js";
import {
  type CameraInfoMessage,
  cameraFromInfo,
  cameraInfoMessage,
  colourEncodings,
  colourFromImage,
  decoderFor,
  depthEncodings,
  depthFromImage,
  encodeMessage,
  headerOf,
  type ImageMessage,
} from "../../../src/messages/index.js";
import { processorMs } from "../../support/busy.js";

const header = headerOf(1_700_000_000_000_000_001n, "camera");
const image = (changes: Partial<ImageMessage>): ImageMessage => ({
  header,
  width: 4,
  height: 2,
  encoding: "rgb8",
  is_bigendian: 0,
  step: 12,
  data: new Uint8Array(24),
  ...changes,
});

describe("malformed images", () => {
  it.each([
    ["no pixels", { width: 0 }],
    ["an absurd width", { width: 4_000_000_000, step: 0 }],
    ["an absurd area", { width: 16_000, height: 16_000 }],
    ["a step shorter than a row", { step: 11 }],
    ["rows that are not there", { height: 3 }],
    ["a huge step", { step: 4_294_967_295 }],
    ["no data", { data: new Uint8Array(0) }],
    ["an odd width of pairs", { encoding: "yuyv", width: 3, step: 6 }],
    ["an odd height of nv12", { encoding: "nv12", height: 1, step: 4 }],
    ["a Bayer image of one row", { encoding: "bayer_rggb8", height: 1, step: 4 }],
  ])("%s are refused by name", (_, changes) => {
    expect(() => colourFromImage(image(changes))).toThrow(expect.objectContaining({ code: "IMAGE_LAYOUT" }));
  });

  it.each(["", "rgb9", "toString", "__proto__", "h264"])(
    "encoding %j is refused with the list of known ones",
    (encoding) => {
      const refused = expect.objectContaining({
        code: "IMAGE_ENCODING",
        message: expect.stringContaining("bayer_"),
      });
      expect(() => colourFromImage(image({ encoding }))).toThrow(refused);
      expect(() => depthFromImage(image({ encoding }))).toThrow(
        expect.objectContaining({ code: "IMAGE_ENCODING" }),
      );
    },
  );

  it("whatever the numbers say, an image is decoded or refused", () => {
    const number = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 0xffff_ffff }));
    const anyImage = fc.record({
      header: fc.constant(header),
      width: number,
      height: number,
      step: number,
      encoding: fc.constantFrom(...colourEncodings, ...depthEncodings),
      is_bigendian: fc.integer({ min: 0, max: 255 }),
      data: fc.uint8Array({ maxLength: 3000 }),
    });
    fc.assert(
      fc.property(anyImage, (message) => {
        for (const decode of [colourFromImage, depthFromImage]) {
          try {
            const { width, height, data } = decode(message);
            expect(data.length).toBe(width * height * (data instanceof Float32Array ? 1 : 3));
          } catch (error) {
            expect(error).toBeInstanceOf(GraspGroundingError);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("CDR", () => {
  it("keeps texts that are not ASCII whole", () => {
    const type = "std_msgs/msg/String";
    const text = "кружка 🫖 é";
    expect(decoderFor(type).decode(encodeMessage(type, { data: text }))).toEqual({ data: text });
  });

  it("cut anywhere or with a wrong length inside, a message is refused and shows none of its neighbours", () => {
    const type = "sensor_msgs/msg/Image";
    const whole = encodeMessage(type, image({}));
    const decoder = decoderFor(type);
    const beside = new Uint8Array(whole.length + 1000).fill(7);
    beside.set(whole, 8);
    for (let length = 0; length < whole.length; length++) {
      expect(() => decoder.decode(beside.subarray(8, 8 + length))).toThrow(
        expect.objectContaining({ code: "MESSAGE_MALFORMED" }),
      );
    }
    const message = beside.subarray(8, 8 + whole.length);
    expect(decoder.decode<ImageMessage>(message).data).toEqual(new Uint8Array(24));
    new DataView(beside.buffer, 8).setUint32(whole.length - 28, 25, true);
    expect(() => decoder.decode(message)).toThrow(expect.objectContaining({ code: "MESSAGE_MALFORMED" }));
  });

  it("whatever the bytes, a message is decoded or refused", () => {
    for (const type of [
      "sensor_msgs/msg/CameraInfo",
      "tf2_msgs/msg/TFMessage",
      "sensor_msgs/msg/JointState",
    ]) {
      const decoder = decoderFor(type);
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 400 }), (data) => {
          const started = processorMs();
          try {
            decoder.decode(data);
          } catch (error) {
            expect(error).toMatchObject({ code: "MESSAGE_MALFORMED" });
          }
          expect(processorMs() - started).toBeLessThan(2000);
        }),
        { numRuns: 500 },
      );
    }
  });

  it("of a type nobody defined is refused by name", () => {
    expect(() => decoderFor("my_msgs/msg/Thing")).toThrow(expect.objectContaining({ code: "MESSAGE_TYPE" }));
    expect(() => decoderFor("my_msgs/msg/Thing", { encoding: "ros2msg", text: "nonsense !!" })).toThrow(
      expect.objectContaining({ code: "MESSAGE_TYPE" }),
    );
  });
});

describe("camera info", () => {
  const camera = { width: 640, height: 480, fx: 600, fy: 610, cx: 320, cy: 240 };
  const info = (changes: Partial<CameraInfoMessage>): CameraInfoMessage => ({
    ...cameraInfoMessage(header, camera),
    ...changes,
  });

  it("of a rectified image has no distortion", () => {
    expect(cameraFromInfo(info({}))).toEqual(camera);
  });

  it("keeps distortion, but not for an image that was rectified, which P describes", () => {
    const bent = info({ d: [0.1, 0, 0, 0, 0], p: [500, 0, 300, 0, 0, 505, 200, 0, 0, 0, 1, 0] });
    expect(cameraFromInfo(bent).distortion).toEqual({ model: "plumb_bob", coefficients: [0.1, 0, 0, 0, 0] });
    expect(cameraFromInfo(bent, { rectified: true })).toEqual({
      width: 640,
      height: 480,
      fx: 500,
      fy: 505,
      cx: 300,
      cy: 200,
    });
  });

  it("with a region of interest and binning describes the image, not the sensor", () => {
    const roi = { x_offset: 100, y_offset: 40, width: 400, height: 200, do_rectify: false };
    expect(cameraFromInfo(info({ roi, binning_x: 2, binning_y: 2 }))).toEqual({
      width: 200,
      height: 100,
      fx: 300,
      fy: 305,
      cx: 110,
      cy: 100,
    });
  });

  it.each([
    ["zeros", new Float64Array(9)],
    ["NaN", new Float64Array(9).fill(Number.NaN)],
    ["nothing", []],
  ])("of %s is refused", (_, k) => {
    expect(() => cameraFromInfo(info({ k }))).toThrow(expect.objectContaining({ code: "CAMERA_INVALID" }));
  });
});
