import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { diagnosed, NodeProcess, Peer } from "./support/peer.js";

const redBox = { x1: 60, y1: 40, x2: 110, y2: 100 };
const blueBox = { x1: 180, y1: 120, x2: 240, y2: 160 };

describe("topics, against rclpy over DDS", () => {
  let peer: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    peer = new Peer();
    node = await NodeProcess.start();
    await peer.do("wait_for_node");
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
  });
  beforeEach(async () => {
    await peer.do("query", { text: "" });
    await peer.do("clear");
  });
  afterEach(() => peer.do("camera_off"));

  it.each([
    ["reliable", "rgb8", "16UC1"],
    ["best_effort", "bgr8", "32FC1"],
  ])("grounds %s %s images with %s depth", async (reliability, encoding, depth) => {
    await peer.do("listen", { topics: ["grounding", "grasps"] });
    await peer.do("camera", { reliability, encoding, depth });
    await peer.do("query", { text: "the red box" });
    const grounding = await peer.wait("grounding", { has: "has_position=True" });
    expect(grounding.header.frame_id).toBe("camera_color_optical_frame");
    expect(grounding.query).toBe("the red box");
    expect(grounding.found).toBe(true);
    expect(grounding.objects).toHaveLength(1);
    expect(grounding.objects[0]).toMatchObject(redBox);
    // The middle of the red box, 0.7 m away, seen by a camera of 300 pixels focal length.
    expect(grounding.objects[0].position.z).toBeCloseTo(0.7, 3);
    expect(grounding.objects[0].position.x).toBeCloseTo(((84.5 - 160) / 300) * 0.7, 3);
    expect(grounding.objects[0].position.y).toBeCloseTo(((69.5 - 120) / 300) * 0.7, 3);
    expect(grounding.depth_skew).toBe(0);
  });

  it("carries stamps and frame ids through unchanged to every output", async () => {
    const topics = [
      "detections",
      "grounding",
      "mask",
      "overlay",
      "overlay/compressed",
      "grasps",
      "grasp_pose",
      "markers",
    ];
    await peer.do("listen", { topics: [...topics, "annotations"] });
    await peer.do("camera", { frame_id: "some_optical_frame" });
    await peer.do("query", { text: "the blue box" });
    await peer.wait("grasp_pose");
    for (const topic of topics) {
      const message = await peer.wait(topic, { has: "some_optical_frame" });
      const { header } = topic === "markers" ? message.markers[0] : message;
      const sent: string[] = await peer.do("sent");
      expect(sent, topic).toContain(
        String(BigInt(header.stamp.sec) * 1_000_000_000n + BigInt(header.stamp.nanosec)),
      );
      expect(header.frame_id, topic).toBe("some_optical_frame");
    }
  });

  it("publishes boxes, masks, overlays, grasps, markers and annotations of the object", async () => {
    await peer.do("listen", {
      topics: [
        "detections",
        "grounding",
        "mask",
        "overlay",
        "overlay/compressed",
        "grasps",
        "markers",
        "annotations",
      ],
    });
    await peer.do("camera");
    await peer.do("query", { text: "the blue box" });
    await peer.wait("grounding", { has: "has_position=True" });
    const { detections } = await peer.wait("detections");
    expect(detections).toHaveLength(1);
    expect(detections[0].bbox).toMatchObject({
      center: { position: { x: 210, y: 140 }, theta: 0 },
      size_x: 60,
      size_y: 40,
    });
    expect(detections[0].results[0].hypothesis).toEqual({ class_id: "the blue box", score: 0.9 });

    const mask = await peer.wait("mask");
    expect(mask).toMatchObject({ width: 320, height: 240, encoding: "mono8", step: 320 });
    const pixels = Buffer.from(mask.data, "base64");
    expect(pixels.length).toBe(320 * 240);
    expect(pixels.reduce((sum, each) => sum + (each === 255 ? 1 : 0), 0)).toBe(60 * 40);
    expect(pixels[130 * 320 + 200]).toBe(255);
    expect(pixels[130 * 320 + 170]).toBe(0);

    const overlay = await peer.wait("overlay");
    expect(overlay).toMatchObject({ width: 320, height: 240, encoding: "rgb8", step: 960 });
    const drawn = Buffer.from(overlay.data, "base64");
    const at = (x: number, y: number) => [...drawn.subarray((y * 320 + x) * 3, (y * 320 + x) * 3 + 3)];
    // The blue box and the grey ground keep their colours; the mask's outline is drawn on the edge between them.
    const own = [
      [20, 20, 220],
      [128, 128, 128],
    ];
    expect(at(0, 0)).toEqual(own[1]);
    // Where no grasp is drawn over it.
    const inside = Array.from({ length: 50 * 30 }, (_, i) =>
      at(185 + (i % 50), 125 + Math.floor(i / 50)).join(),
    );
    expect(inside.filter((colour) => colour === own[0]!.join()).length / inside.length).toBeGreaterThan(0.5);
    const edge = [177, 178, 179, 180, 181, 182].map((x) => at(x, 140).join());
    expect(edge.filter((colour) => !own.map(String).includes(colour))).not.toEqual([]);
    const compressed = await peer.wait("overlay/compressed");
    expect(compressed.format).toContain("jpeg");
    expect(Buffer.from(compressed.data, "base64").subarray(0, 2).toString("hex")).toBe("ffd8");

    const grasps = await peer.wait("grasps", { has: "position" });
    expect(grasps.poses[0].position.z).toBeCloseTo(0.8, 3);
    expect(grasps.poses[0].position.x).toBeCloseTo(((209.5 - 160) / 300) * 0.8, 3);
    const { markers } = await peer.wait("markers", { has: "grasps" });
    expect(markers[0].action).toBe(3);
    expect(new Set(markers.map((each: { ns: string }) => each.ns))).toEqual(
      new Set(["", "objects", "labels", "grasps"]),
    );
    const { points, texts } = await peer.wait("annotations");
    expect(points[0].points).toEqual([
      { x: 180, y: 120 },
      { x: 240, y: 120 },
      { x: 240, y: 160 },
      { x: 180, y: 160 },
    ]);
    expect(texts[0].text).toBe("the blue box 0.90");
  });

  it("cuts each object's mask to its box", async () => {
    await peer.do("listen", { topics: ["grounding"] });
    await peer.do("camera");
    await peer.do("query", { text: "the blue box" });
    const { objects, certainty, has_closest } = await peer.wait("grounding", { has: "the blue box" });
    expect(objects[0]).toMatchObject({ ...blueBox, mask_x: 180, mask_y: 120 });
    expect(certainty).toBe("sure");
    expect(has_closest).toBe(false);
    expect(objects[0].mask).toMatchObject({ width: 60, height: 40, encoding: "mono8" });
    expect(Buffer.from(objects[0].mask.data, "base64").every((each) => each === 255)).toBe(true);
  });

  it("says that an object is not there, and clears what was shown", async () => {
    await peer.do("listen", { topics: ["grounding", "detections", "markers"] });
    await peer.do("camera");
    await peer.do("query", { text: "the green box" });
    const grounding = await peer.wait("grounding", { has: "the green box" });
    expect(grounding).toMatchObject({ found: false, objects: [], grasps: [], certainty: "not_found" });
    expect(grounding.reason).toContain("not in the image");
    await peer.do("clear");
    expect((await peer.wait("detections")).detections).toEqual([]);
    expect((await peer.wait("markers")).markers).toHaveLength(1);
  });

  it("changes the query and stops on an empty one", async () => {
    await peer.do("listen", { topics: ["grounding"] });
    await peer.do("camera");
    await peer.do("query", { text: "the red box" });
    await peer.wait("grounding", { where: { query: "the red box" } });
    await peer.do("query", { text: "the blue box" });
    await peer.wait("grounding", { where: { query: "the blue box" } });
    await peer.do("query", { text: "" });
    // Answers to images that were on their way come first; then none comes while the camera goes on.
    await expect
      .poll(async () => {
        await peer.do("clear");
        await new Promise((resolve) => setTimeout(resolve, 700));
        return peer.do("counts");
      })
      .toEqual({});
  });

  it("grounds without depth when none is published, and says so", async () => {
    await peer.do("listen", { topics: ["grounding", "diagnostics"] });
    await peer.do("camera", { depth: "" });
    await peer.do("query", { text: "the red box" });
    const grounding = await peer.wait("grounding", { has: "has_position=False" });
    expect(grounding.found).toBe(true);
    expect(grounding.grasp_reason).toContain("needs depth");
    expect(grounding.depth_skew).toBeNull();
    const camera = diagnosed(
      await peer.wait("diagnostics", { has: "nobody publishes /camera/aligned_depth_to_color" }),
      "camera",
    );
    expect(camera.level).toBe(1);
  });

  it("says by how much stamps of depth are off when nothing pairs", async () => {
    await peer.do("listen", { topics: ["diagnostics"] });
    await peer.do("camera", { rate: 5, skew: 0.08 });
    await peer.do("query", { text: "the red box" });
    const camera = diagnosed(await peer.wait("diagnostics", { has: "sync_tolerance is 20.0 ms" }), "camera");
    expect(camera.message).toMatch(/nearest depth is -?\d+\.\d ms from colour/);
    expect(Number(camera.unpaired)).toBeGreaterThan(0);
  });

  it("pairs skewed depth within the tolerance and reports the skew", async () => {
    await peer.do("listen", { topics: ["grounding"] });
    await peer.do("camera", { rate: 5, skew: 0.015 });
    await peer.do("query", { text: "the red box" });
    const grounding = await peer.wait("grounding", { has: "has_position=True" });
    expect(grounding.depth_skew).toBeCloseTo(0.015, 6);
  });

  it("works on after the camera was restarted with another quality of service", async () => {
    await peer.do("listen", { topics: ["grounding"] });
    await peer.do("query", { text: "the red box" });
    for (const reliability of ["reliable", "best_effort", "reliable"]) {
      await peer.do("camera", { reliability });
      await peer.do("clear");
      expect((await peer.wait("grounding", { has: "has_position=True" })).objects[0]).toMatchObject(redBox);
      await peer.do("camera_off");
    }
  });
});

