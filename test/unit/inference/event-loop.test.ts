import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeMessage } from "../../../src/messages/index.js";
import { PipelineHost } from "../../../src/ros/pipeline-host.js";
import { blue, grey, picture as image, red } from "../../support/images.js";
import { repository } from "../../support/python.js";
import { WorkerProcess } from "../../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "event-loop-"));
let jpeg: Uint8Array;

beforeAll(async () => {
  const { width, height, data } = image(1280, 720, grey, [
    [[80, 40, 360, 320], red],
    [[680, 280, 960, 560], blue],
  ]);
  jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Milliseconds by which a timer of the thread that serves ROS is late while images are grounded and overlays encoded. */
async function delays(options: object): Promise<{ p90: number; p99: number }> {
  const module = pathToFileURL(join(repository, "dist", "src", "cli", "node", "ros-pipeline.js")).href;
  const host = PipelineHost.startBlocking(
    { module, options: { model: "lite", threads: 1, ...options } },
    120,
  );
  const header = { stamp: { sec: 0, nanosec: 0 }, frame_id: "camera" };
  const job = () => ({
    frame: {
      colour: {
        kind: "compressed" as const,
        cdr: encodeMessage("sensor_msgs/msg/CompressedImage", { header, format: "jpeg", data: jpeg }).slice(),
      },
    },
    queries: ["the red box", "the blue box"],
    clients: [],
    ask: "never" as const,
    published: [true, true],
    requestedOutputs: {
      mask: true,
      overlay: true,
      overlayCompressed: true,
      objectCloud: false,
      surfaces: false,
    },
    rectified: false,
    maxDetections: 5,
    masks: true,
    overlayQuality: 80,
  });
  await host.run(job());
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let i = 0; i < 8; i++) {
    const { results } = await host.run(job());
    expect(results).toHaveLength(2);
  }
  delay.disable();
  await host.close();
  return { p90: delay.percentile(90) / 1e6, p99: delay.percentile(99) / 1e6 };
}

// The goal is 10 ms at p99, and that is what an idle machine shows. One that is busy with other work runs a timer late whatever
// this program does: there nine of ten must be in time.
const limit = { p90: 10, p99: 50 };

describe("the node's event loop", () => {
  it("is free while the model runs in this process", async () => {
    const { p90, p99 } = await delays({});
    expect(p90).toBeLessThan(limit.p90);
    expect(p99).toBeLessThan(limit.p99);
  });

  it("is free while the model runs in a worker", async () => {
    const worker = await WorkerProcess.start(`ipc://${join(folder, "worker")}`, []);
    try {
      const { p90, p99 } = await delays({ backend: "zmq", endpoint: [worker.endpoint] });
      expect(p90).toBeLessThan(limit.p90);
      expect(p99).toBeLessThan(limit.p99);
    } finally {
      await worker.stop();
    }
  });
});
