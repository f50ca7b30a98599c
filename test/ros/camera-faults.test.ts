import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diagnosed, type Message, NodeProcess, Peer } from "./support/peer.js";

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1e3));

let peer: Peer;
let node: NodeProcess | undefined;

beforeEach(() => {
  peer = new Peer();
});
afterEach(async () => {
  await node?.stop();
  await peer.close();
  node = undefined;
});

async function start(...parameters: readonly string[]): Promise<void> {
  const args = ["query:=the red box", ...parameters].flatMap((each) => ["-p", each]);
  node = await NodeProcess.start(args);
  await peer.do("wait_for_node");
  await peer.do("listen", { topics: ["grounding", "diagnostics"] });
}

/** The camera's line on /diagnostics, once it holds `text`. */
async function cameraSays(text: string): Promise<Message> {
  await peer.do("clear");
  return diagnosed(await peer.wait("diagnostics", { has: text }), "camera");
}

describe("images that are lost on their way", () => {
  it("are counted against the camera infos of the same stamps, and named with the fix", async () => {
    await start();
    await peer.do("camera", { rate: 10, reliability: "best_effort", colour_every: 5 });
    const camera = await cameraSays("images sent on /camera/color/image_raw arrived");
    expect(camera.level).toBe(1);
    expect(camera.message).toMatch(/only \d+ of the last \d+ images/);
    expect(camera.message).toContain("launch/config/fastdds.xml");
    const [, arrived, sent] = /only (\d+) of the last (\d+)/.exec(camera.message)!;
    expect(Number(arrived) / Number(sent)).toBeLessThan(0.4);
    expect(Number(camera.images_sent)).toBeGreaterThan(Number(camera.images_arrived));
  });

  it("are no warning while all arrive", async () => {
    await start();
    await peer.do("camera", { rate: 10 });
    await peer.wait("grounding");
    await pause(6);
    expect((await cameraSays("images arrive")).level).toBe(0);
  });
});

describe("depth or camera info of another camera", () => {
  it.each(["other_optical_frame", ""])(
    "refuses registered depth of frame '%s', and says so",
    async (frame) => {
      await start();
      await peer.do("camera", { depth_frame_id: frame === "" ? " " : frame });
      const camera = await cameraSays("so it is not registered and not used");
      expect(camera.level).toBe(1);
      expect(camera.message).toContain("set depth_registered to false");
      await peer.do("clear");
      const grounding = await peer.wait("grounding");
      expect([grounding.grasps, grounding.objects[0].has_position]).toEqual([[], false]);
      expect(grounding.grasp_reason).toContain("not registered");
    },
  );

  it("takes depth of a frame that TF makes colour's own, and says so once", async () => {
    await start();
    const same = { parent: "camera_color_optical_frame", child: "other_optical_frame", fixed: true };
    await peer.do("tf", { ...same, xyz: [0, 0, 0], xyzw: [0, 0, 0, 1] });
    await peer.do("camera", { depth_frame_id: "other_optical_frame" });
    await peer.wait("grounding", { has: "has_position=True" });
    expect((await cameraSays("images arrive")).level).toBe(0);
    expect(node?.output.match(/which TF says is the colour frame/g)).toHaveLength(1);
  });

  it.each(["other_optical_frame", ""])("refuses camera info of frame '%s', and says so", async (frame) => {
    await start();
    await peer.do("camera", { info_frame_id: frame });
    const camera = await cameraSays("the camera info on /camera/color/camera_info is of frame");
    expect(camera.level).toBe(1);
    await peer.do("clear");
    const { result } = await peer.do("grasp", { query: "the red box", timeout: 1 });
    expect(result.success).toBe(false);
    expect(result.message).toContain("camera info on /camera/color/camera_info is of frame");
  });

  it("takes them with check_frames off", async () => {
    await start("check_frames:=false");
    await peer.do("camera", { info_frame_id: "", depth_frame_id: "other_optical_frame" });
    await peer.wait("grounding", { has: "has_position=True" });
  });

  it("measures with the new intrinsics after the camera was replaced", async () => {
    await start();
    await peer.do("camera", { focal: 300 });
    const before = await peer.wait("grounding", { has: "has_position=True" });
    expect(before.objects[0].position.x).toBeCloseTo(((84.5 - 160) / 300) * 0.7, 3);
    await peer.do("camera", { focal: 600 });
    await pause(1);
    await peer.do("clear");
    const after = await peer.wait("grounding", { has: "has_position=True" });
    expect(after.objects[0].position.x).toBeCloseTo(((84.5 - 160) / 600) * 0.7, 3);
    const camera = diagnosed(await peer.wait("diagnostics"), "camera");
    expect(Number(camera.camera_info_changes)).toBe(1);
    expect(node?.output).toContain("changed; the new one is used");
  });

  it("uses the camera info no longer when it stops while images go on", async () => {
    await start();
    await peer.do("camera", { info_count: 15 });
    await peer.wait("grounding", { has: "has_position=True" });
    const camera = await cameraSays("stopped");
    expect(camera.message).toMatch(/the camera info on \/camera\/color\/camera_info stopped \d/);
    await peer.do("clear");
    expect((await peer.wait("grounding")).grasps).toEqual([]);
  });
});

