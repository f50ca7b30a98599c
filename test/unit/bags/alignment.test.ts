import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type FrameOptions, openBag, rgbdFrames } from "../../../src/bags/index.js";
import { deproject, depthAt, project } from "../../../src/geometry/index.js";
import { headerOf } from "../../../src/messages/index.js";
import { temporaryFolder } from "../../support/bags.js";
import { asMessage, type Calibration } from "../../support/calibrations.js";
import { imageAt, type RawMessage, writeRawMcap } from "../../support/raw-mcap.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string) => join(folder.path, name);

const time = 1_700_000_000_000_000_000n;
const colourFrame = "color_optical_frame";
const depthFrame = "depth_optical_frame";
const colourCamera: Calibration = {
  ...{ width: 64, height: 48, fx: 60, fy: 60, cx: 31.5, cy: 23.5 },
  model: "plumb_bob",
  d: [0, 0, 0, 0, 0],
};
const depthCamera: Calibration = { ...colourCamera, fx: 45, fy: 45, cx: 30.2, cy: 24.9 };
/** The depth camera stands 5 cm to the right of colour and 2 cm behind it. */
const offset = { x: 0.05, y: 0, z: -0.02 };

interface Recorded {
  readonly depthFrame?: string;
  readonly depthCamera?: Calibration | undefined;
  readonly colourCamera?: Calibration;
  readonly tf?: "tf_static" | "tf";
  readonly offset?: { readonly x: number; readonly y: number; readonly z: number };
  readonly colourTopic?: string;
}

/** A wall 0.8 m before the depth camera, with a block at 0.7 m. */
const millimetres = new Uint16Array(64 * 48).fill(800);
for (let v = 20; v < 24; v++) millimetres.fill(700, v * 64 + 40, v * 64 + 44);
const wall = Float32Array.from(millimetres, (mm) => mm * 0.001);

/** One frame of the wall. */
function frameOf(recorded: Recorded): RawMessage[] {
  const { colourTopic = "/camera/color/image_raw", tf } = recorded;
  const own = "depthCamera" in recorded ? recorded.depthCamera : depthCamera;
  const frame = recorded.depthFrame ?? depthFrame;
  const image = { width: 64, height: 48, is_bigendian: 0 };
  const message = (topic: string, type: string, content: unknown) => ({
    topic,
    type,
    time,
    message: content,
  });
  return [
    ...(tf === undefined
      ? []
      : [
          message(`/${tf}`, "tf2_msgs/msg/TFMessage", {
            transforms: [
              {
                header: headerOf(time, colourFrame),
                child_frame_id: depthFrame,
                transform: { translation: recorded.offset ?? offset, rotation: { x: 0, y: 0, z: 0, w: 1 } },
              },
            ],
          }),
        ]),
    message(colourTopic, "sensor_msgs/msg/Image", {
      ...image,
      header: headerOf(time, colourFrame),
      encoding: "rgb8",
      step: 64 * 3,
      data: new Uint8Array(64 * 48 * 3),
    }),
    message("/camera/depth/image_rect_raw", "sensor_msgs/msg/Image", {
      ...image,
      header: headerOf(time, frame),
      encoding: "16UC1",
      step: 64 * 2,
      data: new Uint8Array(millimetres.buffer),
    }),
    message(
      "/camera/color/camera_info",
      "sensor_msgs/msg/CameraInfo",
      asMessage(recorded.colourCamera ?? colourCamera, time, colourFrame),
    ),
    ...(own === undefined
      ? []
      : [message("/camera/depth/camera_info", "sensor_msgs/msg/CameraInfo", asMessage(own, time, frame))]),
  ];
}

async function load(recorded: Recorded, options: FrameOptions = {}) {
  await writeRawMcap(at("frame.mcap"), frameOf(recorded));
  const bag = await openBag(at("frame.mcap"));
  try {
    const frames = await rgbdFrames(bag, options);
    for await (const handle of frames) {
      const { depth, camera } = await handle.load();
      return { depth: depth!, camera: camera!, notes: frames.notes };
    }
    throw new Error("no frame");
  } finally {
    await bag.close();
  }
}

const unregistered = (recorded: Recorded, why: RegExp, options?: FrameOptions) =>
  expect(load(recorded, options)).rejects.toMatchObject({
    code: "DEPTH_UNREGISTERED",
    message: expect.stringMatching(why),
  });

