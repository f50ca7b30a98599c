import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NodeProcess, Peer } from "./support/peer.js";

const succeeded = 4;
const canceled = 5;
const aborted = 6;

describe("service, action, parameters and transforms, against rclpy over DDS", () => {
  let peer: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    peer = new Peer();
    node = await NodeProcess.start(["-p", "mode:=on_demand", "-p", "sync_tolerance:=0.05"]);
    await peer.do("wait_for_node");
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
  });
  afterEach(() => peer.do("camera_off"));

  it("answers the service with boxes, masks and grasps", async () => {
    await peer.do("camera");
    // The first image may come before depth has been discovered.
    await peer.do("grasp", { query: "the red box" });
    const answer = await peer.do("ground", { query: "the red box" });
    expect(answer).toMatchObject({ success: true, message: "" });
    expect(answer.grounding).toMatchObject({ found: true, query: "the red box", width: 320, height: 240 });
    expect(answer.grounding.objects[0]).toMatchObject({ x1: 60, y1: 40, x2: 110, y2: 100 });
    expect(answer.grounding.grasps[0].pose.header.frame_id).toBe("camera_color_optical_frame");
    expect(answer.grounding.stages).toContain("image");
    expect(new Set(answer.grounding.stages).size).toBe(answer.grounding.stages.length);
  });

  it("answers the service truthfully about what is not there", async () => {
    await peer.do("camera");
    const answer = await peer.do("ground", { query: "the green box" });
    expect(answer.success).toBe(true);
    expect(answer.grounding).toMatchObject({ found: false, objects: [] });
  });

  it.each([
    ["", /the query is empty/],
    ["x".repeat(5_000), /characters/],
  ])("refuses a query of the service with the reason (%#)", async (query, reason) => {
    const answer = await peer.do("ground", { query });
    expect(answer.success).toBe(false);
    expect(answer.message).toMatch(reason);
  });

  it("says why the service has no image", async () => {
    // Until the last image is too old to be used again, and the camera's end was noticed.
    await expect
      .poll(() => peer.do("ground", { query: "the red box", timeout: 0.5 }))
      .toMatchObject({
        success: false,
        message: expect.stringContaining("no answer within 0.5 s: nobody publishes /camera/color/image_raw"),
      });
  });

  it("answers one query of ~/query once, on demand", async () => {
    await peer.do("listen", { topics: ["grounding"] });
    await peer.do("camera");
    await peer.do("clear");
    await peer.do("query", { text: "the blue box" });
    await peer.wait("grounding", { where: { query: "the blue box" } });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await peer.do("counts")).toEqual({ grounding: 1 });
  });

  it("runs the action: feedback by stage, grasps in the result", async () => {
    await peer.do("camera");
    const { status, result, feedback } = await peer.do("grasp", { query: "the blue box" });
    expect(status).toBe(succeeded);
    expect(result).toMatchObject({ success: true, message: "1 grasps planned" });
    expect(result.grasps).toHaveLength(1);
    expect(result.grasps[0].pose.pose.position.z).toBeCloseTo(0.8, 3);
    expect(feedback.map((each: { stage: string }) => each.stage)).toEqual([
      "waiting_for_frame",
      "grounding",
      "transforming",
    ]);
  });

  it("aborts the action for what is not there, with the reason", async () => {
    await peer.do("camera");
    const { status, result } = await peer.do("grasp", { query: "the green box" });
    expect(status).toBe(aborted);
    expect(result.message).toBe('"the green box" is not in the image');
  });

  it("refuses to execute, with the reason", async () => {
    await peer.do("camera");
    const off = await peer.do("grasp", { query: "the red box", execute: true });
    expect(off.status).toBe(aborted);
    expect(off.result.message).toContain("allow_execute is off");
    await peer.do("set_parameter", { name: "allow_execute", kind: "bool", value: true });
    const none = await peer.do("grasp", { query: "the red box", execute: true });
    expect(none.result.message).toContain("this node has no arm");
    await peer.do("set_parameter", { name: "allow_execute", kind: "bool", value: false });
  });

  it("cancels the action at once", async () => {
    // Without a camera, and with the last image too old to be used again, the goal waits.
    await expect
      .poll(async () => (await peer.do("ground", { query: "the red box", timeout: 0.2 })).success)
      .toBe(false);
    const { status, result, cancelled } = await peer.do("grasp", {
      query: "the red box",
      timeout: 10,
      cancel_after: 0.5,
    });
    expect(cancelled.goals).toBe(1);
    // At once, and not when the goal's time is over.
    expect(cancelled.seconds).toBeLessThan(5);
    expect(status).toBe(canceled);
    expect(result.message).toBe("cancelled");
  });

  it("declares every parameter with description and range, and validates what is set", async () => {
    const { parameterNames, parameterSpecs } = await import("../../src/ros/index.js");
    expect(await peer.do("list_parameters")).toEqual(
      expect.arrayContaining([...parameterNames, "use_sim_time"]),
    );
    const descriptors = await peer.do("describe_parameters", { names: parameterNames });
    parameterNames.forEach((name, i) => {
      const spec = parameterSpecs[name];
      expect(descriptors[i]).toMatchObject({ name, description: spec.description });
      expect(descriptors[i].read_only, name).toBe("readOnly" in spec && spec.readOnly);
      if (spec.type === "double")
        expect(descriptors[i].floating_point_range[0]).toMatchObject({
          from_value: spec.range[0],
          to_value: spec.range[1],
        });
    });
    const [tolerance] = await peer.do("get_parameters", { names: ["sync_tolerance"] });
    expect(tolerance.double_value).toBe(0.05);
    const set = (name: string, kind: string, value: unknown) =>
      peer.do("set_parameter", { name, kind, value });
    expect(await set("sync_tolerance", "double", 0.1)).toEqual({ successful: true, reason: "" });
    expect((await set("sync_tolerance", "double", -1)).successful).toBe(false);
    expect((await set("model", "string", "other")).successful).toBe(false);
    expect((await set("max_rate", "string", "fast")).successful).toBe(false);
    const wrong = await set("mode", "string", "sometimes");
    expect(wrong.successful).toBe(false);
    expect(wrong.reason).toBe('mode must be one of continuous, on_demand, not "sometimes"');
  });

  it("puts grasps into the target frame by TF, interpolated at the image's stamp", async () => {
    await peer.do("camera", { stamp_offset: -0.25 });
    // The camera looks down from 1 m above the base: its z is the base's -z.
    const down = [1, 0, 0, 0];
    await peer.do("tf", { parent: "base_link", child: "mount", xyz: [0, 0, 1], xyzw: down, fixed: true });
    const slide = (x: number, seconds_ago: number) =>
      peer.do("tf", {
        parent: "mount",
        child: "camera_color_optical_frame",
        xyz: [x, 0, 0],
        xyzw: [0, 0, 0, 1],
        seconds_ago,
      });
    const from = BigInt(await slide(0.4, 3));
    const to = BigInt(await slide(0.6, -3));
    const { result, status } = await peer.do("grasp", { query: "the red box", target_frame: "base_link" });
    expect(result.message).toBe("1 grasps planned");
    expect(status).toBe(succeeded);
    const { pose } = result.grasps[0];
    expect(pose.header.frame_id).toBe("base_link");
    const stamp = BigInt(pose.header.stamp.sec) * 1_000_000_000n + BigInt(pose.header.stamp.nanosec);
    const moved = 0.4 + (0.2 * Number(stamp - from)) / Number(to - from);
    expect(pose.pose.position.x).toBeCloseTo(moved + ((84.5 - 160) / 300) * 0.7, 3);
    expect(pose.pose.position.y).toBeCloseTo(-((69.5 - 120) / 300) * 0.7, 3);
    expect(pose.pose.position.z).toBeCloseTo(0.3, 3);
    expect(Math.abs(pose.pose.orientation.x)).toBeCloseTo(1, 6);
  });

  it("says which transform is missing, and gives no grasp in a wrong frame", async () => {
    await peer.do("camera");
    const { status, result } = await peer.do("grasp", { query: "the red box", target_frame: "nowhere" });
    expect(status).toBe(aborted);
    expect(result.grasps).toEqual([]);
    expect(result.message).toContain("frame nowhere is not in TF");
  });
});