describe("compressed images", () => {
  it.each(["jpeg", "png"])("grounds %s", async (transport) => {
    const peer = new Peer();
    const node = await NodeProcess.start(["-p", "image_transport:=compressed", "-p", "query:=the red box"]);
    try {
      await peer.do("listen", { topics: ["grounding"] });
      await peer.do("camera", { transport });
      const { objects } = await peer.wait("grounding", { has: "has_position=True" });
      for (const [key, value] of Object.entries(redBox))
        expect(Math.abs(objects[0][key] - value)).toBeLessThanOrEqual(1);
    } finally {
      await node.stop();
      await peer.close();
    }
  });
});

describe("depth in its own frame", () => {
  it("is registered through TF and its own camera info; without the transform says what is missing", async () => {
    const peer = new Peer();
    const node = await NodeProcess.start([
      "-p",
      "depth_registered:=false",
      "-p",
      "query:=the red box",
      "-p",
      "sync_timeout:=0.2",
    ]);
    try {
      await peer.do("wait_for_node");
      await peer.do("listen", { topics: ["grounding", "diagnostics"] });
      await peer.do("camera", {
        depth_name: "camera/depth/image_rect_raw",
        depth_info_name: "camera/depth/camera_info",
        depth_frame_id: "depth_optical_frame",
      });
      await peer.wait("diagnostics", { has: "depth cannot be registered" });
      // The depth camera stands 0.1 m behind the colour camera: what it sees at 0.7 m is 0.6 m from the colour camera.
      await peer.do("tf", {
        parent: "camera_color_optical_frame",
        child: "depth_optical_frame",
        xyz: [0, 0, -0.1],
        xyzw: [0, 0, 0, 1],
        fixed: true,
      });
      const { objects } = await peer.wait("grounding", { has: "has_position=True" });
      expect(objects[0].position.z).toBeCloseTo(0.6, 2);
    } finally {
      await node.stop();
      await peer.close();
    }
  });
});
