import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, expect, it } from "vitest";
import { openBag, rgbdFrames } from "../../../src/bags/index.js";
import { GraspGroundingError } from "../../../src/errors/index.js";
import { type CameraModel, type DepthImage, deproject } from "../../../src/geometry/index.js";
import { cameraForImage, encodeMessage, headerOf, type ImageMessage } from "../../../src/messages/index.js";
import { readCamera, readDepth } from "../../../src/pipeline/index.js";
import { decodeFrame } from "../../../src/ros/camera/frame-decoder.js";
import { temporaryFolder } from "../../support/bags.js";
import {
  asEcho,
  asJson,
  asMessage,
  asOpenCvYaml,
  asRosYaml,
  type Calibration,
} from "../../support/calibrations.js";
import { writeRawMcap } from "../../support/raw-mcap.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string) => join(folder.path, name);

const width = 32;
const height = 24;
const time = 1_700_000_000_000_000_000n;

/** Models with coefficients that lenses have, and models that nothing can be computed with. */
const small = (limit: number) => fc.double({ min: -limit, max: limit, noNaN: true });
const lens = fc.oneof(
  fc.constant({ model: "plumb_bob", d: [] as number[] }),
  fc.constant({ model: "", d: [0, 0, 0, 0, 0] }),
  fc.tuple(small(0.3), small(0.1), small(0.005), small(0.005)).map((d) => ({ model: "plumb_bob", d })),
  fc
    .tuple(small(0.3), small(0.1), small(0.005), small(0.005), small(0.02))
    .chain((d) => fc.constantFrom("plumb_bob", "Plumb Bob", "radtan").map((model) => ({ model, d }))),
  fc
    .tuple(
      small(0.3),
      small(0.1),
      small(0.003),
      small(0.003),
      small(0.02),
      small(0.2),
      small(0.05),
      small(0.01),
    )
    .map((d) => ({ model: "rational_polynomial", d })),
  fc.tuple(small(0.1), small(0.02), small(0.01), small(0.002)).map((d) => ({ model: "equidistant", d })),
  fc.constant({ model: "equidistant", d: [0, 0, 0, 0] }),
  fc
    .constantFrom("", "thin_prism", "inverse_brown_conrady")
    .map((model) => ({ model, d: [0.1, 0, 0, 0, 0] })),
  fc.constant({ model: "rational_polynomial", d: [0.1, 0, 0, 0, 0, 0, 0, 0, 0.01, 0, 0, 0] }),
  fc.constant({ model: "plumb_bob", d: [0.1, Number.NaN, 0, 0, 0] }),
);

const calibration = fc
  .record({
    fx: fc.double({ min: 15, max: 90, noNaN: true }),
    fy: fc.double({ min: 15, max: 90, noNaN: true }),
    cx: fc.double({ min: 8, max: 24, noNaN: true }),
    cy: fc.double({ min: 6, max: 18, noNaN: true }),
    lens,
    // One in eight belongs to images of another size.
    size: fc.constantFrom(...Array<number>(7).fill(1), 2),
  })
  .map(
    ({ lens: { model, d }, size, ...pinhole }): Calibration => ({
      width: width * size,
      height: height * size,
      ...pinhole,
      model,
      d,
    }),
  );

const scene = fc.record({
  calibration,
  millimetres: fc.array(fc.integer({ min: 0, max: 4000 }), {
    minLength: width * height,
    maxLength: width * height,
  }),
  u: fc.integer({ min: 0, max: width - 1 }),
  v: fc.integer({ min: 0, max: height - 1 }),
  float: fc.boolean(),
});

const image = (encoding: string, bytes: number, data: Uint8Array): ImageMessage => ({
  header: headerOf(time, "camera"),
  width,
  height,
  encoding,
  is_bigendian: 0,
  step: width * bytes,
  data,
});

interface Source {
  readonly camera: CameraModel | undefined;
  readonly depth: DepthImage | undefined;
}