describe("time and names", () => {
  it("follows /clock with use_sim_time", async () => {
    const peer = new Peer();
    const node = await NodeProcess.start(["-p", "use_sim_time:=true"]);
    try {
      await peer.do("wait_for_node");
      await peer.do("listen", { topics: ["diagnostics"] });
      await expect
        .poll(async () => {
          await peer.do("clock", { sec: 1234 });
          await peer.do("clear");
          return (await peer.wait("diagnostics")).header.stamp.sec;
        })
        .toBe(1234);
    } finally {
      await node.stop();
      await peer.close();
    }
  });

  it("takes remappings of topics ", async () => {
    const peer = new Peer();
    const remap = ["-r", "~/grounding:=/elsewhere", "-r", "camera/color/image_raw:=/other/picture"];
    const node = await NodeProcess.start(["-p", "query:=the red box", ...remap]);
    try {
      await peer.do("listen_to", { topic: "grounding", name: "/elsewhere" });
      await peer.do("camera", { colour_name: "/other/picture" });
      await peer.wait("grounding", { where: { query: "the red box" } });
    } finally {
      await node.stop();
      await peer.close();
    }
  });

  it("names a parameter that is given wrongly at start, in one line", async () => {
    const node = await NodeProcess.start(["-p", "max_rate:=-3.0"], {}, { ready: false });
    await node.says(/max_rate/);
    expect(await node.exited()).toMatchObject({ code: 1 });
    expect(node.output).not.toMatch(/^\s+at /m);
  });
});
