import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { diagnosed, NodeProcess, Peer } from "./support/peer.js";

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1e3));
const base64 = (text: string, encoding: BufferEncoding = "utf8") =>
  Buffer.from(text, encoding).toString("base64");

describe("hostile messages", () => {
  let peer: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    peer = new Peer();
    node = await NodeProcess.start(["-p", "query:=the red box", "-p", "sync_timeout:=0.2"]);
    await peer.do("wait_for_node");
    await peer.do("listen", { topics: ["grounding", "diagnostics"] });
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
  });
  beforeEach(async () => {
    await peer.do("camera");
    await peer.do("clear");
    await peer.wait("grounding", { has: "has_position=True" });
  });
  afterEach(() => peer.do("camera_off"));

  /** The node lives, says what was wrong, and the next good images work. */
  async function survives(hint?: RegExp): Promise<void> {
    if (hint !== undefined) {
      const end = performance.now() + 8_000;
      let seen = "";
      while (!hint.test(seen)) {
        if (performance.now() > end) throw new Error(`diagnostics never said ${hint}: ${seen.slice(-1_500)}`);
        const message = await peer.wait("diagnostics");
        seen += message.status.map((each: { message: string }) => each.message).join("\n");
      }
    }
    expect(node.running).toBe(true);
    await peer.do("clear");
    await peer.wait("grounding", { has: "has_position=True" });
  }

  it.each([
    ["data shorter than its size", { bytes_: 100 }, /malformed: 100 bytes/],
    ["no data at all", { bytes_: 0 }, /malformed: 0 bytes/],
    ["an absurd size", { width: 4_000_000_000, height: 4_000_000_000, step: 12, bytes_: 12 }, /malformed/],
    ["no pixels", { width: 0, height: 0 }, /malformed: it is empty/],
    ["an unknown encoding", { encoding: "holograms" }, /holograms is not supported/],
    ["an empty encoding", { encoding: "" }, /\(empty\) is not supported/],
    ["a step below its width", { step: 10 }, /malformed/],
  ])("survives an image with %s", async (_, fields, hint) => {
    for (let i = 0; i < 15; i++) {
      await peer.do("send_image", { topic: "colour", ...fields });
      await pause(0.03);
    }
    await survives(hint);
  });

  it.each([
    ["depth of another size", { width: 100, height: 80, encoding: "16UC1", step: 200 }, /depth is 100×80/],
    ["depth of an unknown encoding", { encoding: "bgr8" }, undefined],
    ["depth cut off", { encoding: "16UC1", step: 640, bytes_: 10 }, undefined],
  ])("survives %s", async (_, fields, hint) => {
    await peer.do("camera", { depth: "", stamp_offset: 0 });
    await peer.do("camera_off");
    await peer.do("camera");
    for (let i = 0; i < 15; i++) {
      await peer.do("send_image", { topic: "depth", ...fields });
      await peer.do("send_image", { topic: "colour" });
      await pause(0.03);
    }
    void hint;
    await survives();
  });

  it("survives intrinsics that are not numbers", async () => {
    await peer.do("camera", { info: true, rate: 1 });
    for (let i = 0; i < 15; i++) {
      await peer.do("send_info", { k: ["nan", 0, 160, 0, "nan", 120, 0, 0, 1] });
      await pause(0.1);
    }
    await survives(/intrinsics are not finite/);
  });

  it("survives stamps from the future and ones that go backwards", async () => {
    const counted = async () => {
      // Images are best effort: one may be lost.
      for (const sec of [2_100_000_000, 5, -5]) await peer.do("send_image", { topic: "colour", sec });
      await peer.do("clear");
      const camera = diagnosed(await peer.wait("diagnostics", { has: "stamps_from_future" }), "camera");
      return Math.min(Number(camera.stamps_from_future), Number(camera.stamps_backwards));
    };
    await expect.poll(counted, { timeout: 30_000 }).toBeGreaterThan(0);
    await survives();
  });

  it.each([
    ["of a megabyte", base64("a".repeat(1_000_000))],
    ["that is no UTF-8", base64("fffec0c1", "hex")],
    ["of control characters", base64("\u0001\u0002\u001b[2J")],
  ])("survives a query %s", async (_, data) => {
    await peer.do("query_bytes", { data });
    await pause(0.3);
    await peer.do("query", { text: "the red box" });
    await survives();
  });

  it("survives a frame id of 100 kB", async () => {
    for (let i = 0; i < 3; i++)
      await peer.do("send_image", { topic: "colour", frame_id: "f".repeat(100_000) });
    await survives();
    const camera = diagnosed(await peer.wait("diagnostics"), "camera");
    expect(Number(camera.malformed)).toBeGreaterThan(0);
  });

  it("survives transforms that are none", async () => {
    await peer.do("tf", { parent: "a", child: "b", xyz: [0, 0, 0], xyzw: [0, 0, 0, 0] });
    await peer.do("tf", { parent: "a", child: "a", xyz: [0, 0, 0], xyzw: [0, 0, 0, 1] });
    await peer.do("tf", { parent: "b", child: "c", xyz: [0, 0, 0], xyzw: [0, 0, 0, 1] });
    await peer.do("tf", { parent: "c", child: "b", xyz: [0, 0, 0], xyzw: [0, 0, 0, 1] });
    const { result } = await peer.do("grasp", { query: "the red box", target_frame: "c" });
    expect(result.success).toBe(false);
    await survives();
  });
});