describe("stamps", () => {
  it("that are too old drop images with a warning: age and clock", async () => {
    await start("max_frame_age:=1.0");
    await peer.do("camera", { stamp_offset: -30 });
    const camera = await cameraSays("s old when they arrive and max_frame_age is 1 s");
    expect(camera.level).toBe(1);
    expect(camera.message).toMatch(/are (29|3\d)\.\d s old/);
    expect(camera.message).toContain("synchronise the clocks");
    const answer = await peer.do("ground", { query: "the red box", timeout: 1 });
    expect(answer.success).toBe(false);
    expect(answer.message).toContain("s old when they arrive");
  });

  it("of the future are a warning", async () => {
    await start();
    await peer.do("camera", { stamp_offset: 30 });
    expect((await cameraSays("in the future; synchronise the clocks")).level).toBe(1);
  });
});

describe("advice", () => {
  it("is to raise sync_timeout when depth of equal stamps is late, and following it works", async () => {
    await start();
    await peer.do("camera", { rate: 10, depth_delay: 0.7 });
    const camera = await cameraSays("raise sync_timeout");
    expect(camera.message).toMatch(/arrives [6-9]\d\d\.\d ms after colour and sync_timeout is 500\.0 ms/);
    expect(camera.message).not.toContain("sync_tolerance");
    await peer.do("set_parameter", { name: "sync_timeout", kind: "double", value: 1.5 });
    await peer.wait("grounding", { has: "has_position=True" });
  });

  it("names the camera info when that is what is missing", async () => {
    await start();
    await peer.do("camera", { info: false });
    const camera = await cameraSays("nobody publishes /camera/color/camera_info");
    expect(camera.level).toBe(1);
    await peer.do("clear");
    const grounding = await peer.wait("grounding");
    expect(grounding.grasp_reason).toContain("nobody publishes /camera/color/camera_info");
    expect(grounding.grasp_reason).not.toContain("--");
    const { result } = await peer.do("grasp", { query: "the red box", timeout: 1 });
    expect(result.message).toContain("nobody publishes /camera/color/camera_info");
  });
});

describe("quality of service", () => {
  it("follows transient-local publishers: images and camera info sent once before the node started arrive", async () => {
    await peer.do("camera", { latched: true, once: true });
    // Its one answer goes to who listens then.
    await peer.do("listen", { topics: ["grounding"] });
    await start("sync_timeout:=10.0");
    const grounding = await peer.wait("grounding", { has: "has_position=True" });
    expect(grounding.objects[0].x1).toBe(60);
    const [colour] = await peer.do("endpoint_qos", { topic: "/camera/color/image_raw", publishers: false });
    expect(colour).toEqual({ reliability: "RELIABLE", durability: "TRANSIENT_LOCAL" });
  });

  it("takes a query of a best-effort publisher, and then one of a reliable one", async () => {
    await start();
    await peer.do("camera");
    await peer.wait("grounding", { where: { query: "the red box" } });
    await peer.do("query_best_effort", { text: "the blue box" });
    await peer.wait("grounding", { where: { query: "the blue box" } });
    await peer.do("query", { text: "the red box" });
    await peer.wait("grounding", { where: { query: "the red box" } });
  });

  it("is overridden topic by topic with qos_overrides", async () => {
    await start(
      "qos_overrides./grasp_grounding/grounding.publisher.reliability:=best_effort",
      "qos_overrides./grasp_grounding/grounding.publisher.durability:=volatile",
      "qos_overrides./grasp_grounding/detections.publisher.durability:=transient_local",
      "qos_overrides./camera/color/image_raw.subscription.reliability:=best_effort",
      "qos_overrides./camera/color/image_raw.subscription.depth:=7",
    );
    await peer.do("camera", { reliability: "reliable" });
    await pause(1.5);
    const qos = async (topic: string, publishers = true) =>
      (await peer.do("endpoint_qos", { topic, publishers }))[0];
    expect(await qos("/grasp_grounding/grounding")).toEqual({
      reliability: "BEST_EFFORT",
      durability: "VOLATILE",
    });
    expect((await qos("/grasp_grounding/detections")).durability).toBe("TRANSIENT_LOCAL");
    expect((await qos("/grasp_grounding/mask")).reliability).toBe("RELIABLE");
    expect((await qos("/camera/color/image_raw", false)).reliability).toBe("BEST_EFFORT");
    expect((await qos("/camera/color/camera_info", false)).reliability).toBe("RELIABLE");
    const names: string[] = await peer.do("list_parameters");
    expect(names).toContain("qos_overrides./grasp_grounding/mask.publisher.depth");
    const [depth] = await peer.do("get_parameters", {
      names: ["qos_overrides./camera/color/image_raw.subscription.depth"],
    });
    expect(depth.integer_value).toBe(7);
  });

  it("refuses an override that is no policy, with the reason", async () => {
    const name = "qos_overrides./grasp_grounding/mask.publisher.reliability";
    node = await NodeProcess.start(["-p", `${name}:=perfect`], {}, { ready: false });
    const { code } = await node.exited();
    expect(code).not.toBe(0);
    expect(node.output).toContain(`must be one of reliable, best_effort, not "perfect"`);
  });
});
