import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeMessage } from "../../../src/messages/index.js";
import type { ReadyFrame } from "../../../src/ros/camera/camera-input.js";
import { PipelineHost } from "../../../src/ros/pipeline-host.js";
import { Scheduler } from "../../../src/ros/scheduler.js";
import { grey, picture as image, red } from "../../support/images.js";
import { repository } from "../../support/python.js";
import { until, WorkerProcess } from "../../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "scheduler-"));
let worker: WorkerProcess;
let host: PipelineHost;

beforeAll(async () => {
  worker = await WorkerProcess.start(`ipc://${join(folder, "worker")}`, []);
  await worker.ready;
  const module = pathToFileURL(join(repository, "dist", "src", "cli", "node", "ros-pipeline.js")).href;
  const options = { model: "lite", backend: "zmq", endpoint: [worker.endpoint] };
  host = PipelineHost.startBlocking({ module, options }, 120);
});
afterAll(async () => {
  await host.close();
  await worker.stop();
  rmSync(folder, { recursive: true, force: true });
});

let shade = 0;
/** An image that no other call made, with its number as its stamp. */
async function frame(): Promise<ReadyFrame> {
  shade++;
  const { width, height, data } = image(640, 480, grey, [[[40, 40, 200, 200 + shade], red]]);
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg()
    .toBuffer();
  const header = { stamp: { sec: shade, nanosec: 0 }, frame_id: "camera" };
  const cdr = encodeMessage("sensor_msgs/msg/CompressedImage", {
    header,
    format: "jpeg",
    data: jpeg,
  }).slice();
  return {
    bytes: { colour: { kind: "compressed", cdr } },
    stamp: BigInt(shade) * 1_000_000_000n,
    frameId: "camera",
    arrived: performance.now(),
  } as unknown as ReadyFrame;
}

/** A scheduler on the real pipeline, which asks a worker; `query` is the query of continuous mode. */
const origin = { source: "service", id: "service-1" } as const;

function scheduler(query?: string) {
  const failures: Error[] = [];
  const made = new Scheduler({
    start: ({ candidate, queries, published, scenePoints }, signal) =>
      host.run(
        {
          requestedOutputs: {
            mask: false,
            overlay: false,
            overlayCompressed: false,
            objectCloud: false,
            surfaces: false,
          },
          rectified: false,
          maxDetections: 5,
          masks: false,
          overlayQuality: 80,
          queries: queries.map(({ query }) => query),
          clients: queries.map(({ client }) => client),
          ask: "never",
          published,
          scenePoints,
          ...(candidate.fresh && { frame: candidate.frame.bytes }),
        },
        signal,
      ),
    policy: () => ({ query, origin: { source: "topic", id: "topic-1" }, maxRate: 0, reuse: 1 }),
    listener: { finished: () => undefined, failed: (error) => failures.push(error) },
    camera: () => ({ topic: "camera", problem: "no image" }),
  });
  made.open();
  return { made, failures };
}

describe("a job that nobody waits for any more", () => {
  it("is given up when its request is cancelled, and the next one is served", async () => {
    const { made, failures } = scheduler();
    made.offer(await frame());
    const unwanted = made.request({ query: "the red box", origin, timeout: 60 });
    unwanted.answer.catch(() => undefined);
    unwanted.cancel();
    await until(() => made.withdrawn === 1, 10_000, "the job's end");
    expect(made.processed).toBe(0);
    made.offer(await frame());
    const { result } = await made.request({ query: "the red box", origin, timeout: 60 }).answer;
    expect(result.query).toBe("the red box");
    expect([made.withdrawn, made.processed, made.failed, failures]).toEqual([1, 1, 0, []]);
  });

  it("makes way, in continuous mode, for a request that a newer image can answer", async () => {
    const { made, failures } = scheduler("anything");
    made.offer(await frame());
    const newer = await frame();
    made.offer(newer);
    const { finished } = await made.request({ query: "the red box", origin, timeout: 60 }).answer;
    expect(finished.done.stamp).toBe(newer.stamp);
    expect(finished.done.results.map(({ query }) => query)).toEqual(["the red box", "anything"]);
    expect([made.withdrawn, made.processed, failures]).toEqual([1, 1, []]);
  });

  it("goes on while no image at hand can answer the request", async () => {
    const { made } = scheduler("anything");
    made.offer(await frame());
    const { notBefore, newer } = await frame().then((next) => ({ notBefore: next.stamp, newer: next }));
    const request = made.request({ query: "the red box", origin, timeout: 60, notBefore });
    await until(() => made.processed === 1, 30_000, "the first image's answer");
    made.offer(newer);
    await request.answer;
    expect([made.withdrawn, made.processed]).toEqual([0, 2]);
  });
});

describe("an image that nobody asked about yet", () => {
  it("answers a request while it is fresh, and not when it may have been the camera's last", async () => {
    const { made } = scheduler();
    made.offer(await frame());
    const { finished } = await made.request({ query: "the red box", origin, timeout: 60 }).answer;
    expect(finished.done.results[0]?.query).toBe("the red box");

    const old = { ...(await frame()), arrived: performance.now() - 1_200 };
    made.offer(old);
    const late = made.request({ query: "the blue box", origin, timeout: 0.3 }).answer;
    await expect(late).rejects.toMatchObject({ code: "FRAME_TIMEOUT" });
    const waiting = made.request({ query: "the red box", origin, timeout: 60 }).answer;
    const next = await frame();
    made.offer(next);
    expect((await waiting).finished.done.stamp).toBe(next.stamp);
    expect(made.processed).toBe(2);
  });
});