/** One source of a camera and depth; "refused" where it does not give them. */
async function from(read: () => Promise<Source>): Promise<Source | "refused"> {
  try {
    const source = await read();
    return source.camera === undefined || source.depth === undefined ? "refused" : source;
  } catch (error) {
    expect(error).toBeInstanceOf(GraspGroundingError);
    return "refused";
  }
}

it("every source of a camera and depth gives the same point, or all refuse", {
  timeout: 120_000,
}, async () => {
  const outcomes = { refused: 0, points: 0 };
  await fc.assert(
    fc.asyncProperty(scene, async ({ calibration: c, millimetres, u, v, float }) => {
      const values = Uint16Array.from(millimetres);
      const metres = Float32Array.from(millimetres, (mm) => mm / 1000);
      const png = sharp(values, { raw: { width, height, channels: 1 } }).toColourspace("grey16");
      await (float ? png.tiff({ compression: "lzw" }) : png.png()).toFile(at("depth"));
      const depthMessage = float
        ? image("32FC1", 4, new Uint8Array(metres.buffer))
        : image("16UC1", 2, new Uint8Array(values.buffer));
      const colour = image("rgb8", 3, new Uint8Array(width * height * 3));
      const info = asMessage(c, time);
      const file = (name: string, text: string) => async () => {
        writeFileSync(at(name), text);
        return {
          camera: cameraForImage(await readCamera(at(name)), { width, height }),
          depth: await readDepth(at("depth")),
        };
      };
      // OpenCV has no names: spellings and refusals by name are not of its format.
      const openCv = ["plumb_bob", "rational_polynomial", "equidistant"].includes(c.model);
      const sources = {
        json: file("c.json", asJson(c).replace("null", "NaN")),
        yaml: file("c.yaml", asRosYaml(c)),
        echo: file("echo.yaml", asEcho(c)),
        ...(openCv && { opencv: file("opencv.yaml", asOpenCvYaml(c).replaceAll("NaN", ".nan")) }),
        bag: async () => {
          const topics = [
            ["/camera/color/image_raw", "sensor_msgs/msg/Image", colour],
            ["/camera/depth/image_raw", "sensor_msgs/msg/Image", depthMessage],
            ["/camera/color/camera_info", "sensor_msgs/msg/CameraInfo", info],
          ] as const;
          await writeRawMcap(
            at("c.mcap"),
            topics.map(([topic, type, message]) => ({ topic, type, time, message })),
          );
          const bag = await openBag(at("c.mcap"));
          try {
            for await (const handle of await rgbdFrames(bag)) {
              const { camera, depth } = await handle.load();
              return { camera, depth };
            }
            return { camera: undefined, depth: undefined };
          } finally {
            await bag.close();
          }
        },
        topic: async () => {
          const cdr = (type: string, message: unknown) => encodeMessage(type, message);
          const { frame } = await decodeFrame(
            {
              colour: { kind: "image", cdr: cdr("sensor_msgs/msg/Image", colour) },
              depth: { kind: "image", cdr: cdr("sensor_msgs/msg/Image", depthMessage) },
              cameraInfo: cdr("sensor_msgs/msg/CameraInfo", info),
            },
            false,
          );
          return { camera: frame.camera, depth: frame.depth };
        },
      };
      const points: Record<string, readonly number[] | "refused"> = {};
      for (const [name, read] of Object.entries(sources)) {
        const source = await from(read);
        points[name] =
          source === "refused" ? source : deproject(source.camera!, u, v, source.depth!.data[v * width + u]!);
      }
      const first = points.json!;
      outcomes[first === "refused" ? "refused" : "points"]++;
      for (const [name, point] of Object.entries(points)) {
        if (first === "refused" || point === "refused") expect({ [name]: point }).toEqual({ [name]: first });
        else
          for (const [k, value] of point.entries())
            if (!Number.isNaN(value) || !Number.isNaN(first[k]!))
              expect(Math.abs(value - first[k]!), `${name} ${point} against ${first}`).toBeLessThan(1e-4);
      }
    }),
    { numRuns: 80 },
  );
  // Both outcomes were tried.
  expect(Math.min(outcomes.refused, outcomes.points)).toBeGreaterThan(3);
});