describe("hostile compressed images", () => {
  it("survives bytes that are no image", async () => {
    const peer = new Peer();
    const node = await NodeProcess.start(["-p", "image_transport:=compressed", "-p", "query:=the red box"]);
    try {
      await peer.do("listen", { topics: ["grounding", "diagnostics"] });
      await peer.do("camera", { transport: "jpeg" });
      await peer.wait("grounding");
      for (const data of [base64("no image"), "", base64("ffd8ffe0", "hex")])
        for (let i = 0; i < 5; i++) {
          await peer.do("send_compressed", { data });
          await pause(0.03);
        }
      await peer.wait("diagnostics", { has: "not an image" });
      await peer.do("clear");
      await peer.wait("grounding");
      expect(node.running).toBe(true);
    } finally {
      await node.stop();
      await peer.close();
    }
  });
});

describe("lifecycle and loss", () => {
  it("is managed: refuses with the reason while inactive, and comes and goes by transitions", async () => {
    const peer = new Peer();
    const node = await NodeProcess.start(["-p", "autostart:=false", "-p", "query:=the red box"]);
    try {
      await peer.do("wait_for_node");
      expect(await peer.do("state")).toBe("unconfigured");
      expect(await peer.do("change", { transition: 1 })).toBe(true);
      expect(await peer.do("state")).toBe("inactive");
      const refused = await peer.do("ground", { query: "the red box" });
      expect(refused.success).toBe(false);
      expect(refused.message).toContain("ros2 lifecycle set /grasp_grounding activate");
      await peer.do("listen", { topics: ["grounding"] });
      await peer.do("camera");
      await pause(0.5);
      expect(await peer.do("counts")).toEqual({});
      expect(await peer.do("change", { transition: 3 })).toBe(true);
      await peer.wait("grounding");
      expect(await peer.do("change", { transition: 4 })).toBe(true);
      expect(await peer.do("change", { transition: 2 })).toBe(true);
      expect(await peer.do("state")).toBe("unconfigured");
    } finally {
      await node.stop();
      await peer.close();
    }
  });

  it("fails to configure without its model, says so, and configures once it is there", async () => {
    const file = join(tmpdir(), `grasp-grounding-model-${process.pid}`);
    await rm(file, { force: true });
    const peer = new Peer();
    const node = await NodeProcess.start(["-p", "autostart:=false"], { TEST_MODEL_FILE: file });
    try {
      await peer.do("wait_for_node");
      expect(await peer.do("change", { transition: 1 })).toBe(false);
      expect(await peer.do("state")).toBe("unconfigured");
      await peer.do("listen", { topics: ["diagnostics"] });
      await peer.wait("diagnostics", { has: "the model file is missing" });
      await writeFile(file, "");
      expect(await peer.do("change", { transition: 1 })).toBe(true);
    } finally {
      await rm(file, { force: true });
      await node.stop();
      await peer.close();
    }
  });

  it("starts its pipeline again when its thread ends", async () => {
    const peer = new Peer();
    const node = await NodeProcess.start(["-p", "query:=the red box"]);
    try {
      await peer.do("listen", { topics: ["grounding", "diagnostics"] });
      await peer.do("camera");
      await peer.wait("grounding");
      await peer.do("query", { text: "crash the thread" });
      await peer.wait("diagnostics", { has: "the pipeline's thread ended" });
      await peer.do("query", { text: "the red box" });
      await peer.do("clear");
      await peer.wait("grounding", { where: { query: "the red box" } });
    } finally {
      await node.stop();
      await peer.close();
    }
  });

  it("goes through 100 lifecycle cycles and leaks nothing", async () => {
    const peer = new Peer();
    const node = await NodeProcess.start(
      ["-p", "autostart:=false", "-p", "query:=the red box"],
      {},
      { script: ["--expose-gc", fileURLToPath(new URL("./support/colour-node.mjs", import.meta.url))] },
    );
    // Between two collections memory swings by 60 MB; what leaks is what stays after one.
    const collected = async (): Promise<number> => {
      node.child.kill("SIGUSR2");
      await pause(1);
      return node.memory();
    };
    try {
      await peer.do("wait_for_node");
      await peer.do("listen", { topics: ["grounding"] });
      await peer.do("camera");
      const memory: number[] = [];
      for (let i = 0; i < 100; i++) {
        for (const transition of [1, 3, 4, 2]) expect(await peer.do("change", { transition })).toBe(true);
        if (i === 19 || i === 99) memory.push(await collected());
      }
      expect(memory[1]! - memory[0]!).toBeLessThan(50);
      for (const transition of [1, 3]) await peer.do("change", { transition });
      await peer.do("clear");
      await peer.wait("grounding");
    } finally {
      await node.stop();
      await peer.close();
    }
  });

  it.each(["SIGINT", "SIGTERM"] as const)("leaves cleanly on %s while images arrive", async (signal) => {
    for (let i = 0; i < 3; i++) {
      const peer = new Peer();
      const node = await NodeProcess.start(["-p", "query:=the red box"], { TEST_PIPELINE_DELAY_MS: "40" });
      await peer.do("listen", { topics: ["grounding"] });
      await peer.do("camera", { rate: 60 });
      await peer.wait("grounding");
      const exit = await node.stop(signal);
      await peer.close();
      expect(exit, node.output).toMatchObject({ code: 0, signal: null });
      expect(exit.seconds).toBeLessThan(30);
      expect(node.output).not.toMatch(/terminate|abort|Error/i);
    }
  });
});

describe("backpressure", () => {
  it("works on the newest image, drops the others and counts them", async () => {
    const peer = new Peer();
    const node = await NodeProcess.start(["-p", "query:=the red box"], { TEST_PIPELINE_DELAY_MS: "200" });
    try {
      await peer.do("listen", { topics: ["grounding", "diagnostics"] });
      await peer.do("camera", { rate: 30 });
      await peer.wait("grounding");
      await pause(3);
      await peer.do("clear");
      const grounding = await peer.wait("grounding");
      const sent: string[] = await peer.do("sent");
      const stamp =
        BigInt(grounding.header.stamp.sec) * 1_000_000_000n + BigInt(grounding.header.stamp.nanosec);
      // A pipeline of 200 ms answers on an image that was new when it began.
      expect(Number(BigInt(sent.at(-1)!) - stamp) / 1e6).toBeLessThan(1_000);
      const pipeline = diagnosed(await peer.wait("diagnostics"), "pipeline");
      expect(Number(pipeline.dropped)).toBeGreaterThan(20);
      expect(Number(pipeline.queued)).toBeLessThanOrEqual(1);
    } finally {
      await node.stop();
      await peer.close();
    }
  });
});
