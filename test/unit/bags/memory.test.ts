import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBag, ResultWriter, rgbdFrames } from "../../../src/bags/index.js";
import { cameraInfoMessage, headerOf } from "../../../src/messages/index.js";
import { temporaryFolder } from "../../support/bags.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const [width, height] = [640, 480];
const camera = { width, height, fx: 600, fy: 600, cx: 320, cy: 240 };
const path = join(folder.path, "long.mcap");
const frames = 320;

/** About 480 MB of images: colour and depth, uncompressed within. */
beforeAll(async () => {
  const writer = await ResultWriter.create(path);
  const colour = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 31) % 251);
  const depth = new Uint8Array(
    Uint16Array.from({ length: width * height }, (_, i) => 500 + (i % 700)).buffer,
  );
  for (let i = 0; i < frames; i++) {
    const stamp = 1_700_000_000_000_000_000n + BigInt(i) * 33_000_000n;
    const time = { stamp, frameId: "camera" };
    const header = headerOf(stamp, "camera");
    const common = { header, width, height, is_bigendian: 0 };
    colour[i] = 255;
    await writer.message(
      "/color/camera_info",
      "sensor_msgs/msg/CameraInfo",
      time,
      cameraInfoMessage(header, camera),
    );
    await writer.message("/color/image_raw", "sensor_msgs/msg/Image", time, {
      ...common,
      encoding: "bgr8",
      step: width * 3,
      data: colour,
    });
    await writer.message("/depth/image_raw", "sensor_msgs/msg/Image", time, {
      ...common,
      encoding: "16UC1",
      step: width * 2,
      data: depth,
    });
  }
  await writer.close();
});

describe("memory", () => {
  it("stays flat over a long bag: within 150 MB of what a tenth of it takes", async () => {
    const peak = async (to: bigint | undefined): Promise<number> => {
      const bag = await openBag(path);
      let most = 0;
      let count = 0;
      for await (const handle of await rgbdFrames(bag, to === undefined ? {} : { to })) {
        const frame = await handle.load();
        expect(frame.depth?.data[0]).toBeCloseTo(0.5, 6);
        count++;
        most = Math.max(most, process.memoryUsage().rss);
      }
      await bag.close();
      expect(count).toBe(to === undefined ? frames : frames / 10);
      return most;
    };
    const short = await peak(1_700_000_000_000_000_000n + BigInt(frames / 10 - 1) * 33_000_000n);
    const long = await peak(undefined);
    expect(long - short).toBeLessThan(150e6);
  });
});