describe("depth of colour's size", () => {
  it.each(["tf_static", "tf"] as const)("but of another camera is registered through /%s", async (tf) => {
    const { depth, camera } = await load({ tf });
    // A point of the wall, in the depth camera's frame and in colour's.
    for (const [x, y] of [
      [0, 0],
      [0.1, -0.15],
      [-0.2, 0.1],
    ] as const) {
      const [u, v] = project(camera, [x + offset.x, y + offset.y, 0.8 + offset.z])!;
      const z = depthAt(depth, Math.round(u), Math.round(v))!;
      expect(z).toBeCloseTo(0.78, 6);
      const [px, py] = deproject(camera, u, v, z);
      expect(Math.hypot(px - x - offset.x, py - y - offset.y)).toBeLessThan(1e-4);
    }
  });

  it("but of another frame without a transform or camera info is refused with what is missing", async () => {
    await unregistered({}, /frame depth_optical_frame, colour in color_optical_frame.*not in TF/);
    await unregistered({ tf: "tf_static", depthCamera: undefined }, /own camera info was not recorded/);
    await unregistered(
      { tf: "tf_static", depthCamera: { ...depthCamera, fx: 0 } },
      /info cannot be used.*focal length/,
    );
  });

  it("and frame but of another K is registered without a transform", async () => {
    const { depth, camera } = await load({ depthFrame: colourFrame });
    // The block moves with the focal length, and the depth camera sees more: colour's corners are covered.
    expect(depthAt(depth, 47, 19)).toBeCloseTo(0.7, 6);
    expect(depthAt(depth, 41, 22)).toBeCloseTo(0.8, 6);
    expect(depthAt(depth, 0, 0)).toBeCloseTo(0.8, 6);
    expect(camera.fx).toBe(60);
  });

  it("and frame and K is left as it is, also where no camera info of its own was recorded", async () => {
    for (const own of [undefined, colourCamera]) {
      const { depth } = await load({ depthFrame: colourFrame, depthCamera: own });
      expect(depth.data).toEqual(wall);
    }
  });

  it("but of a frame that TF makes colour's own is as it is, and that is said", async () => {
    const coinciding = { tf: "tf_static", depthCamera: undefined, offset: { x: 0, y: 0, z: 0 } } as const;
    const { depth, notes } = await load(coinciding);
    expect(depth.data).toEqual(wall);
    expect(notes).toEqual([expect.stringMatching(/TF says that depth_optical_frame is color_optical_frame/)]);
    const apart = { ...coinciding, offset: { x: 0.001, y: 0, z: 0 } };
    await unregistered(apart, /own camera info was not recorded/);
    await unregistered(coinciding, /own camera info was not recorded/, { depthRegistered: false });
  });

  it("is what the user says it is", async () => {
    const { depth } = await load({}, { depthRegistered: true });
    expect(depth.data).toEqual(wall);
    await unregistered({ depthCamera: undefined }, /own camera info was not recorded/, {
      depthRegistered: false,
    });
  });
});

describe("a camera info with distortion and a projection matrix", () => {
  const bent = { ...colourCamera, d: [-0.2, 0.05, 0, 0, 0] };
  const aligned = { depthFrame: colourFrame, depthCamera: undefined, colourCamera: bent };

  it("is of the image as it comes from the lens, whatever letters the topic's name holds", async () => {
    for (const colourTopic of ["/camera/color/image_raw", "/directional_cam/image_raw", "/rectangle/image"]) {
      const { camera, notes } = await load({ ...aligned, colourTopic });
      expect(camera.distortion?.coefficients).toEqual(bent.d);
      expect(notes).toEqual([expect.stringMatching(/does not say whether it is rectified/)]);
    }
  });

  it("is of a rectified image where image_proc's name or the user says so, and that is said", async () => {
    const { camera, notes } = await load({ ...aligned, colourTopic: "/camera/color/image_rect_color" });
    expect(camera.distortion).toBeUndefined();
    expect(notes).toEqual([expect.stringMatching(/taken as rectified, by its name/)]);
    const { camera: said, notes: none } = await load(aligned, { rectified: true });
    expect([said.distortion, none]).toEqual([undefined, []]);
  });

  it("of an image of another size is refused", async () => {
    const half = { ...colourCamera, width: 32, height: 24 };
    await expect(load({ ...aligned, colourCamera: half })).rejects.toMatchObject({ code: "CAMERA_SIZE" });
    await expect(load({ ...aligned, colourCamera: { ...bent, model: "" } })).rejects.toMatchObject({
      code: "CAMERA_INVALID",
    });
  });

  it("without distortion needs no remark", async () => {
    const { notes } = await load({ ...aligned, colourCamera, colourTopic: "/camera/color/image_raw" });
    expect(notes).toEqual([]);
  });
});

it("a message that is no image does not end the search for topics", async () => {
  await writeRawMcap(at("odd.mcap"), [
    ...frameOf({ depthFrame: colourFrame, depthCamera: undefined }),
    imageAt(time, { topic: "/camera/other", encoding: "yuv999" }),
  ]);
  const bag = await openBag(at("odd.mcap"));
  expect((await rgbdFrames(bag)).topics.colour).toBe("/camera/color/image_raw");
  await bag.close();
});

it("depth of another camera of the recording is left out with a note, not taken", async () => {
  const wrist = frameOf({ depthFrame: "wrist_optical", depthCamera: undefined }).map((each) => ({
    ...each,
    topic: each.topic.replace("/camera/depth", "/wrist/depth"),
  }));
  const colour = imageAt(time, { topic: "/wrist/color/image_mono", encoding: "mono8", bytes: 1 });
  await writeRawMcap(at("two.mcap"), [...wrist, colour]);
  const bag = await openBag(at("two.mcap"));
  const frames = await rgbdFrames(bag);
  expect(frames.topics).toMatchObject({ colour: "/camera/color/image_raw" });
  expect(frames.topics.depth).toBeUndefined();
  expect(frames.notes).toEqual([expect.stringMatching(/wrist.*depth of another camera/)]);
  await bag.close();
});
